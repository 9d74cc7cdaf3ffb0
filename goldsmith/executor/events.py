"""What happens during a run, as it happens: the words of a live view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StepStatus = Literal["success", "failed", "timedOut", "skipped", "ignoredFailure"]
Status = Literal["success", "failed", "timedOut", "skipped", "ignoredFailure", "successWithIgnoredFailure"]


@dataclass(frozen=True)
class DocumentStarted:
    """A document begins; ``depth`` is 0 for a document of the run, more for one that ExecuteDocument runs."""

    document: str
    depth: int


@dataclass(frozen=True)
class DocumentEnded:
    """A document has ended after ``seconds``."""

    document: str
    status: Status
    seconds: float


@dataclass(frozen=True)
class PhaseStarted:
    """A phase begins."""

    document: str
    phase: str


@dataclass(frozen=True)
class PhaseEnded:
    """A phase has ended after ``seconds``."""

    document: str
    phase: str
    status: Status
    seconds: float


@dataclass(frozen=True)
class StepStarted:
    """A step begins."""

    document: str
    phase: str
    step: str
    action: str


@dataclass(frozen=True)
class IterationStarted:
    """A loop's iteration begins; ``index`` counts from 0."""

    step: str
    index: int
    value: str


@dataclass(frozen=True)
class AttemptFailed:
    """An attempt failed; ``left`` more will be made."""

    step: str
    attempt: int
    left: int
    message: str


@dataclass(frozen=True)
class StepOutput:
    """Whole lines that a step's command wrote, secrets already replaced."""

    step: str
    stream: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True)
class GuestRebooted:
    """The guest restarted at the wish of a step and takes commands again."""

    step: str
    seconds: float


@dataclass(frozen=True)
class StepEnded:
    """A step has ended after ``seconds``; ``message`` says why where it did not succeed."""

    document: str
    phase: str
    step: str
    status: StepStatus
    seconds: float
    message: str


@dataclass(frozen=True)
class LogLine:
    """A line of application.log, sent only when the run traces."""

    text: str


Event = (
    DocumentStarted
    | DocumentEnded
    | PhaseStarted
    | PhaseEnded
    | StepStarted
    | IterationStarted
    | AttemptFailed
    | StepOutput
    | GuestRebooted
    | StepEnded
    | LogLine
)
