"""What a run did, as detailedoutput.json tells it (4.9)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

UNFINISHED = "The run was interrupted before this ended."

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.documents.component import OnFailure
    from goldsmith.executor.events import Status


def now() -> str:
    """Return this moment as RFC 3339 with its offset."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass
class StepRecord:
    """One step; ``inputs`` and ``outputs`` are None where logging is disabled or there were none."""

    name: str
    action: str
    timeout_seconds: int
    on_failure: OnFailure
    max_attempts: int
    status: Status = "failed"
    failure_message: str = UNFINISHED
    stderr: str = ""
    start: str = field(default_factory=now)
    end: str = ""
    inputs: list[Any] | None = None
    outputs: list[Any] | None = None
    loop: dict[str, Any] | None = None
    detail: Any = None

    def shown(self) -> dict[str, Any]:
        """Return the record with AWS's keys; inputs and outputs are JSON in a string, as awstoe writes them."""
        return {
            "name": self.name,
            "status": self.status,
            "failureMessage": self.failure_message,
            "timeoutSeconds": self.timeout_seconds,
            "onFailure": self.on_failure,
            "maxAttempts": self.max_attempts,
            "action": self.action,
            "startTime": self.start,
            "endTime": self.end,
            "inputs": _as_text(self.inputs),
            "outputs": _as_text(self.outputs),
            "loop": self.loop,
            "detailedOutput": self.detail,
        }


@dataclass
class PhaseRecord:
    """One phase and its steps."""

    name: str
    status: Status = "failed"
    failure_message: str = UNFINISHED
    start: str = field(default_factory=now)
    end: str = ""
    steps: list[StepRecord] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """Return the record with AWS's keys."""
        return {
            "name": self.name,
            "status": self.status,
            "startTime": self.start,
            "endTime": self.end,
            "failureMessage": self.failure_message,
            "steps": [step.shown() for step in self.steps],
        }


@dataclass
class DocumentRecord:
    """One document and its phases."""

    name: str
    file: str
    description: str
    status: Status = "failed"
    failure_message: str = UNFINISHED
    start: str = field(default_factory=now)
    end: str = ""
    phases: list[PhaseRecord] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """Return the record with AWS's keys."""
        return {
            "name": self.name,
            "filePath": self.file,
            "status": self.status,
            "description": self.description,
            "startTime": self.start,
            "endTime": self.end,
            "failureMessage": self.failure_message,
            "phases": [phase.shown() for phase in self.phases],
        }

    @property
    def steps(self) -> list[StepRecord]:
        """Return all steps in their order."""
        return [step for phase in self.phases for step in phase.steps]


def joint_status(parts: Sequence[Status]) -> Status:
    """Return a phase's or document's status from those of its parts, by the table of 4.1."""
    for status in ("timedOut", "failed"):
        if status in parts:
            return status
    if "ignoredFailure" in parts or "successWithIgnoredFailure" in parts:
        return "successWithIgnoredFailure"
    return "success"


def _as_text(entries: list[Any] | None) -> str | None:
    return None if entries is None else json.dumps(entries, default=str)
