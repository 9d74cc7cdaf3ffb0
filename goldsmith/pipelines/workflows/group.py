"""The members of a parallel group: they run at the same time, and end together when one of them fails."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.stop import Stop
from goldsmith.pipelines.workflows.outcome import WorkflowOutcome
from goldsmith.pipelines.workflows.run import run_workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from goldsmith.pipelines.workflows.ledger import JSON, Ledger
    from goldsmith.pipelines.workflows.workflow_run import WorkflowRun


def run_group(runs: Sequence[WorkflowRun], port: Ledger) -> list[WorkflowOutcome]:
    """Run workflows at the same time and return what came of each; one that may not fail cancels the others."""
    stop = Stop()
    with port.stop.on_stop(stop.ask):
        ended = port.beside({run.execution: partial(_run_member, run, stop) for run in runs})
    return [WorkflowOutcome.from_json(ended[run.execution]) for run in runs]


def _run_member(run: WorkflowRun, stop: Stop, port: Ledger) -> JSON:
    outcome = run_workflow(run, _MemberLedger(port, stop))
    if outcome.status == "FAILED" and not run.continues:
        stop.ask()
    return outcome.as_json()


@dataclass(frozen=True)
class _MemberLedger:
    """A member's ledger, whose signal to end is the group's."""

    port: Ledger
    stop: Stop

    def once(self, key: str, work: Callable[[], JSON]) -> JSON:
        return self.port.once(key, work)

    def beside(self, works: Mapping[str, Callable[[Ledger], JSON]]) -> dict[str, JSON]:
        return self.port.beside(works)

    def idle(self) -> AbstractContextManager[object]:
        """Keep the build's turn: other members go on while this one waits."""
        return nullcontext()

    def record_workflow(self, execution: str, facts: Mapping[str, Any]) -> None:
        self.port.record_workflow(execution, facts)

    def record_step(self, step: str, facts: Mapping[str, Any]) -> None:
        self.port.record_step(step, facts)

    def say(self, line: str) -> None:
        self.port.say(line)
