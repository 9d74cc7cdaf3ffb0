"""CreateImageFromIso: an installation of Windows from its medium, which nothing here does (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Refuse it."""
    raise ActionFailedError(
        f"The step {step.name} installs Windows from an ISO image, and only Linux images are built here.",
        mend="Build on a distribution as debian/12, on an AMI, or import a disk with ImportVmImage.",
    )


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - nothing was done
    """Undo nothing."""
    return False
