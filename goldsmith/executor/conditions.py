"""Deciding an expression of 4.8 on a guest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.documents.component import Comparison, Logic
from goldsmith.executor.facts import DIGESTS
from goldsmith.executor.operators import as_text, compare

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.documents.component import Expression
    from goldsmith.executor.facts import GuestFacts


def holds(expression: Expression, facts: GuestFacts, resolve: Callable[[Any], Any]) -> bool:
    """Return whether an expression is true; operands are resolved when their turn comes, left to right."""
    match expression:
        case Logic("and", operands):
            return all(holds(operand, facts, resolve) for operand in operands)
        case Logic("or", operands):
            return any(holds(operand, facts, resolve) for operand in operands)
        case Logic("not", operands):
            return not holds(operands[0], facts, resolve)
        case Comparison(operator, baseline, value):
            return _compare(operator, resolve(baseline), resolve(value), facts)
    raise AssertionError(f"not an expression: {expression!r}")


def _compare(operator: str, baseline: Any, value: Any, facts: GuestFacts) -> bool:
    if operator == "binaryExists":
        return facts.has_binary(as_text(baseline))
    if operator == "fileExists":
        return facts.is_file(as_text(baseline))
    if operator == "folderExists":
        return facts.is_folder(as_text(baseline))
    if operator in DIGESTS:
        digest = facts.digest(DIGESTS[operator], as_text(value))
        return digest != "" and digest == as_text(baseline).strip().lower()
    return compare(operator, baseline, value)
