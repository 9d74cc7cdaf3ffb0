"""What a Writing holds of a file store: its place among the writings, and the blocks it has staged there."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

from goldsmith.blocks.durability import sync_file_system, sync_path
from goldsmith.blocks.store_folder import explained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from goldsmith.blocks.store_folder import StoreFolder

_AT_ONCE = 256
_FEW = 8


class FileLease:
    """A `Lease` on a file store; made by the process that holds it, and gone with that process.

    A block is written into the lease's own folder. `publish` writes the file system out once (a few blocks: each by
    itself), renames the blocks into their places and writes that out: what is visible survives a loss of power, and
    who finds it may build on it.
    """

    def __init__(self, folder: StoreFolder) -> None:
        self.threads = len(os.sched_getaffinity(0))
        self._folder = folder
        self._own = folder.writings / secrets.token_hex(8)
        self._staged: set[bytes] = set()
        self._saved: list[Path] = []
        self._lock = Lock()
        self._publishing = Lock()
        with explained(f"Writing to {folder.root} cannot begin"), folder.touching():
            self._own.mkdir()
            self._held = os.open(self._own / "lease", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_EX)

    def keep(self, digests: Iterable[bytes]) -> set[bytes]:
        """Touch the blocks of these digests; return those that are there."""
        found: set[bytes] = set()
        for batch in _batches(digests):
            with explained(f"Blocks in {self._folder.root} cannot be touched"), self._folder.touching():
                found.update(digest for digest in batch if _touched(self._folder.block(digest)))
        return found

    def stage(self, digest: bytes, frame: bytes) -> None:
        """Write a block where only this lease sees it."""
        path = self._own / digest.hex()
        with explained(f"A block cannot be written to {self._folder.root}"):
            try:
                path.write_bytes(frame)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        with self._lock:
            self._staged.add(digest)

    def publish(self) -> None:
        """Make the staged blocks durable, then visible, then durably visible."""
        with self._publishing, explained(f"Blocks cannot be made durable in {self._folder.root}"):
            with self._lock:
                staged = sorted(self._staged)
            self._write_out([self._own / digest.hex() for digest in staged])
            for batch in _batches(staged):
                with self._folder.touching():
                    for digest in batch:
                        self._show(digest)
            self._write_out(sorted({self._folder.block(digest).parent for digest in staged}))

    def publish_map(self, name: str, encoded: bytes) -> None:
        """Write a map into its place, once all that others published is durable too."""
        place = self._folder.maps / name
        with self._publishing, explained(f"A block map cannot be written to {self._folder.root}"):
            aside = self._own / "map"
            aside.write_bytes(encoded)
            sync_file_system(self._folder.root)
            with self._folder.touching():
                aside.rename(place)
                os.utime(place)
            sync_path(self._folder.maps)
            self._saved.append(place)

    def end(self) -> None:
        """Touch the maps once more, so that they are as young as their records may be, and let go."""
        try:
            with explained(f"Writing to {self._folder.root} cannot end"), self._folder.touching():
                for place in self._saved:
                    _touched(place)
        finally:
            shutil.rmtree(self._own, ignore_errors=True)
            os.close(self._held)

    def _show(self, digest: bytes) -> None:
        place = self._folder.block(digest)
        (self._own / digest.hex()).rename(place)
        os.utime(place)
        with self._lock:
            self._staged.discard(digest)

    def _write_out(self, paths: list[Path]) -> None:
        if len(paths) > _FEW:
            sync_file_system(self._folder.root)
        else:
            for path in paths:
                sync_path(path)


def _touched(path: Path) -> bool:
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _batches(digests: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield few enough at once that nobody waits long for the lock they are touched under."""
    rest = iter(digests)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch
