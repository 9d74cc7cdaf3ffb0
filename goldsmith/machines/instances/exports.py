"""A volume's base as bytes: blocks fetched from the store when they are read, verified there, kept for a while."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from goldsmith.blocks.block_map import BLOCK, ZERO
from goldsmith.blocks.errors import BlockDamagedError, BlockError, BlockMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.blocks.block_map import BlockMap
    from goldsmith.blocks.store import BlockStore

LOG = logging.getLogger(__name__)

KEPT_BLOCKS = 16
"""Blocks of 512 KiB that one keeper keeps; the host's page cache has the compressed ones."""

PATIENCE = 300.0
"""Seconds for which a store that cannot be reached is tried again."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0


class BlockCache:
    """The blocks of a store that were read last, for threads to share."""

    def __init__(self, store: BlockStore, capacity: int = KEPT_BLOCKS, patience: float = PATIENCE) -> None:
        self._store = store
        self._patience = patience
        self._capacity = capacity
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, digest: bytes) -> bytes:
        """Return a block; BlockError when the store cannot give it."""
        with self._lock:
            if digest in self._kept:
                self._kept.move_to_end(digest)
                return self._kept[digest]
        block = self._fetch(digest)
        with self._lock:
            self._kept[digest] = block
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
        return block

    def _fetch(self, digest: bytes) -> bytes:
        """Get a block from the store; while the store cannot be reached the guest's disk is slow, not broken."""
        deadline = time.monotonic() + self._patience
        pause = FIRST_PAUSE
        while True:
            try:
                return self._store.get(digest)
            except (BlockMissingError, BlockDamagedError):
                raise
            except (BlockError, OSError) as unreachable:
                if time.monotonic() + pause > deadline:
                    raise BlockError(
                        f"Block {digest.hex()} cannot be read: {unreachable}", mend=f"Look at {self._store.url}."
                    ) from unreachable
                LOG.warning("Block %s is tried again: %s", digest.hex(), unreachable)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


class Export:
    """``size`` bytes: a map's contents, and zeros behind its end."""

    def __init__(self, size: int, base: BlockMap, cache: BlockCache) -> None:
        self.size = size
        self._base = base
        self._cache = cache

    def extents(self, offset: int, length: int) -> Iterator[tuple[int, int, bytes | None]]:
        """Yield (offset, length, block's digest, None for zeros); zeros that follow one another come as one."""
        end = offset + length
        zeros = offset
        for index in self._base.indexes_from(offset // BLOCK):
            begin, until = max(offset, index * BLOCK), min(end, (index + 1) * BLOCK)
            if begin >= end:
                break
            digest = self._base.get(index)
            if digest is None or digest == ZERO:
                continue
            if zeros < begin:
                yield zeros, begin - zeros, None
            yield begin, until - begin, digest
            zeros = until
        if zeros < end:
            yield zeros, end - zeros, None

    def read(self, offset: int, length: int) -> Iterator[tuple[int, int, memoryview | None]]:
        """Yield (offset, length, bytes, None for zeros) of what lies there; BlockError where a block cannot be had."""
        for begin, count, digest in self.extents(offset, length):
            if digest is None:
                yield begin, count, None
            else:
                within = begin % BLOCK
                yield begin, count, memoryview(self._cache.get(digest))[within : within + count]
