"""DistributeContainerImage: not yet done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Refuse: container images cannot be pushed to registries. Raises ActionFailedError."""
    raise ActionFailedError(
        f"The step {step.name} cannot be done: container images are not pushed to registries here.",
        mend="Distribute AMIs with DistributeImage, or leave the step out.",
    )


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:
    """Change nothing: nothing was done."""
    del step, outputs
    return False
