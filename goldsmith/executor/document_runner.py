"""One document: its phases in the document's own order, its steps one after the other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from goldsmith.executor.chain import Chain
from goldsmith.executor.events import DocumentEnded, DocumentStarted, PhaseEnded, PhaseStarted
from goldsmith.executor.records import DocumentRecord, PhaseRecord, joint_status, now
from goldsmith.executor.resolution import Resolver, declared_values
from goldsmith.executor.step_runner import StepRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goldsmith.documents.component import Phase, Step
    from goldsmith.executor.execution import DocumentRun, Execution
    from goldsmith.executor.records import StepRecord

STOPPING = frozenset({"failed", "timedOut"})


class DocumentRunner:
    """Runs a document. ``on_step`` is called after each step, when its record is complete."""

    def __init__(
        self,
        execution: Execution,
        run: DocumentRun,
        on_step: Callable[[Phase, StepRecord], None],
    ) -> None:
        self.execution = execution
        self.run = run
        self.on_step = on_step
        self.aborted = False
        self.record = DocumentRecord(run.document.name, run.address, run.document.description)
        self._chain = Chain()
        self._resolver = Resolver(
            execution_id=execution.id,
            values=declared_values(run.document, run.parameters),
            chain=self._chain,
            facts=execution.facts,
            services=execution.services,
            redactor=execution.redactor,
            record=execution.resolutions,
        )

    def go(self, phases: Sequence[str] | None) -> DocumentRecord:
        """Run the phases that were asked for; None means all."""
        begun = time.monotonic()
        name = self.run.document.name
        self.execution.log.console(f"Document {self.run.address}")
        self.execution.log.event(DocumentStarted(name, len(self.execution.lineage)))
        for phase in self.run.document.phases:
            if self.aborted or (phases is not None and phase.name not in phases):
                continue
            self._run_phase(phase)
        self.record.status = joint_status([phase.status for phase in self.record.phases])
        failed = self.record.status in STOPPING
        self.record.failure_message = f"Document {self.run.address} failed!" if failed else ""
        self.record.end = now()
        self.execution.log.event(DocumentEnded(name, self.record.status, time.monotonic() - begun))
        return self.record

    def _run_phase(self, phase: Phase) -> None:
        begun = time.monotonic()
        record = PhaseRecord(phase.name)
        self.record.phases.append(record)
        self.execution.log.console(f"Phase {phase.name}")
        self.execution.log.event(PhaseStarted(self.run.document.name, phase.name))
        for step in phase.steps:
            self._run_step(phase, record, step)
            if self.aborted:
                break
        record.status = joint_status([step.status for step in record.steps])
        record.failure_message = f"Phase {phase.name} failed!" if record.status in STOPPING else ""
        record.end = now()
        self.execution.log.event(
            PhaseEnded(self.run.document.name, phase.name, record.status, time.monotonic() - begun)
        )

    def _run_step(self, phase: Phase, phase_record: PhaseRecord, step: Step) -> None:
        resolver = self._resolver.at(phase.name, step.name)
        quiet_from = len(self.execution.resolutions)
        runner = StepRunner(self.execution, self.run, phase, step, self._chain, resolver)
        phase_record.steps.append(runner.record)
        try:
            runner.go()
        finally:
            if runner.quiet:
                del self.execution.resolutions[quiet_from:]
        self.aborted = runner.record.status in STOPPING and step.on_failure == "Abort"
        self.on_step(phase, runner.record)
