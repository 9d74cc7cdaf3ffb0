"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from goldsmith.executor.records import joint_status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from goldsmith.executor.failures import Failure
    from goldsmith.executor.records import DocumentRecord

RunStatus = Literal["success", "failed", "timedOut"]


@dataclass(frozen=True)
class Result:
    """A finished run. ``executed`` counts every step that ran, whatever its end; skipped steps are apart."""

    execution_id: str
    status: RunStatus
    executed: int
    failed: int
    ignored: int
    skipped: int
    failure_message: str
    log_url: str
    log_folder: Path
    failure: Failure | None = None
    documents: Sequence[DocumentRecord] = field(default=(), repr=False)

    def summary(self) -> dict[str, Any]:
        """Return the JSON object that ``awstoe run`` prints."""
        return {
            "executionId": self.execution_id,
            "status": self.status,
            "failedStepCount": self.failed,
            "executedStepCount": self.executed,
            "ignoredFailedStepCount": self.ignored,
            "skippedStepCount": self.skipped,
            "failureMessage": self.failure_message,
            "logUrl": self.log_url,
        }

    @property
    def exit_code(self) -> int:
        """Return 0 on success, ignored failures included, and 1 otherwise."""
        return 0 if self.status == "success" else 1


def conclude(
    execution_id: str,
    documents: Sequence[DocumentRecord],
    failure: Failure | None,
    *,
    log_folder: Path,
    log_url: str = "",
) -> Result:
    """Add up what the documents did."""
    statuses = [step.status for document in documents for step in document.steps]
    joint = joint_status([document.status for document in documents])
    failed = sum(status in {"failed", "timedOut"} for status in statuses)
    return Result(
        execution_id=execution_id,
        status="success" if joint == "successWithIgnoredFailure" else joint,  # type: ignore[arg-type]
        executed=len(statuses) - statuses.count("skipped"),
        failed=failed,
        ignored=statuses.count("ignoredFailure"),
        skipped=statuses.count("skipped"),
        failure_message=next((document.failure_message for document in documents if document.failure_message), ""),
        log_url=log_url,
        log_folder=log_folder,
        failure=failure,
        documents=tuple(documents),
    )
