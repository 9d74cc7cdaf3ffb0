"""A step's action: what it gets, what it may raise, and where each is found."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from goldsmith.documents.workflows.step import Stage
    from goldsmith.pipelines.image_run import ImageRun
    from goldsmith.pipelines.stop import Stop
    from goldsmith.pipelines.world import World


@dataclass(frozen=True)
class ComponentFailure:
    """The component's step that failed, as in failureContext.componentFailure, and what it wrote to stderr."""

    component_arn: str
    phase: str
    step: str
    action: str
    message: str
    stderr: str = ""


class ActionFailedError(GoldsmithError):
    """A step's action failed. ``component`` and ``regions`` (RegionFailure shapes) say more where they can.

    ``outputs`` are those of the step that are known although it failed.
    """

    def __init__(
        self,
        message: str,
        *,
        mend: str = "",
        component: ComponentFailure | None = None,
        regions: tuple[Mapping[str, Any], ...] = (),
        outputs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, mend=mend)
        self.component = component
        self.regions = regions
        self.outputs = dict(outputs or {})


class NothingToDoError(Exception):
    """A step has nothing to do, and is SKIPPED."""


@dataclass(frozen=True)
class StepRun:
    """One attempt of one step.

    ``id`` is the step execution's (step-…), the same when a killed server takes the attempt up again: whatever the
    action makes outside is made under it as a token, so that twice begun is once done. ``logs`` is the step's own
    folder. ``say`` tells a line of the image's log. ``workflow_execution`` is wf-….
    While it is `idle`, waiting for people, another build has its turn.
    """

    world: World
    image: ImageRun
    workflow_execution: str
    id: str
    name: str
    stage: Stage
    inputs: Mapping[str, Any]
    timeout_seconds: int
    attempt: int
    output_image: str
    logs: Path
    say: Callable[[str], None]
    stop: Stop
    idle: Callable[[], AbstractContextManager[object]] = nullcontext

    def call(self, service: str, operation: str, *, region: str = "", **parameters: Any) -> dict[str, Any]:
        """Run an operation as the image's account, in its region unless said otherwise. Raises RefusedError."""
        image = self.image
        return self.world.call(image.account, region or image.region, service, operation, **parameters)


class Action(Protocol):
    """A module of `actions`: ``run`` returns the step's outputs, a JSON map; ``roll_back`` undoes a step that ended.

    ``run`` raises ActionFailedError or another GoldsmithError when it fails, NothingToDoError to be skipped, and lets
    StoppedError and StepTimeoutError through. ``roll_back`` gets the outputs, {} where the step failed; it returns
    whether there was anything to undo.
    """

    def run(self, step: StepRun) -> Mapping[str, Any]:
        """Do it."""

    def roll_back(self, step: StepRun, outputs: Mapping[str, Any]) -> bool:
        """Undo it."""


MODULES = {
    "ApplyImageConfigurations": "apply_image_configurations",
    "BootstrapInstanceForContainer": "bootstrap_instance_for_container",
    "CollectImageMetadata": "collect_image_metadata",
    "CollectImageScanFindings": "collect_image_scan_findings",
    "CreateImage": "create_image",
    "CreateImageFromIso": "create_image_from_iso",
    "DistributeContainerImage": "distribute_container_image",
    "DistributeImage": "distribute_image",
    "ExecuteComponents": "execute_components",
    "ExecuteStateMachine": "execute_state_machine",
    "LaunchInstance": "launch_instance",
    "ModifyImageAttributes": "modify_image_attributes",
    "RegisterImage": "register_image",
    "RunCommand": "run_command",
    "RunSysPrep": "run_sys_prep",
    "SanitizeInstance": "sanitize_instance",
    "TerminateInstance": "terminate_instance",
    "WaitForAction": "wait_for_action",
    "WaitForSSMAgent": "wait_for_ssm_agent",
}
"""The module of each action of the workflow language (5.3)."""


def find_action(name: str) -> Action:
    """Return the module that does an action."""
    return cast("Action", import_module(f"goldsmith.pipelines.workflows.actions.{MODULES[name]}"))
