"""RunSysPrep: a tool of Windows, which nothing here builds (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Refuse it."""
    raise ActionFailedError(
        f"The step {step.name} runs Sysprep, a program of Windows, and only Linux images are built here.",
        mend="Use SanitizeInstance, which cleans a Linux image.",
    )


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - nothing was done
    """Undo nothing."""
    return False
