"""BootstrapInstanceForContainer: container images are not built here yet, and the step says so (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> NoReturn:
    """Refuse."""
    raise ActionFailedError(
        f"The step {step.name} prepares an instance to build a container, and containers are not built here yet.",
        mend="Build an AMI of the same components: an image recipe in place of the container recipe.",
    )


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - as every action's
    """Have nothing to undo."""
    return False
