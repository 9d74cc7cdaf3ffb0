"""A content-addressed store of 512 KiB blocks and of the maps that make snapshots of them.

What is heavy to load, as boto3 is, loads only with the store that needs it: each running instance's keeper imports
this.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from goldsmith.blocks.block_map import ZERO, ZEROS, BlockMap
from goldsmith.blocks.errors import BlockDamagedError, BlockError, BlockMissingError
from goldsmith.blocks.frames import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from goldsmith.blocks.checking import Checked
    from goldsmith.blocks.usage import Usage
    from goldsmith.blocks.writing import Lease, Writing

__all__ = ["GRACE", "BlockDamagedError", "BlockError", "BlockMissingError", "BlockStore", "Collected", "open_store"]

GRACE = 15 * 60.0
"""Seconds for which what was written is spared, for the time between a map's saving and its record's reading."""

CHECK = "`goldsmith storage check` tells what is missing or damaged, and which snapshots that hits."
_NAME_DIGITS = 64


@dataclass(frozen=True)
class Collected:
    """What a collector removed. ``stored_bytes`` are compressed ones; ``condemned`` objects fall next time (S3)."""

    maps: int
    blocks: int
    stored_bytes: int
    condemned: int = 0


class BlockStore(ABC):
    """Where blocks and maps live: the store at ``url``. Threads may share it; ``threads`` calls at once pay off."""

    url: str
    threads: int

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Begin to write: what is put, kept or saved inside is spared by `collect` until the block ends."""
        from goldsmith.blocks.writing import Writing  # noqa: PLC0415  a reader needs none of it

        lease = self._lease()
        try:
            yield Writing(lease, self.url)
        finally:
            lease.end()

    def get(self, digest: bytes) -> bytes:
        """Return a block's 512 KiB, verified. Not there: `BlockMissingError`; other bytes: `BlockDamagedError`."""
        return ZEROS if digest == ZERO else unpack(self.frame(digest), digest, self.url)

    @abstractmethod
    def frame(self, digest: bytes) -> bytes:
        """Return a block as it is stored, compressed and unverified. Not there: `BlockMissingError`."""

    @abstractmethod
    def has(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return those of ``digests`` whose blocks are there now; `Writing.keep` is for those that shall stay."""

    def load_map(self, name: str) -> BlockMap:
        """Return a saved map, verified. Not there: `BlockMissingError`; other bytes: `BlockDamagedError`."""
        if len(name) != _NAME_DIGITS or not set(name) <= set("0123456789abcdef"):
            raise BlockMissingError(f"{name!r} is not the name of a block map.", mend="Names are 64 hex digits.")
        encoded = self._encoded_map(name)
        if encoded is None:
            raise BlockMissingError(f"Block map {name} is not in {self.url}.", mend=CHECK)
        if hashlib.sha256(encoded).hexdigest() != name:
            raise BlockDamagedError(f"Block map {name} in {self.url} is damaged: its SHA-256 is another.", mend=CHECK)
        return BlockMap.decode(encoded)

    @abstractmethod
    def blocks(self) -> dict[bytes, int]:
        """Return the digests of all blocks that are there, and the bytes each takes."""

    @abstractmethod
    def maps(self) -> set[str]:
        """Return the names of all maps that are there."""

    @abstractmethod
    def collect(
        self, live_maps: Iterable[str], live_digests: Iterable[bytes] = (), *, grace: float = GRACE
    ) -> Collected:
        """Remove the maps that are not in ``live_maps``, and the blocks in no map that stays nor ``live_digests``.

        Spared is what a Writing that has not ended put, kept or saved, and what is younger than ``grace`` seconds.
        Both lists may have been read before the call if that took less than ``grace``; iterators are read once the
        collection has begun, and with them no grace is needed. A live map that cannot be read is an error, and
        nothing is removed.
        """

    def usage(self, live_maps: Iterable[str]) -> Usage:
        """Return what the maps hold, share and take. A name that is given twice counts twice."""
        from goldsmith.blocks.usage import measure  # noqa: PLC0415  a reader needs none of it

        return measure(self, live_maps)

    def check(
        self,
        live_maps: Iterable[str],
        *,
        repair: bool = False,
        source: BlockStore | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Checked:
        """Read every block and live map, and tell what is missing or damaged and which maps that hits.

        ``repair`` sets damaged blocks aside, so that the next writer of the same contents stores them anew, and takes
        what is wanted from ``source``, another store, where that has it. ``progress`` hears (blocks, of how many).
        """
        from goldsmith.blocks.checking import check  # noqa: PLC0415  a reader needs none of it

        return check(self, live_maps, repair=repair, source=source, progress=progress)

    @abstractmethod
    def set_aside(self, digest: bytes) -> None:
        """Move a damaged block out of the way, to where it can be studied."""

    @abstractmethod
    def _lease(self) -> Lease:
        """Return a new lease on the store."""

    @abstractmethod
    def _encoded_map(self, name: str) -> bytes | None:
        """Return the bytes of a map, unverified, or None if it is not there."""


def missing_block(digest: bytes, url: str) -> BlockMissingError:
    """Return the error that says a block is not in the store ``url``."""
    return BlockMissingError(f"Block {digest.hex()} is not in {url}.", mend=CHECK)


def open_store(url: str) -> BlockStore:
    """Open the store at ``file:///folder``, or ``s3://bucket/prefix`` (``?endpoint_url=``, ``&region=``).

    A file store is made if it is not there; a bucket has to be.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        from goldsmith.blocks.file_store import FileStore  # noqa: PLC0415  what is not used is not loaded

        return FileStore(url)
    if parts.scheme == "s3" and parts.netloc:
        from goldsmith.blocks.s3_store import S3Store  # noqa: PLC0415  boto3 is slow to load

        return S3Store(url)
    raise BlockError(
        f"{url} names no block store.",
        mend="Stores are file:///an/absolute/folder and s3://bucket/prefix?endpoint_url=…&region=….",
    )
