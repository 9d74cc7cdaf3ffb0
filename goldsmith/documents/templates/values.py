"""What a template's functions give: text, lists, maps, or nothing at all."""

from __future__ import annotations

from typing import Final, TypeAlias

Value: TypeAlias = "str | list[Value] | dict[str, Value] | NoValue"
"""Scalars stay as written; what they are is for the property that takes them to say."""


class NoValue:
    """AWS::NoValue: the property that gets it is left out."""

    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE: Final = NoValue()


def as_text(value: Value) -> str | None:
    """Return a text, None for anything else."""
    return value if isinstance(value, str) else None
