"""What has arrived on AWS, kept here: a killed upload goes on from it, and a later version is sent as its changes.

EBS tells nobody which blocks a pending snapshot has, nor the checksums of a finished one's: only who sent them knows.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.blocks.block_map import BlockMap
from goldsmith.blocks.errors import BlockError
from goldsmith.publish.aws.clients import AwsPublishError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_INDEX = struct.Struct("<I")

MOST_KNOWN = 50
"""Of the snapshots that were sent, so many of the last are looked at as a parent."""


@dataclass(frozen=True)
class Pending:
    """A snapshot that was begun, the one it was begun over, and the blocks that AWS has confirmed."""

    snapshot: str
    parent: str
    blocks: frozenset[int]


class Journal:
    """One content's upload to one place; ``folder`` is the place's, ``key`` the content's name."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._begun = folder / f"{key}.json"
        self._blocks = folder / f"{key}.blocks"
        self._descriptor = -1

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, key: str) -> Iterator[Journal]:
        """Open it for this process alone. Raises AwsPublishError where another has it."""
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as busy:
                raise AwsPublishError(
                    "Another goldsmith publishes to this place now.", mend="Wait until it has ended."
                ) from busy
            journal = cls(folder, key)
            try:
                yield journal
            finally:
                journal._close()

    def pending(self) -> Pending | None:
        """Return the upload that an earlier run began, None for none."""
        try:
            begun = json.loads(self._begun.read_text())
            confirmed = self._blocks.read_bytes()
        except (FileNotFoundError, ValueError):
            return None
        whole = len(confirmed) // _INDEX.size * _INDEX.size
        return Pending(
            begun["snapshot"], begun["parent"], frozenset(index for (index,) in _INDEX.iter_unpack(confirmed[:whole]))
        )

    def begin(self, snapshot: str, parent: str) -> None:
        """Note a snapshot that was begun."""
        self._blocks.write_bytes(b"")
        arriving = self._begun.with_suffix(".new")
        arriving.write_text(json.dumps({"snapshot": snapshot, "parent": parent}))
        arriving.replace(self._begun)

    def confirm(self, index: int) -> None:
        """Note a block that AWS has, from any thread."""
        if self._descriptor < 0:
            raise LookupError("the journal is not being written")
        os.write(self._descriptor, _INDEX.pack(index))

    @contextmanager
    def confirming(self) -> Iterator[None]:
        """Take confirmations within."""
        self._descriptor = os.open(self._blocks, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = os.fstat(self._descriptor).st_size
        os.ftruncate(self._descriptor, size // _INDEX.size * _INDEX.size)
        try:
            yield
        finally:
            self._close()

    def finish(self, snapshot: str, block_map: BlockMap) -> None:
        """Note that a snapshot is whole, and what it holds."""
        arriving = self._folder / f"{snapshot}.new"
        arriving.write_bytes(block_map.encode())
        arriving.replace(self._folder / f"{snapshot}.map")
        self.forget()

    def forget(self) -> None:
        """Forget the upload."""
        self._begun.unlink(missing_ok=True)
        self._blocks.unlink(missing_ok=True)

    def finished(self) -> dict[str, BlockMap]:
        """Return the last snapshots that were sent to this place, and what each holds."""
        found = {}
        newest = sorted(self._folder.glob("snap-*.map"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in newest[:MOST_KNOWN]:
            try:
                found[file.stem] = BlockMap.decode(file.read_bytes())
            except (BlockError, OSError):
                file.unlink(missing_ok=True)
        return found

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
