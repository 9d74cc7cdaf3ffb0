"""Gathering everything that is wrong with a document, so that all of it is said at once."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from goldsmith.documents.source import DocumentError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.documents.source import Mark

MAX_FAULTS = 200

_LONGEST_NAME = 64
_LONGEST_SHOWN = 128
_NEARNESS = 0.7


class Faults:
    """The faults found so far; those beyond the first two hundred are not kept."""

    def __init__(self) -> None:
        self._found: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def full(self) -> bool:
        """Whether no further fault would be kept."""
        return len(self._found) >= MAX_FAULTS

    def add(self, mark: Mark, message: str, *, meant: str = "") -> None:
        """Note one fault; ``meant`` is the name the author probably wanted."""
        if not self.full:
            self._found.append(Fault(mark, message, meant))

    def add_unknown(self, mark: Mark, message: str, name: str, known: Iterable[str]) -> None:
        """Note a name that is not among the known ones, with the one it probably stands for."""
        if not self.full:
            self._found.append(Fault(mark, message, near_name(name, known)))

    def raise_any(self) -> None:
        """Raise DocumentError with all faults, if there are any."""
        if self._found:
            raise DocumentError(tuple(self._found))


def near_name(name: str, known: Iterable[str], *, nearness: float = _NEARNESS) -> str:
    """Return the known name that ``name`` most resembles, whatever the case; empty when none is near."""
    if len(name) > _LONGEST_NAME:
        return ""
    by_lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=nearness)
    return by_lower[close[0]] if close else ""


def shown(text: str) -> str:
    """Return text for a message: on one line and not too long."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}…"
