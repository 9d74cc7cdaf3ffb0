"""Assert: the step fails unless its expression is true (4.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.documents.component import Comparison, Logic
from goldsmith.executor.conditions import holds
from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.loops import Outputs


class Assertion:
    """The action; its inputs are an expression instead of a map."""

    def run(self, inputs: Any, attempt: Attempt) -> Outputs:
        """Raise ActionError when the expression is false."""
        if not isinstance(inputs, Comparison | Logic):
            raise ActionError("Assert: its inputs are not an expression.")
        if not holds(inputs, attempt.execution.facts, lambda operand: operand):
            shown = "the expression" if attempt.quiet else told(inputs)
            raise ActionError(f"The assertion is false: {shown}.")
        return []


def told(expression: Comparison | Logic) -> str:
    """Return an expression in one line."""
    if isinstance(expression, Logic):
        inner = ", ".join(map(told, expression.operands))
        return f"{expression.operator}({inner})"
    value = "" if expression.value is None else f", {expression.value!r}"
    return f"{expression.operator}({expression.baseline!r}{value})"
