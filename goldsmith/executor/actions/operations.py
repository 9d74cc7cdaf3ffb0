"""The two shapes of action modules: one map of inputs, or a list of maps done in order (4.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from goldsmith.executor.failures import ActionError
from goldsmith.executor.inputs import Inputs

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.loops import Outputs

Operate = Callable[["Inputs", "Attempt"], dict[str, str]]


class Action(Protocol):
    """What a step runner needs of an action module."""

    def run(self, inputs: Any, attempt: Attempt) -> Outputs:
        """Do it; return the outputs of each operation. Raises ActionError."""


@dataclass(frozen=True)
class MapAction:
    """One operation from one map."""

    operate: Operate

    def run(self, inputs: Any, attempt: Attempt) -> Outputs:
        """Do the one operation."""
        return [self.operate(Inputs(attempt.action, inputs), attempt)]


@dataclass(frozen=True)
class ListAction:
    """An operation for each map of a list; the first that fails fails the step."""

    operate: Operate

    def run(self, inputs: Any, attempt: Attempt) -> Outputs:
        """Do the operations in order."""
        entries = inputs if isinstance(inputs, list) else [inputs]
        if not inputs:
            raise ActionError(f"Action {attempt.action} has no inputs; it requires an 'inputs'.")
        outputs = [self.operate(Inputs(attempt.action, entry), attempt) for entry in entries]
        return [output for output in outputs if output]
