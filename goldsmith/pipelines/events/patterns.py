"""Which events somebody wants: a detail type with asterisks, or an event pattern as EventBridge has them.

The patterns follow EventBridge's user guide, "Comparison operators for use in event patterns"; ``numeric``,
``cidr`` and ``$or`` are not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from goldsmith.errors import GoldsmithError

Pattern = str | dict[str, Any]


class PatternError(GoldsmithError):
    """A pattern that no event can be held against."""


def wants(pattern: Pattern, event: Mapping[str, Any]) -> bool:
    """Tell whether an event, as JSON, fits a pattern. The pattern is one that `require_pattern` lets pass."""
    if isinstance(pattern, str):
        return _like(pattern, event.get("detail-type", ""))
    return all(_fits(wanted, event, name) for name, wanted in pattern.items())


def require_pattern(pattern: Pattern, path: str = "") -> None:
    """Raise PatternError for what is no pattern; ``path`` leads to it."""
    if isinstance(pattern, str):
        return
    if not pattern:
        raise PatternError(f"The event pattern{path} is empty.", mend="Leave it out for every event.")
    for name, wanted in pattern.items():
        here = f"{path} {name}"
        if isinstance(wanted, dict):
            require_pattern(wanted, here)
        elif not isinstance(wanted, list) or not wanted:
            raise PatternError(
                f"The event pattern has no list under{here}.", mend="Write the values that are wanted: [AVAILABLE]."
            )
        else:
            for each in wanted:
                _require_value(each, here)


def _require_value(wanted: object, path: str) -> None:
    if not isinstance(wanted, dict):
        if isinstance(wanted, list):
            raise PatternError(f"The event pattern has a list in the list under{path}.")
        return
    name = next(iter(wanted), "")
    if len(wanted) != 1 or name not in {*_OPERATORS, "anything-but", "exists"}:
        raise PatternError(
            f"The event pattern has an operator under{path} that is not known here: {', '.join(map(str, wanted))}.",
            mend=f"There are {', '.join(_OPERATORS)}, anything-but and exists.",
        )
    value = wanted[name]
    if name == "anything-but":
        for each in value if isinstance(value, list) else [value]:
            _require_value(each, path)
    elif not isinstance(value, bool if name == "exists" else str):
        raise PatternError(f"The operator {name} under{path} has a value of the wrong type.")


def _fits(wanted: object, event: Mapping[str, Any], name: str) -> bool:
    if isinstance(wanted, dict):
        below = event.get(name)
        return isinstance(below, Mapping) and all(_fits(each, below, key) for key, each in wanted.items())
    if not isinstance(wanted, list):
        return False
    if name not in event:
        return {"exists": False} in wanted
    found = event[name]
    values = found if isinstance(found, list) else [found]
    return any(_is(each, value) for each in wanted for value in values)


def _is(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, dict):
        return type(wanted) is type(value) and bool(wanted == value)
    ((name, operand),) = wanted.items()
    if name == "exists":
        return bool(operand)
    if name == "anything-but":
        return not any(_is(each, value) for each in (operand if isinstance(operand, list) else [operand]))
    return isinstance(value, str) and _OPERATORS[name](operand, value)


def _like(pattern: str, value: str) -> bool:
    return fnmatchcase(value, pattern.replace("[", "[[]").replace("?", "[?]"))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "prefix": lambda wanted, value: value.startswith(wanted),
    "suffix": lambda wanted, value: value.endswith(wanted),
    "equals-ignore-case": lambda wanted, value: value.casefold() == wanted.casefold(),
    "wildcard": _like,
}
