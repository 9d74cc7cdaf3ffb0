"""What a sandbox's deeds do to its tree: a component's layer, a command's layer, a cleanup."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.commands import ShellScript, read_command
from goldsmith.pipelines.builders.components import run_phases
from goldsmith.pipelines.builders.console import ConsoleLog
from goldsmith.pipelines.builders.pinned import read_component, working_directory
from goldsmith.pipelines.plan import BUILD_PHASES
from goldsmith.trees.cleanup.run import clean
from goldsmith.trees.layers import LayerKey

if TYPE_CHECKING:
    from goldsmith.executor.services import Services
    from goldsmith.guests.guest import Guest
    from goldsmith.pipelines.builders.live_tree import LiveTree
    from goldsmith.pipelines.builders.record import Deed
    from goldsmith.pipelines.growing_tree import GrowingTree
    from goldsmith.pipelines.image_run import ImageRun
    from goldsmith.pipelines.plan import PlannedComponent
    from goldsmith.pipelines.progress import Stage
    from goldsmith.pipelines.workflows.action import StepRun


@dataclass
class Work:
    """Does deeds for a step: for the first time, or again from the cache where a restarted server lost the tree."""

    step: StepRun
    services: Services

    @cached_property
    def components(self) -> dict[str, PlannedComponent]:
        """The image's components by their ARNs, in their order."""
        return {pinned.arn: read_component(pinned, self.services) for pinned in self.step.image.components}

    def do(self, here: LiveTree, deed: Deed) -> Deed:
        """Do it, and return it with what came of it."""
        doing = {"component": self._component, "command": self._command, "cleanup": self._cleanup}
        return doing[deed.kind](here, deed)

    def _component(self, here: LiveTree, deed: Deed) -> Deed:
        component = self.components[deed.arn]
        key = component.key(here.top)
        if component.volatile:  # it can be laid again in this build, and in no other
            key = LayerKey(key.title, {**key.parts, "build": self.step.image.arn})

        ran = False

        def make(guest: Guest, stage: Stage) -> None:
            nonlocal ran
            ran = True
            run_phases(self.step, component, guest, stage, self.services, phases=BUILD_PHASES, told="BUILDING")

        here.lay(key, make)
        if not ran:
            with ConsoleLog(self.step.logs) as console:
                console.line(
                    f"Document {deed.arn} was run before with all the same: its layer is taken from the cache."
                )
        return deed

    def _command(self, here: LiveTree, deed: Deed) -> Deed:
        script = read_command(deed.inputs)
        outputs: dict[str, Any] = dict(deed.outputs)

        def make(guest: Guest, _: Stage) -> None:
            outputs["output"] = script.run(guest, self.step) if isinstance(script, ShellScript) else script

        parts = {"the layer below": here.top.digest, "command": deed.step, "run": deed.run}
        here.lay(LayerKey(f"command {self.step.name}", parts), make)
        return replace(deed, outputs=outputs)

    def _cleanup(self, here: LiveTree, deed: Deed) -> Deed:
        image, tree = self.step.image, here.tree
        with tree.stages.stage("clean") as stage:
            with tree.sealing() as guest:
                report = clean(
                    guest,
                    working_directory=working_directory(image),
                    skip=frozenset(image.cleanup.get("skip") or ()),
                    enable=frozenset(image.cleanup.get("enable") or ()),
                    baseline_users=kept_accounts(image, tree),
                )
            tree.unseal()
            stage.note = f"{report.removed} paths removed"
        here.skipped = report.skipped
        here.top = LayerKey("cleanup", {"the layer below": here.top.digest, "cleanup": deed.step})
        return deed


def kept_accounts(image: ImageRun, tree: GrowingTree) -> frozenset[str] | None:
    """Return the only people's accounts that may stay in the image; None for any."""
    return tree.baseline if image.cleanup.get("accounts") == "remove" else None
