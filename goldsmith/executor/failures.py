"""How a step ends when it does not end well."""

from __future__ import annotations

from dataclasses import dataclass

from goldsmith.errors import GoldsmithError


class ActionError(GoldsmithError):
    """An action failed: a sentence, and what its command wrote to stderr where there was one."""

    def __init__(self, message: str, *, stderr: str = "", mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.stderr = stderr


class StepTimeoutError(ActionError):
    """A step's attempt took longer than its timeoutSeconds."""


class TooMuchOutputError(ActionError):
    """A command wrote without end."""


class RebootAndRerunError(Exception):
    """A command ended with 194: the guest is to restart and the same step to run again."""


@dataclass(frozen=True)
class Failure:
    """The first step that failed a run, as in the console log's failure block (4.9)."""

    document: str
    component_arn: str
    phase: str
    step: str
    action: str
    message: str
    stderr: str

    def lines(self) -> list[str]:
        """Return the block's labelled lines; ErrorMessage and Stderr only where there is something to say."""
        labelled = [
            f"Document: {self.document}",
            f"ComponentArn: {self.component_arn}",
            f"Phase: {self.phase}",
            f"Step: {self.step}",
            f"Action: {self.action}",
        ]
        if self.message:
            labelled.append(f"ErrorMessage: {self.message}")
        if self.stderr:
            labelled.append(f"Stderr: {self.stderr}")
        return labelled
