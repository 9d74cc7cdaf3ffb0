"""What is wrong with a disk from elsewhere, in words for who brought it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """What is wrong with a disk: an ``error`` keeps it from booting here, a ``warning`` does not."""

    severity: Severity
    message: str
    mend: str


def printable(text: str) -> str:
    """Return a text from the disk as a terminal may be given it, and no longer than a line."""
    return "".join(character for character in text if character.isprintable())[:120]
