"""Undoing what a workflow's steps did, the last first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.documents.workflows.resolution import UnresolvedError, resolve
from goldsmith.pipelines.stop import Stop
from goldsmith.pipelines.workflows.attempt import undo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.documents.workflows.resolution import Values
    from goldsmith.documents.workflows.step import WorkflowStep
    from goldsmith.pipelines.workflows.ledger import Ledger
    from goldsmith.pipelines.workflows.step import StepResult
    from goldsmith.pipelines.workflows.workflow_run import WorkflowRun

SECONDS = 1800
"""How long undoing one step may take."""


def roll_back(run: WorkflowRun, results: Sequence[StepResult], values: Values, port: Ledger) -> bool:
    """Undo the steps that ran, from the last to the first; return whether none of them failed to be undone.

    A cancelled build is rolled back as well: nothing stays that nobody will use.
    """
    undone = [
        roll_back_step(run, each.step, each.attempt, each.inputs, each.outputs, values, port)
        for each in reversed(results)
        if each.ran
    ]
    return "FAILED" not in undone


def roll_back_step(
    run: WorkflowRun,
    step: WorkflowStep,
    attempt: int,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    values: Values,
    port: Ledger,
) -> str:
    """Undo one attempt of a step and record how that went; return its rollbackStatus."""
    identifier = run.step_id(step, attempt)

    def work() -> str:
        if not _enabled(step, values):
            port.record_step(identifier, {"rollbackStatus": "SKIPPED"})
            return "SKIPPED"
        port.record_step(identifier, {"rollbackStatus": "RUNNING"})
        port.say(f"Rolling back step {step.name}")
        stop = Stop().within(SECONDS)
        status, reason = undo(run.find, step.action, run.step_run(step, attempt, inputs, port, stop), dict(outputs))
        port.record_step(identifier, {"rollbackStatus": status})
        if reason:
            port.say(f"Rollback failed for step {step.name}: {reason}")
        return status

    return str(port.once(f"{run.execution} {step.name} {attempt} rollback", work))


def _enabled(step: WorkflowStep, values: Values) -> bool:
    """Return whether a step is to be undone: yes, unless it or what it refers to says no."""
    try:
        enabled = resolve(step.rollback_enabled, values)
    except UnresolvedError:
        return True
    return str(enabled).lower() != "false"
