"""Running component documents on a guest, one document after the other (4.2, 4.5 to 4.9)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.executor.document_runner import DocumentRunner
from goldsmith.executor.events import LogLine
from goldsmith.executor.execution import DocumentRun, Execution
from goldsmith.executor.failures import Failure
from goldsmith.executor.log import RunLog, folder_name
from goldsmith.executor.records import now
from goldsmith.executor.redaction import Redactor
from goldsmith.executor.result import conclude
from goldsmith.executor.services import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from goldsmith.documents.component import Phase
    from goldsmith.executor.events import Event
    from goldsmith.executor.records import DocumentRecord, StepRecord
    from goldsmith.executor.result import Result
    from goldsmith.guests.guest import Guest

FAILING = frozenset({"failed", "timedOut"})


class Run:
    """The documents of one execution, nested or not, and what they have done so far."""

    def __init__(self, execution: Execution, log_url: str) -> None:
        self.execution = execution
        self.log_url = log_url
        self.documents: list[DocumentRecord] = []
        self.failure: Failure | None = None
        self.start = now()

    def go(self, runs: Sequence[DocumentRun], phases: Sequence[str] | None) -> Result:
        """Run the documents until one aborts. The JSON files are complete however this ends."""
        try:
            for run in runs:
                runner = DocumentRunner(self.execution, run, partial(self._note, run))
                self.documents.append(runner.record)
                runner.go(phases)
                if runner.aborted:
                    break
        finally:
            self._save()
        return self.result()

    def result(self) -> Result:
        """Return what has come of it so far."""
        return conclude(
            self.execution.id,
            self.documents,
            self.failure,
            log_folder=self.execution.log.folder,
            log_url=self.log_url,
        )

    def shown(self) -> dict[str, Any]:
        """Return the content of detailedoutput.json."""
        result = self.result()
        return {
            "executionId": result.execution_id,
            "status": result.status,
            "startTime": self.start,
            "endTime": now(),
            "failureMessage": result.failure_message,
            "documents": [document.shown() for document in self.documents],
        }

    def _note(self, run: DocumentRun, phase: Phase, step: StepRecord) -> None:
        if step.status in FAILING and self.failure is None:
            redact = self.execution.redactor.text
            self.failure = Failure(
                run.address,
                run.arn,
                phase.name,
                step.name,
                step.action,
                redact(step.failure_message),
                redact(step.stderr),
            )
            if not self.execution.lineage:
                self.execution.log.console(*self.failure.lines(), level="Error")
        self._save()

    def _save(self) -> None:
        if self.execution.lineage:
            return
        self.execution.log.data("detailedoutput.json", self.shown())
        self.execution.log.data(
            "chaining.json", {"executionId": self.execution.id, "resolutions": self.execution.resolutions}
        )


def run_documents(
    documents: Sequence[DocumentRun],
    guest: Guest,
    *,
    phases: Sequence[str] | None,
    log_directory: Path,
    execution_id: str | None = None,
    environment: Mapping[str, str] | None = None,
    services: Services | None = None,
    blocked_modules: Collection[str] = (),
    on_event: Callable[[Event], None] | None = None,
    on_console_line: Callable[[str], None] | None = None,
    trace: bool = False,
    working_directory: str = "/",
) -> Result:
    """Run documents on a guest in their order, each with its phases in its own order.

    ``phases`` of None runs all; names that no document has run nothing, which is a success. The logs go to a new
    folder in ``log_directory``. ``environment`` is added to the guest's own for every command. A failing step
    is in the result; an exception means that the guest is gone or the run was interrupted.
    """
    execution_id = execution_id or str(uuid.uuid4())
    redactor = Redactor()
    folder = log_directory / folder_name(execution_id, datetime.now(UTC))
    with RunLog(folder, redactor, on_event, trace=LogLine if trace else None, on_line=on_console_line) as log:
        execution = Execution(
            id=execution_id,
            guest=guest,
            services=services or Services(),
            log=log,
            environment=dict(environment or {}),
            working_directory=working_directory,
            blocked=frozenset(blocked_modules),
            resolutions=[],
            run_nested=_run_nested,
        )
        for number, run in enumerate(documents, start=1):
            log.document(run.document.source, number)
            log.console(f"Setup: Currently validating document {run.address}")
        log.console("Executor: STARTED EXECUTION OF ALL DOCUMENTS")
        result = Run(execution, str(folder)).go(documents, phases)
        log.console("Executor: FINISHED EXECUTION OF ALL DOCUMENTS")
        if result.exit_code:
            log.console("TOE has completed execution with failure - Execution failed!", level="Error")
        else:
            log.console("TOE has completed execution successfully")
    return result


def _run_nested(execution: Execution, document: DocumentRun, phases: Sequence[str] | None) -> Result:
    return Run(execution, str(execution.log.folder)).go([document], phases)
