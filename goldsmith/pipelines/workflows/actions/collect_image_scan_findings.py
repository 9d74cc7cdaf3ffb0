"""CollectImageScanFindings: skipped, as nothing here scans for vulnerabilities yet (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from goldsmith.pipelines.workflows.action import NothingToDoError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> NoReturn:
    """Be skipped."""
    raise NothingToDoError(f"The step {step.name} is skipped: there is no vulnerability scanner here.")


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - as every action's
    """Have nothing to undo."""
    return False
