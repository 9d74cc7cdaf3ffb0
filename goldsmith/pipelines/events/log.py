"""The event log: a file a day with a line for each event, written whole and read while it grows."""

from __future__ import annotations

import errno
import json
import os
import re
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from goldsmith.blocks.durability import sync_path
from goldsmith.errors import GoldsmithError
from goldsmith.machines.instances.locks import held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldsmith.pipelines.events.event import Event
    from goldsmith.pipelines.home import Home

DAYS_KEPT = 30
GLANCE = 0.2
"""Seconds between two looks of who follows the log."""

_FILE = re.compile(r"(\d{4}-\d{2}-\d{2})\.jsonl")
_POSITION = re.compile(r"(\d{4}-\d{2}-\d{2})/(\d{1,15})")


class PositionError(GoldsmithError):
    """A text that is no position of the event log."""


@dataclass(frozen=True, order=True)
class Position:
    """A place between two events: the day's file, and how many bytes of it lie before."""

    day: date
    offset: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the position that a text says. Raises PositionError."""
        match = _POSITION.fullmatch(text)
        try:
            return cls(date.fromisoformat(match[1]), int(match[2])) if match else cls(date.fromisoformat(text))
        except ValueError as wrong:
            raise PositionError(
                f"'{text[:60]}' is no position in the event log.", mend="Write a day, as in 2026-11-23."
            ) from wrong

    def __str__(self) -> str:
        return f"{self.day.isoformat()}/{self.offset}"


@dataclass(frozen=True)
class Logged:
    """An event of the log, as JSON, and the position behind it."""

    event: dict[str, Any]
    after: Position


class EventLog:
    """The log in a home's ``events`` folder, which several processes may write at once."""

    def __init__(self, home: Home, clock: Callable[[], float]) -> None:
        self.folder = home.path / "events"
        self._clock = clock
        self._known: dict[date, tuple[int, set[str]]] = {}
        self._turn = threading.Lock()

    def append(self, event: Event) -> bool:
        """Write an event down, for good; tell whether it was new. One that is in the log already is left out."""
        line = json.dumps(event.as_json(), separators=(",", ":")).encode() + b"\n"
        with self._alone():
            days = self._days()
            day = max([*days[-1:], self._today()])
            happened = datetime.fromtimestamp(event.moment, UTC).date()
            if any(event.id in self._ids(each) for each in days if each >= min(happened, day)):
                return False
            self._write(day, line)
            if day not in days:
                self._prune(day)
            return True

    def end(self) -> Position:
        """Return the position behind the last event."""
        days = self._days()
        if not days:
            return Position(self._today())
        return Position(days[-1], self._path(days[-1]).stat().st_size)

    def read(self, after: Position | None = None) -> Iterator[Logged]:
        """Yield the events behind a position, or all that are kept, to the end that the log has now."""
        for day in self._days():
            if after is None or day >= after.day:
                yield from self._lines(day, after.offset if after and day == after.day else 0)

    def follow(self, after: Position | None, stop: threading.Event) -> Iterator[Logged]:
        """Yield the events behind a position, and those to come, until ``stop`` is set."""
        while not stop.is_set():
            for logged in self.read(after):
                after = logged.after
                yield logged
                if stop.is_set():
                    return
            stop.wait(GLANCE)

    def _lines(self, day: date, offset: int) -> Iterator[Logged]:
        """Yield a day's whole lines; what a killed process left half written, or is being written, is none."""
        try:
            file = self._path(day).open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict):
                    yield Logged(event, Position(day, offset))

    def _ids(self, day: date) -> set[str]:
        """Return the ids of a day's events; only what was added since the last look is read."""
        offset, ids = self._known.get(day, (0, set()))
        for logged in self._lines(day, offset):
            offset = logged.after.offset
            ids.add(str(logged.event.get("id")))
        self._known[day] = (offset, ids)
        return ids

    def _write(self, day: date, line: bytes) -> None:
        path = self._path(day)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            if os.write(descriptor, line) < len(line):
                os.ftruncate(descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if not size:
            sync_path(self.folder)

    def _prune(self, today: date) -> None:
        oldest = today - timedelta(days=DAYS_KEPT)
        for day in self._days():
            if day < oldest:
                self._path(day).unlink(missing_ok=True)
                self._known.pop(day, None)

    def _days(self) -> list[date]:
        found = []
        for path in self.folder.glob("*.jsonl"):
            if match := _FILE.fullmatch(path.name):
                with suppress(ValueError):
                    found.append(date.fromisoformat(match[1]))
        return sorted(found)

    def _path(self, day: date) -> Path:
        return self.folder / f"{day.isoformat()}.jsonl"

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._turn, held(self.folder / "lock"):
            yield
