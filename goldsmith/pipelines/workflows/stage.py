"""Running the workflows of one stage: one after the other, the members of a parallel group at the same time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from goldsmith.documents.workflows.configurations import in_batches
from goldsmith.pipelines.workflows.group import run_group
from goldsmith.pipelines.workflows.run import run_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.pipelines.workflows.ledger import Ledger
    from goldsmith.pipelines.workflows.outcome import WorkflowOutcome
    from goldsmith.pipelines.workflows.workflow_run import WorkflowRun


@dataclass(frozen=True)
class StageOutcome:
    """What came of a stage. ``ended_by`` is the workflow that ended it, None when the image goes on.

    ``outcomes`` are those of the workflows that ran, in the order of the list; ``outputs`` what all of them gave out.
    """

    outcomes: tuple[WorkflowOutcome, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    ended_by: WorkflowOutcome | None = None


def run_stage(runs: Sequence[WorkflowRun], port: Ledger) -> StageOutcome:
    """Run a stage's workflows; each sees the outputs of those that ended before it began.

    A failing workflow ends the stage, unless its failure does not fail the image (onFailure CONTINUE); a cancelled one
    always does.
    """
    outcomes: dict[int, WorkflowOutcome] = {}
    outputs: dict[str, Any] = {}
    ended_by: WorkflowOutcome | None = None
    for batch in in_batches([run.parallel_group for run in runs]):
        members = [_seeing(runs[place], outputs) for place in batch]
        ended = run_group(members, port) if len(members) > 1 else [run_workflow(members[0], port)]
        outcomes |= dict(zip(batch, ended, strict=True))
        for outcome in ended:
            outputs |= outcome.outputs
        ended_by = _ended_by(members, ended)
        if ended_by:
            break
    return StageOutcome(tuple(outcomes[place] for place in sorted(outcomes)), outputs, ended_by)


def _seeing(run: WorkflowRun, outputs: Mapping[str, Any]) -> WorkflowRun:
    return replace(run, workflow_outputs={**run.workflow_outputs, **outputs})


def _ended_by(members: Sequence[WorkflowRun], ended: Sequence[WorkflowOutcome]) -> WorkflowOutcome | None:
    """Return the failure that ends the stage, before those that were cancelled because of it."""
    failed = [each for run, each in zip(members, ended, strict=True) if each.status == "FAILED" and not run.continues]
    cancelled = [each for each in ended if each.status == "CANCELLED"]
    return next(iter((*failed, *cancelled)), None)
