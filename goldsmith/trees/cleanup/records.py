"""Reading what the cleanup script says, as it arrives, into one outcome per rule."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goldsmith.guests.process import Stream


@dataclass(frozen=True)
class Outcome:
    """What one rule did: paths removed, files reset to nothing or edited, paths it failed on; why it did not run."""

    rule: str
    removed: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    skipped: str = ""
    seconds: float = 0.0


@dataclass
class _Running:
    name: str
    begun: float
    removed: list[str] = field(default_factory=list)
    reset: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: str = ""


class Records:
    """Collects the script's records (see prelude.sh); a rule's seconds are the time until the next one's record.

    ``missing_guard`` names the guard file that was not there, "" when it was. ``complete`` is true once
    the script has reached its end.
    """

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.failed_outside: list[str] = []
        self.missing_guard = ""
        self.complete = False
        self._rest = b""
        self._running: _Running | None = None

    def take(self, stream: Stream, chunk: bytes) -> None:
        """Take what the script wrote; the signature is Guest.run's ``on_output``."""
        if stream != "stdout":
            return
        *records, self._rest = (self._rest + chunk).split(b"\0")
        for record in records:
            self._take_record(record[:1], record[1:].decode(errors="backslashreplace"))

    def _take_record(self, kind: bytes, text: str) -> None:
        running = self._running
        if kind in {b"=", b"."}:
            self._end_rule()
            self.complete = kind == b"."
            self._running = None if self.complete else _Running(text, time.monotonic())
        elif kind == b"?":
            self.missing_guard = text
            self.complete = True
        elif running is None:
            self.failed_outside.append(text)
        elif kind == b"/":
            running.skipped = text
        else:
            {b"-": running.removed, b"~": running.reset, b"!": running.failed}[kind].append(text)

    def _end_rule(self) -> None:
        ended = self._running
        if ended is None:
            return
        self.outcomes.append(
            Outcome(
                rule=ended.name,
                removed=tuple(sorted(ended.removed)),
                reset=tuple(sorted(ended.reset)),
                failed=tuple(sorted(ended.failed)),
                skipped=ended.skipped,
                seconds=time.monotonic() - ended.begun,
            )
        )
