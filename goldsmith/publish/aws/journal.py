"""What has arrived on AWS, kept here: a killed upload goes on from it, and a later version is sent as its changes.

EBS tells nobody which blocks a pending snapshot has, nor the checksums of a finished one's: only who sent them knows.
"""

from __future__ import annotations

import json
import os
import struct
import uuid
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from goldsmith.blocks.block_map import BlockMap
from goldsmith.blocks.errors import BlockError
from goldsmith.publish.aws.holder import held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_INDEX = struct.Struct("<I")

MOST_KNOWN = 50
"""Of the snapshots that were sent, so many of the last are looked at as a parent."""


@dataclass(frozen=True)
class Begun:
    """An upload that was begun: for which image, to which place, over which snapshot.

    ``snapshot`` is "" until AWS has answered; asked again with the same ``token``, it answers with the same one.
    """

    image: str
    place: str
    parent: str
    token: str
    snapshot: str = ""


@dataclass(frozen=True)
class Pending:
    """An upload that an earlier run began, and the blocks that AWS has confirmed."""

    begun: Begun
    blocks: frozenset[int]

    @property
    def snapshot(self) -> str:
        """The snapshot, "" where AWS's answer did not arrive."""
        return self.begun.snapshot

    @property
    def parent(self) -> str:
        """The snapshot that it was begun over, "" for none."""
        return self.begun.parent


class Journal:
    """One content's upload to one place; ``folder`` is the place's, ``key`` the content's name."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._begun = folder / f"{key}.json"
        self._blocks = folder / f"{key}.blocks"
        self._descriptor = -1

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, key: str, image: str) -> Iterator[Journal]:
        """Open it for this process alone, which publishes ``image``. Raises AwsPublishError where another has it."""
        folder.mkdir(parents=True, exist_ok=True)
        with held(folder, image):
            journal = cls(folder, key)
            try:
                yield journal
            finally:
                journal._close()

    @classmethod
    def all_of(cls, folder: Path) -> list[Journal]:
        """Return the uploads of a place that have begun and not ended."""
        return [cls(folder, file.stem) for file in sorted(folder.glob("*.json"))]

    def pending(self) -> Pending | None:
        """Return the upload that an earlier run began, None for none."""
        try:
            begun = Begun(**json.loads(self._begun.read_text()))
        except (FileNotFoundError, TypeError, ValueError):
            return None
        try:
            confirmed = self._blocks.read_bytes()
        except FileNotFoundError:
            confirmed = b""
        whole = len(confirmed) // _INDEX.size * _INDEX.size
        return Pending(begun, frozenset(index for (index,) in _INDEX.iter_unpack(confirmed[:whole])))

    def intend(self, image: str, place: str, parent: str) -> Begun:
        """Note that a snapshot is asked for next; return it with the token to ask with."""
        begun = Begun(image, place, parent, str(uuid.uuid4()))
        self._blocks.write_bytes(b"")
        self._note(begun)
        return begun

    def begin(self, begun: Begun, snapshot: str) -> None:
        """Note AWS's answer."""
        self._note(Begun(**{**asdict(begun), "snapshot": snapshot}))

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

    def _note(self, begun: Begun) -> None:
        arriving = self._begun.with_suffix(".new")
        arriving.write_text(json.dumps(asdict(begun)))
        arriving.replace(self._begun)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
