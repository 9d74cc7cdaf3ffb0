"""From a plan to a sealed tree: layers laid or built one on the other, then cleaned and looked through."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.component_run import run_component
from goldsmith.pipelines.growing_tree import GrowingTree
from goldsmith.pipelines.plan import BUILD_PHASES
from goldsmith.trees.accounts import settle_shadow
from goldsmith.trees.cleanup.run import CleanupReport, clean
from goldsmith.trees.inventory import packages

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from goldsmith.executor.failures import Failure
    from goldsmith.executor.services import Services
    from goldsmith.guests.guest import Guest
    from goldsmith.guests.sandbox import SandboxGuest
    from goldsmith.guests.workspace import Workspace
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.plan import BuildPlan, PlannedComponent
    from goldsmith.pipelines.progress import Stage, Stages
    from goldsmith.trees.inventory import Package
    from goldsmith.trees.scan.finding import ScanReport


class StepFailedError(GoldsmithError):
    """A step of a component failed: which, what it said, and where the whole log is."""

    def __init__(self, failure: Failure, *, where: str, logs: Path) -> None:
        self.failure = failure
        self.logs = logs
        stderr = "".join(f"\n    {line}" for line in failure.stderr.strip().splitlines()[-20:])
        super().__init__(
            f"The step {failure.step} ({failure.action}) of {failure.document}, phase {failure.phase}, failed "
            f"{where}: {failure.message}{stderr}",
            mend=f"The whole log is in {logs}.",
        )


@dataclass
class Bake:
    """One bake in a workspace. ``logs`` is where the components' logs go; ``on_failure`` may look into the guest."""

    plan: BuildPlan
    home: Home
    workspace: Workspace
    stages: Stages
    logs: Path
    services: Services
    environment: dict[str, str]
    use_cache: bool = True
    on_failure: Callable[[Guest], None] | None = None

    def __post_init__(self) -> None:
        self.tree = GrowingTree(
            self.plan.parent, self.home, self.workspace, self.stages, self.logs, use_cache=self.use_cache
        )

    def __enter__(self) -> Self:
        self.tree.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.tree.__exit__()

    def lay(self) -> None:
        """Bring every layer of the plan into the workspace, from the cache or by building it."""
        self.tree.lay_parent()
        cached = True
        for component, key in self.plan.layers:
            anew = component.volatile or ("" if cached else "a layer below it is never taken from the cache")
            self.tree.lay(key, partial(self._run, component), anew=anew)
            cached = cached and not component.volatile

    def sandbox(self) -> AbstractContextManager[SandboxGuest]:
        """Give a guest over all that was laid; what it changes is thrown away."""
        return self.tree.sandbox()

    def seal(self, files: dict[str, str]) -> tuple[CleanupReport, tuple[Package, ...]]:
        """Clean the tree, write the disk's own files into it, set its times, and take its inventory."""
        with self.tree.sealing() as guest:
            report = clean(
                guest,
                working_directory=self.plan.working_directory,
                skip=self.plan.skip_cleanup,
                enable=self.plan.enable_cleanup,
                baseline_users=self._accounts,
            )
            furnish_disk(guest, files, self.tree.epoch)
        return report, self.workspace.call(packages, Path("/"), chroot=self.tree.root)

    def scan(self, skipped: frozenset[str]) -> ScanReport:
        """Look through the sealed tree for what no image may carry; ``skipped`` are the cleanup rules that were."""
        return self.tree.scan(skipped, self.plan.allow, self._accounts)

    @property
    def _accounts(self) -> frozenset[str] | None:
        """The only people's accounts that may stay; None for any."""
        return self.tree.baseline if self.plan.remove_accounts else None

    def keep(self) -> None:
        """Wait until every new layer is in the cache."""
        self.tree.keep()

    def _run(self, component: PlannedComponent, guest: Guest, stage: Stage) -> None:
        result = run_component(
            component,
            guest,
            stage,
            phases=BUILD_PHASES,
            logs=self.logs,
            services=self.services,
            environment={**self.environment, "IMAGE_PHASE": "BUILDING"},
        )
        if result.exit_code and result.failure:
            if self.on_failure:
                self.on_failure(guest)
            raise StepFailedError(result.failure, where="in the sandbox", logs=result.log_folder)


def furnish_disk(guest: Guest, files: dict[str, str], epoch: int) -> None:
    """Give a tree that is being sealed what makes it a disk's: its own files, and nothing newer than ``epoch``."""
    settle_shadow(guest, epoch=epoch)
    for path, text in files.items():
        guest.run(["mkdir", "-p", path.rpartition("/")[0]])
        guest.put(path, text.encode())
