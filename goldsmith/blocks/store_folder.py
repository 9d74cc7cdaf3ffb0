"""Where a file store keeps what, and the two locks that its writers and its collector meet at.

    blocks/ab/cdef…    the frame of the block whose SHA-256 is abcdef…
    maps/…             the encoding of a map, under its SHA-256
    writings/<id>/     a Writing's staged blocks, and its `lease`: locked by its process, made when the Writing began
    damaged/           blocks that a check set aside
    touching           locked shared by who touches or publishes, alone by who looks at a time and removes
    collecting         locked by the one collector

What is visible under blocks and maps is whole and durable, and is trusted by who finds it there.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from goldsmith.blocks.durability import sync_file_system
from goldsmith.blocks.errors import BlockError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FAN_OUT = [f"{first:02x}" for first in range(256)]


class StoreFolder:
    """The folder ``root`` of a file store, made if it is not there; only its owner may enter it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.block_folder = root / "blocks"
        self.maps = root / "maps"
        self.writings = root / "writings"
        self.damaged = root / "damaged"
        with explained(f"The block store {root} cannot be opened"):
            if not (root / "collecting").exists():
                self._make()

    def block(self, digest: bytes) -> Path:
        """Return where the block of this digest is, if it is there."""
        name = digest.hex()
        return self.block_folder / name[:2] / name[2:]

    def blocks(self) -> Iterator[tuple[bytes, os.stat_result]]:
        """Yield (digest, status) of each block that is there."""
        for first in _FAN_OUT:
            with os.scandir(self.block_folder / first) as entries:
                for entry in entries:
                    try:
                        yield bytes.fromhex(first + entry.name), entry.stat(follow_symlinks=False)
                    except (FileNotFoundError, ValueError):
                        continue

    @contextmanager
    def touching(self) -> Iterator[None]:
        """Hold off the collector's removals, for the moment that touching or publishing takes."""
        with _locked(self.root / "touching", fcntl.LOCK_SH):
            yield

    @contextmanager
    def removing(self) -> Iterator[None]:
        """Hold off whoever touches or publishes, for the moment that looking at times and removing takes."""
        with _locked(self.root / "touching", fcntl.LOCK_EX):
            yield

    @contextmanager
    def collecting(self) -> Iterator[int]:
        """Be the one collector, when the one before has ended; yield the time it is now by the file system's clock."""
        with _locked(self.root / "collecting", fcntl.LOCK_EX) as lock:
            os.utime(lock)
            yield os.fstat(lock).st_mtime_ns

    def _make(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.block_folder, self.maps, self.writings, self.damaged):
            folder.mkdir(exist_ok=True)
        for first in _FAN_OUT:
            (self.block_folder / first).mkdir(exist_ok=True)
        (self.root / "touching").touch()
        sync_file_system(self.root)
        (self.root / "collecting").touch()


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn an `OSError` into a `BlockError` that begins with ``what``."""
    try:
        yield
    except OSError as error:
        raise BlockError(
            f"{what}: {error.strerror or error}.",
            mend="Look at the file system's space and permissions, then try again.",
        ) from error


@contextmanager
def _locked(path: Path, how: int) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
        yield descriptor
    finally:
        os.close(descriptor)
