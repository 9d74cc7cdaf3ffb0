"""ExecuteStateMachine: there is no Step Functions here, and the step says so (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> NoReturn:
    """Refuse."""
    raise ActionFailedError(
        f"The step {step.name} executes a state machine, and there is no Step Functions here.",
        mend="Let a WaitForAction step wait, and a webhook of cloud.yml start what is to happen meanwhile.",
    )


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - as every action's
    """Have nothing to undo."""
    return False
