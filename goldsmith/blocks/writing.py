"""Blocks on their way into a store, safe from its collector until they are done."""

from __future__ import annotations

import hashlib
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from goldsmith.blocks.block_map import BLOCK, ZERO, ZEROS
from goldsmith.blocks.errors import BlockError, BlockMissingError
from goldsmith.blocks.frames import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from goldsmith.blocks.block_map import BlockMap


class Lease(Protocol):
    """What a store gives a `Writing`: what is kept or staged under it is spared by every collector until it ends."""

    threads: int

    def keep(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return those of ``digests`` whose blocks are there, which from now on are spared."""
        ...

    def stage(self, digest: bytes, frame: bytes) -> None:
        """Take a block that is not there."""
        ...

    def publish(self) -> None:
        """Make what was staged durable, then visible."""
        ...

    def publish_map(self, name: str, encoded: bytes) -> None:
        """Make everything published durable, then the map of it durable and visible."""
        ...

    def end(self) -> None:
        """Let go of what is spared; what was not published is gone."""
        ...


class Writing:
    """What one writer puts into a store. Threads may share it; processes may not.

    `put` blocks are safe from the collector from then on, and visible to others and durable from the next `flush` or
    `save` on. What was put and is in no map that is kept is collected some time after the Writing's end: record the
    map's name (or, of an unfinished snapshot, the digests) before that. ``new_blocks`` were stored, in
    ``stored_bytes``; ``known_blocks`` were there. ``threads`` calls of `put` at once pay off.
    """

    def __init__(self, lease: Lease, url: str) -> None:
        self.threads = lease.threads
        self.new_blocks = 0
        self.known_blocks = 0
        self.stored_bytes = 0
        self._lease = lease
        self._url = url
        self._begun: set[bytes] = set()
        self._held = {ZERO}
        self._lock = Lock()

    def put(self, block: bytes | bytearray | memoryview, *, expected: bytes | None = None) -> bytes:
        """Take a block of exactly 512 KiB unless it is there; return its digest. Zeros cost nothing.

        A block whose digest is ``expected`` is one that the store has: it is looked for only by `save`.
        """
        if memoryview(block).nbytes != BLOCK:
            raise BlockError(
                f"A block of {memoryview(block).nbytes} bytes cannot be stored.", mend="Blocks have 524288 bytes."
            )
        if block == ZEROS:
            return ZERO
        digest = hashlib.sha256(block).digest()
        if digest == expected:
            with self._lock:
                self.known_blocks += 1
        else:
            self._hold(digest, lambda: pack(block))
        return digest

    def put_frame(self, digest: bytes, frame: bytes, origin: str) -> None:
        """Take a block as another store, ``origin``, has it; its contents are verified first."""
        unpack(frame, digest, origin)
        self._hold(digest, lambda: frame)

    def keep(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return those of ``digests`` whose blocks are there; until the Writing ends they are not collected."""
        asked = set(digests)
        with self._lock:
            held = asked & self._held
        found = self._lease.keep(asked - held)
        with self._lock:
            self._held |= found
        return held | found

    def flush(self) -> None:
        """Make the blocks that were put durable and visible, as for a snapshot that is not complete yet."""
        self._lease.publish()

    def save(self, block_map: BlockMap) -> str:
        """Make the blocks that were put, then the map, durable; return the map's name, the SHA-256 of its encoding.

        All of the map's blocks are looked for, whoever put them, and are safe from the collector until the Writing
        ends: one that is not there is a `BlockMissingError`, and nothing is saved.
        """
        self.flush()
        digests = block_map.digests()
        missing = digests - self.keep(digests)
        if missing:
            raise BlockMissingError(
                f"A map cannot be saved: {len(missing)} of its {len(digests)} blocks are not in {self._url}, "
                f"the first is {min(missing).hex()}.",
                mend="Put the blocks before saving, in the same Writing.",
            )
        encoded = block_map.encode()
        name = hashlib.sha256(encoded).hexdigest()
        self._lease.publish_map(name, encoded)
        return name

    def _hold(self, digest: bytes, frame: Callable[[], bytes]) -> None:
        with self._lock:
            if digest in self._begun or digest in self._held:
                self.known_blocks += 1
                return
            self._begun.add(digest)
        new_bytes = None
        try:
            if not self._lease.keep((digest,)):
                packed = frame()
                self._lease.stage(digest, packed)
                new_bytes = len(packed)
            self._count(digest, new_bytes)
        finally:
            with self._lock:
                self._begun.discard(digest)

    def _count(self, digest: bytes, new_bytes: int | None) -> None:
        with self._lock:
            self._held.add(digest)
            if new_bytes is None:
                self.known_blocks += 1
            else:
                self.new_blocks += 1
                self.stored_bytes += new_bytes
