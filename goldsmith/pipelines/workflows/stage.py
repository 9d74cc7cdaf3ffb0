"""Running the workflows of one stage: one after the other, the members of a parallel group at the same time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from goldsmith.documents.workflows.configurations import in_batches
from goldsmith.pipelines.workflows.outcome import WorkflowOutcome
from goldsmith.pipelines.workflows.run import run_workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from goldsmith.pipelines.workflows.ledger import JSON, Ledger
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

    A failing workflow ends the stage after its batch, unless it is one that others need not wait for (onFailure
    CONTINUE); a cancelled one always does.
    """
    outcomes: dict[int, WorkflowOutcome] = {}
    outputs: dict[str, Any] = {}
    ended_by: WorkflowOutcome | None = None
    for batch in in_batches([run.parallel_group for run in runs]):
        members = {place: _seeing(runs[place], outputs) for place in batch}
        outcomes |= _run_batch(members, port)
        for place in batch:
            outputs |= outcomes[place].outputs
        ended_by = next((outcomes[place] for place in batch if _ends_stage(runs[place], outcomes[place])), None)
        if ended_by:
            break
    return StageOutcome(tuple(outcomes[place] for place in sorted(outcomes)), outputs, ended_by)


def _seeing(run: WorkflowRun, outputs: Mapping[str, Any]) -> WorkflowRun:
    return replace(run, workflow_outputs={**run.workflow_outputs, **outputs})


def _run_batch(members: Mapping[int, WorkflowRun], port: Ledger) -> dict[int, WorkflowOutcome]:
    if len(members) == 1:
        return {place: run_workflow(run, port) for place, run in members.items()}
    works = {run.execution: _work(run) for run in members.values()}
    ended = port.beside(works)
    return {place: WorkflowOutcome.from_json(ended[run.execution]) for place, run in members.items()}


def _work(run: WorkflowRun) -> Callable[[Ledger], JSON]:
    return lambda port: run_workflow(run, port).as_json()


def _ends_stage(run: WorkflowRun, outcome: WorkflowOutcome) -> bool:
    return outcome.status == "CANCELLED" or (outcome.status == "FAILED" and not run.continues)
