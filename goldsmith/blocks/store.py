"""A content-addressed store of 512 KiB blocks and of the maps that make snapshots of them.

Modules that are heavy, and boto3, load only with the store that needs them: each running instance's keeper imports
this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from goldsmith.blocks.errors import BlockDamagedError, BlockError, BlockMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from goldsmith.blocks.block_map import BlockMap
    from goldsmith.blocks.checking import Checked
    from goldsmith.blocks.usage import Usage
    from goldsmith.blocks.writing import Writing

__all__ = ["GRACE", "BlockDamagedError", "BlockError", "BlockMissingError", "BlockStore", "Collected", "open_store"]

GRACE = 15 * 60.0
"""Seconds for which what was written is spared, for the time between a map's saving and its record's reading."""


@dataclass(frozen=True)
class Collected:
    """What a collector removed. ``stored_bytes`` are compressed ones; ``condemned`` blocks fall next time (S3)."""

    maps: int
    blocks: int
    stored_bytes: int
    condemned: int = 0


class BlockStore(Protocol):
    """Where blocks and maps live. Threads may share it."""

    url: str
    threads: int

    def writing(self) -> AbstractContextManager[Writing]:
        """Begin to write: what is put or kept inside is spared by `collect` until the block ends."""
        ...

    def get(self, digest: bytes) -> bytes:
        """Return a block's 512 KiB, verified. Not there: `BlockMissingError`; other bytes: `BlockDamagedError`."""
        ...

    def frame(self, digest: bytes) -> bytes:
        """Return a block as it is stored, compressed and unverified. Not there: `BlockMissingError`."""
        ...

    def has(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return those of ``digests`` whose blocks are there now (see `Writing.keep` for those that shall stay)."""
        ...

    def load_map(self, name: str) -> BlockMap:
        """Return a saved map, verified. Not there: `BlockMissingError`; other bytes: `BlockDamagedError`."""
        ...

    def blocks(self) -> dict[bytes, int]:
        """Return the digests of all blocks that are there, and the bytes each takes."""
        ...

    def maps(self) -> set[str]:
        """Return the names of all maps that are there."""
        ...

    def collect(
        self, live_maps: Iterable[str], live_digests: Iterable[bytes] = (), *, grace: float = GRACE
    ) -> Collected:
        """Remove the maps that are not in ``live_maps``, and the blocks in no map that stays nor ``live_digests``.

        Spared is what a Writing that has not ended put, kept or saved, and what is younger than ``grace`` seconds.
        Both lists may have been read before the call if that took less than ``grace``. A live map that cannot be
        read is an error, and nothing is removed.
        """
        ...

    def usage(self, live_maps: Iterable[str]) -> Usage:
        """Return what the maps hold, share and take. A name that is given twice counts twice."""
        ...

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
        ...

    def set_aside(self, digest: bytes) -> None:
        """Take a damaged block out of the way; where possible it is kept for study."""
        ...


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
