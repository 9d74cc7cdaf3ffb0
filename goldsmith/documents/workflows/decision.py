"""Deciding a workflow step's ``if`` (5.2)."""

from __future__ import annotations

from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import TYPE_CHECKING, Any

from goldsmith.documents.workflows.conditions import NUMBER
from goldsmith.documents.workflows.resolution import as_text, resolve
from goldsmith.documents.workflows.step import Comparison, Logic

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.documents.workflows.resolution import Values
    from goldsmith.documents.workflows.step import Expression

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "numberEquals": eq,
    "numberGreaterThan": gt,
    "numberGreaterThanEquals": ge,
    "numberLessThan": lt,
    "numberLessThanEquals": le,
}
_BOOLEANS = {"true": True, "false": False}


def holds(expression: Expression, values: Values) -> bool:
    """Return whether an expression is true, looking at its parts from the first until it is decided.

    A comparison of numbers with what is no number is false, and so is one of booleans with what is none. Raises
    UnresolvedError.
    """
    match expression:
        case Logic("and", operands):
            return all(holds(operand, values) for operand in operands)
        case Logic("or", operands):
            return any(holds(operand, values) for operand in operands)
        case Logic("not", operands):
            return not holds(operands[0], values)
        case Comparison(operator, baseline, value):
            return _compare(operator, resolve(baseline, values), resolve(value, values))
    raise AssertionError(f"not an expression: {expression!r}")


def _compare(operator: str, baseline: Any, value: Any) -> bool:
    if operator == "stringEquals":
        return as_text(value) == as_text(baseline)
    if operator == "booleanEquals":
        wanted, given = _boolean(baseline), _boolean(value)
        return wanted is not None and wanted is given
    left, right = _number(value), _number(baseline)
    return left is not None and right is not None and _ORDERS[operator](left, right)


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else _BOOLEANS.get(value) if isinstance(value, str) else None


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    text = value if isinstance(value, str) else str(value)
    return Decimal(text) if NUMBER.fullmatch(text) else None
