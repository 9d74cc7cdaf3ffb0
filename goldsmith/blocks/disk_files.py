"""A raw disk file becomes blocks in a store, and a disk file again, on all cores."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.blocks.block_map import BLOCK, ZERO, ZEROS, BlockMap
from goldsmith.blocks.concurrently import concurrently
from goldsmith.blocks.store_folder import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.blocks.store import BlockStore
    from goldsmith.blocks.writing import Writing


def store_disk(
    writing: Writing,
    path: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    base: BlockMap | None = None,
) -> BlockMap:
    """Put the raw disk ``path`` into the store; return its map, which is not saved yet.

    Blocks of zeros are absent from the map, and holes are not read. Of a block that is the same in ``base``, a map
    in the same store, nothing more is asked until the map is saved. The file may not change meanwhile. ``progress``
    hears (bytes done, of how many).
    """
    with explained(f"The disk {path} cannot be read"):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        reader = _Reader(descriptor, path, size)
        indexes = list(_written(descriptor, size))

        def stored(index: int) -> tuple[int, bytes]:
            return index, writing.put(reader.read(index), expected=base.get(index) if base else None)

        blocks: dict[int, bytes] = {}
        for done, (index, digest) in enumerate(concurrently(writing.threads, stored, indexes), 1):
            if digest != ZERO:
                blocks[index] = digest
            if progress:
                progress(done * BLOCK, len(indexes) * BLOCK)
        return BlockMap(size, blocks)
    finally:
        os.close(descriptor)


def restore_disk(
    store: BlockStore,
    block_map: BlockMap,
    path: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the disk of ``block_map`` to ``path``, raw and sparse; every block is verified.

    The file appears, or takes an earlier one's place, when it is whole and durable; on failure nothing is left.
    ``progress`` hears (bytes done, of how many).
    """
    with explained(f"The disk {path} cannot be written"):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        aside = Path(name)
        try:
            fill_disk(store, block_map, descriptor, progress=progress)
            os.fsync(descriptor)
            aside.rename(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)


def fill_disk(
    store: BlockStore,
    block_map: BlockMap,
    descriptor: int,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the disk of ``block_map`` to an empty open file, raw and sparse; every block is verified."""
    wanted = [(index, digest) for index, digest in block_map.items() if digest != ZERO]
    os.ftruncate(descriptor, block_map.size)

    def restored(place: tuple[int, bytes]) -> None:
        index, digest = place
        block = memoryview(store.get(digest))[: block_map.size - index * BLOCK]
        _write_all(descriptor, block, index * BLOCK)

    for done, _ in enumerate(concurrently(store.threads, restored, wanted), 1):
        if progress:
            progress(done * BLOCK, len(wanted) * BLOCK)


class _Reader:
    """Reads a disk's blocks, each thread into its own buffer: a block is copied once, from the page cache."""

    def __init__(self, descriptor: int, path: Path, size: int) -> None:
        self._descriptor = descriptor
        self._path = path
        self._size = size
        self._own = threading.local()

    def read(self, index: int) -> bytearray:
        """Return block ``index``, with zeros behind the disk's end; it is good until this thread's next call."""
        buffer: bytearray | None = getattr(self._own, "buffer", None)
        if buffer is None:
            buffer = self._own.buffer = bytearray(BLOCK)
        offset = index * BLOCK
        wanted = min(BLOCK, self._size - offset)
        done = 0
        with explained(f"The disk {self._path} cannot be read"), memoryview(buffer) as view:
            while done < wanted:
                count = os.preadv(self._descriptor, [view[done:wanted]], offset + done)
                if count == 0:
                    raise OSError(errno.EIO, "it has become shorter")
                done += count
        if wanted < BLOCK:
            buffer[wanted:] = ZEROS[wanted:]
        return buffer


def _written(descriptor: int, size: int) -> Iterator[int]:
    """Yield the indexes of the blocks of which some part is no hole (lseek(2), SEEK_DATA)."""
    index = 0
    while index * BLOCK < size:
        try:
            begin = os.lseek(descriptor, index * BLOCK, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(descriptor, begin, os.SEEK_HOLE)
        index = -(-min(end, size) // BLOCK)
        yield from range(begin // BLOCK, index)


def _write_all(descriptor: int, data: memoryview, offset: int) -> None:
    while data:
        count = os.pwrite(descriptor, data, offset)
        data, offset = data[count:], offset + count
