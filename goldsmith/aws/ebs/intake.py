"""Blocks on their way into a region's store: puts that arrive together share one flush and one transaction.

A put returns when its block is durable and in the catalogue, so that it survives whatever happens to the server. Each
thread hashes and compresses its own block; the first of those that are ready then commits all that are, while the next
ones get ready.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from goldsmith.aws.ebs.refusals import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from goldsmith.blocks.store import BlockStore
    from goldsmith.blocks.writing import Writing

    Record = Callable[[dict[str, dict[int, bytes]], dict[str, int]], set[str]]

LONGEST_WRITING = 10.0
"""Seconds after which the next put begins another Writing: a collector spares all that is younger than the oldest."""


@dataclass
class _Put:
    snapshot: str
    index: int
    digest: bytes
    progress: int | None
    writing: Writing
    done: bool = False
    refusal: BaseException | None = None


@dataclass
class _Shared:
    """A Writing that several puts use, and how many do now."""

    context: AbstractContextManager[Writing]
    writing: Writing
    began: float = field(default_factory=time.monotonic)
    users: int = 0


class Intake:
    """Takes blocks for one store. ``record`` notes digests and progress by snapshot; it returns who took none."""

    def __init__(self, store: BlockStore, record: Record) -> None:
        self._store = store
        self._record = record
        self._lock = threading.Lock()
        self._committing = threading.Lock()
        self._waiting: list[_Put] = []
        self._shared: _Shared | None = None

    def put(self, snapshot: str, index: int, block: bytes, *, digest: bytes, progress: int | None = None) -> None:
        """Take a block whose SHA-256 has to be ``digest``. Raises AwsError when it is not, or not taken any more."""
        with self._writing() as writing:
            if writing.put(block) != digest:
                raise invalid("INVALID_PARAMETER_VALUE", "The checksum does not match the block's data.")
            put = _Put(snapshot, index, digest, progress, writing)
            with self._lock:
                self._waiting.append(put)
            with self._committing:
                if not put.done:
                    self._commit()
        if put.refusal is not None:
            raise put.refusal

    def _commit(self) -> None:
        with self._lock:
            ready, self._waiting = self._waiting, []
        try:
            for writing in {id(put.writing): put.writing for put in ready}.values():
                writing.flush()
            blocks: dict[str, dict[int, bytes]] = {}
            progress: dict[str, int] = {}
            for put in ready:
                blocks.setdefault(put.snapshot, {})[put.index] = put.digest
                if put.progress is not None:
                    progress[put.snapshot] = put.progress
            closed = self._record(blocks, progress)
        except BaseException as failure:  # noqa: BLE001 - each waiting thread raises it as its own
            for put in ready:
                put.refusal = failure
        else:
            for put in ready:
                if put.snapshot in closed:
                    put.refusal = invalid(
                        "INVALID_SNAPSHOT_ID", f"The snapshot '{put.snapshot}' takes no blocks any more."
                    )
        for put in ready:
            put.done = True

    @contextmanager
    def _writing(self) -> Iterator[Writing]:
        shared = self._enter()
        try:
            yield shared.writing
        finally:
            self._leave(shared)

    def _enter(self) -> _Shared:
        with self._lock:
            shared = self._shared
            if shared is None or time.monotonic() - shared.began > LONGEST_WRITING:
                context = self._store.writing()
                shared = self._shared = _Shared(context, context.__enter__())
            shared.users += 1
            return shared

    def _leave(self, shared: _Shared) -> None:
        with self._lock:
            shared.users -= 1
            if shared.users:
                return
            if self._shared is shared:
                self._shared = None
        shared.context.__exit__(None, None, None)
