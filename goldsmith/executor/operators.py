"""The comparisons of 4.8 that need no guest: strings, patterns and numbers. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import TYPE_CHECKING, Any

from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from collections.abc import Callable

IGNORE_CASE = True
"""Whether string comparisons and patterns ignore case, as Image Builder's guide says they do."""

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": eq,
    "LessThan": lt,
    "LessThanEquals": le,
    "GreaterThan": gt,
    "GreaterThanEquals": ge,
}

STRING_OPERATORS = frozenset(
    {"stringIsEmpty", "stringIsWhitespace", "patternMatches", *(f"string{order}" for order in ORDERS)}
)
NUMBER_OPERATORS = frozenset(f"number{order}" for order in ORDERS)

_NUMBER = re.compile(r"[-+]?([0-9]+[.])?[0-9]+")


def compare(operator: str, baseline: Any, value: Any, *, ignore_case: bool = IGNORE_CASE) -> bool:
    """Return whether ``value`` OPERATOR ``baseline``; one-operand operators look at ``baseline``.

    A number that cannot be read makes its comparison false. Raises ActionError for a pattern that is not RE2's.
    """
    if operator == "stringIsEmpty":
        return as_text(baseline) == ""
    if operator == "stringIsWhitespace":
        return as_text(baseline).isspace()
    if operator == "patternMatches":
        return _matches(as_text(baseline), as_text(value), ignore_case=ignore_case)
    if operator in NUMBER_OPERATORS:
        left, right = _number(value), _number(baseline)
        return left is not None and right is not None and ORDERS[operator.removeprefix("number")](left, right)
    if operator in STRING_OPERATORS:
        fold = str.casefold if ignore_case else str
        return ORDERS[operator.removeprefix("string")](fold(as_text(value)), fold(as_text(baseline)))
    raise ActionError(f"There is no comparison operator {operator}.")


def as_text(value: Any) -> str:
    """Return a YAML scalar as the text that comparisons see."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float | int):
        number = Decimal(str(value))
        return number if number.is_finite() else None
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def _matches(pattern: str, value: str, *, ignore_case: bool) -> bool:
    import re2  # noqa: PLC0415  # a native library that few documents need

    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.log_errors = False
    try:
        return re2.search(pattern, value, options) is not None
    except re2.error as wrong:
        reason = wrong.args[0].decode() if wrong.args and isinstance(wrong.args[0], bytes) else wrong
        raise ActionError(
            f"The pattern {pattern!r} of patternMatches is not a regular expression of RE2: {reason}.",
            mend="RE2 has no look-around and no back references; its syntax is at github.com/google/re2/wiki/Syntax.",
        ) from wrong
