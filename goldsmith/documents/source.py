"""Where in a file something stands, and what is wrong there."""

from __future__ import annotations

from dataclasses import dataclass

from goldsmith.errors import GoldsmithError


@dataclass(frozen=True, order=True)
class Mark:
    """A place in a document; ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong, as a sentence; ``meant`` is the near name the author probably wanted."""

    mark: Mark
    message: str
    meant: str = ""

    def __str__(self) -> str:
        hint = f" Did you mean {self.meant}?" if self.meant else ""
        return f"{self.mark}: {self.message}{hint}"


class DocumentError(GoldsmithError):
    """A document with faults: all of them at once."""

    exit_code = 2

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))
