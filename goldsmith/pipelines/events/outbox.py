"""What a webhook has yet to get: taken from the log, kept as files until it is delivered or given up."""

from __future__ import annotations

import json
import logging
import os
import re
import uuid
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from goldsmith.blocks.durability import sync_path
from goldsmith.machines.instances.locks import take
from goldsmith.pipelines.events.log import Position, PositionError
from goldsmith.pipelines.events.posting import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldsmith.pipelines.events.log import EventLog
    from goldsmith.pipelines.events.webhook import Webhook

FIRST_WAIT = 5.0
LONGEST_WAIT = 3600.0
GIVEN_UP = 86400.0
"""Seconds: each wait is twice the one before, and after a day an event is not delivered any more."""

DIGITS = 15
_FILE = re.compile(rf"[0-9]{{{DIGITS}}}-[0-9a-f-]{{36}}\.json")
"""A file's name begins with when it is due, in milliseconds since the epoch."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pending:
    """An event to deliver: since when, in seconds since the epoch, and how often that was tried."""

    event: dict[str, Any]
    since: float
    attempts: int = 0


class Outbox:
    """One webhook's files: ``position`` of the log up to which events were taken, ``pending`` with a file for each.

    The log is what is true: an event is taken from it before the position moves on, and its file goes when it was
    delivered. A process that is killed therefore delivers an event twice at worst, under the same id.
    """

    def __init__(self, folder: Path, hook: Webhook, events: EventLog, clock: Callable[[], float]) -> None:
        self.folder = folder
        self.hook = hook
        self._events = events
        self._clock = clock
        self._pending = folder / "pending"
        self._position = folder / "position"

    def prepare(self) -> None:
        """Begin at the log's end for a webhook that is new: it gets what happens from now on."""
        self._pending.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._position.exists():
            self._write(self._position, str(self._events.end()))

    def deliver(self, send: Callable[[dict[str, Any], int], None]) -> int:
        """Hand what is due to ``send``, which raises DeliveryError; return how many events it took.

        It ends for now when there was no answer at all. Nothing is done while another process delivers there.
        """
        delivered = 0
        with self._alone() as mine:
            for file, pending in self._due() if mine else ():
                try:
                    send(pending.event, pending.attempts + 1)
                except DeliveryError as failure:
                    self._postpone(file, pending, failure)
                    if not failure.answered:
                        break
                else:
                    file.unlink()
                    delivered += 1
        return delivered

    def _take(self) -> None:
        """Put the log's new events that the webhook wants into files of their own."""
        try:
            after = Position.parse(self._position.read_text())
        except (PositionError, FileNotFoundError):
            after = self._events.end()
        reached = after
        there: set[str] | None = None
        for logged in self._events.read(after):
            reached = logged.after
            name = str(logged.event.get("id"))
            if not (self.hook.wants(logged.event) and _is_uuid(name)):
                continue
            if there is None:
                there = {_id_of(file) for file in self._files()}
            if name not in there:
                now = self._clock()
                self._save(self._file(name, now), Pending(logged.event, since=now))
        if reached != after:
            self._write(self._position, str(reached))

    def _due(self) -> Iterator[tuple[Path, Pending]]:
        """Yield what is due, in the order in which it is."""
        self._take()
        now = self._clock()
        for file in sorted(self._files()):
            if int(file.name[:DIGITS]) > now * 1000:
                return
            try:
                pending = Pending(**json.loads(file.read_text()))
            except (ValueError, TypeError):
                file.unlink()
                continue
            yield file, pending

    def _postpone(self, file: Path, pending: Pending, failure: DeliveryError) -> None:
        now, name = self._clock(), _id_of(file)
        if now - pending.since >= GIVEN_UP:
            log.warning("The event %s is given up after a day: %s", name, failure.message)
            file.unlink()
            return
        later = self._file(name, now + min(FIRST_WAIT * 2.0 ** min(pending.attempts, 32), LONGEST_WAIT))
        file.replace(later)
        self._save(later, replace(pending, attempts=pending.attempts + 1))

    def _files(self) -> list[Path]:
        return [file for file in self._pending.iterdir() if _FILE.fullmatch(file.name)]

    def _file(self, name: str, due: float) -> Path:
        return self._pending / f"{int(due * 1000):0{DIGITS}d}-{name}.json"

    def _save(self, file: Path, pending: Pending) -> None:
        self._write(file, json.dumps(asdict(pending)))

    def _write(self, file: Path, text: str) -> None:
        arriving = self.folder / f".{file.name}.{os.getpid()}"
        with arriving.open("w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        arriving.replace(file)
        sync_path(file.parent)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        descriptor = take(self.folder / "lock", patience=0)
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _id_of(file: Path) -> str:
    return file.stem[DIGITS + 1 :]
