"""Which block of a disk is where: a snapshot's contents as SHA-256 addresses of 512 KiB blocks."""

from __future__ import annotations

import hashlib
import struct
import sys
from array import array
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from goldsmith.blocks.errors import BlockDamagedError, BlockError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BLOCK = 512 * 1024
ZEROS = bytes(BLOCK)
ZERO: bytes = hashlib.sha256(ZEROS).digest()
DIGEST_BYTES = len(ZERO)
MAX_SIZE = 64 << 40
"""The largest disk there can be, 64 TiB, as EBS's largest volume."""

_HEADER = struct.Struct("<7sBQQ")
_MAGIC = b"GSBMAP\0"
_VERSION = 1
_INDEX_BYTES = 4
MAX_ENCODED = _HEADER.size + (_INDEX_BYTES + DIGEST_BYTES) * (MAX_SIZE // BLOCK)


class BlockMap:
    """A disk of ``size`` bytes whose written blocks have the digests in ``blocks``; what is absent reads as zeros.

    A block of zeros that was written has the digest `ZERO` and costs no storage. A map never changes. A digest of
    another length, or an index outside of the disk, is a `BlockError`.
    """

    __slots__ = ("_digests", "_indexes", "size")

    size: int

    def __init__(self, size: int, blocks: Mapping[int, bytes]) -> None:
        if not 0 <= size <= MAX_SIZE:
            raise BlockError(f"A disk of {size} bytes cannot be.", mend=f"Disks have up to {MAX_SIZE} bytes.")
        indexes = sorted(blocks)
        if indexes and not 0 <= indexes[0] <= indexes[-1] < _blocks_in(size):
            raise BlockError(
                f"A disk of {size} bytes has no block {indexes[0] if indexes[0] < 0 else indexes[-1]}.",
                mend=f"Its last block is {_blocks_in(size) - 1}.",
            )
        if any(len(digest) != DIGEST_BYTES for digest in blocks.values()):
            raise BlockError("A block's address is not a SHA-256 digest.", mend="Addresses are 32 bytes.")
        self.size = size
        self._indexes = array("I", indexes)
        self._digests = b"".join(blocks[index] for index in indexes)

    def get(self, index: int) -> bytes | None:
        """Return the digest of block ``index``, or None where nothing was written."""
        place = bisect_left(self._indexes, index)
        if place < len(self._indexes) and self._indexes[place] == index:
            return self._digest(place)
        return None

    def __len__(self) -> int:
        return len(self._indexes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BlockMap):
            return NotImplemented
        return (self.size, self._indexes, self._digests) == (other.size, other._indexes, other._digests)

    def __hash__(self) -> int:
        return hash((self.size, self._digests))

    def __repr__(self) -> str:
        return f"<BlockMap of {self.size} bytes, {len(self)} blocks written>"

    def items(self) -> Iterator[tuple[int, bytes]]:
        """Yield (index, digest) of what was written, by ascending index."""
        return ((index, self._digest(place)) for place, index in enumerate(self._indexes))

    def indexes_from(self, first: int) -> Sequence[int]:
        """Return the written indexes from ``first`` on, ascending."""
        return self._indexes[bisect_left(self._indexes, first) :]

    def merged(self, changed: Mapping[int, bytes | None], size: int | None = None) -> BlockMap:
        """Return this map with ``changed`` over it: a digest is a block written, None is one that is absent again.

        ``size`` is the new disk's bytes; what lies behind its end falls away, and may not be in ``changed``.
        """
        size = self.size if size is None else size
        blocks: dict[int, bytes] = {index: digest for index, digest in self.items() if index < _blocks_in(size)}
        for index, digest in changed.items():
            if digest is None:
                blocks.pop(index, None)
            else:
                blocks[index] = digest
        return BlockMap(size, blocks)

    def digests(self) -> set[bytes]:
        """Return the digests of the blocks that take storage: all but `ZERO`."""
        return {self._digest(place) for place in range(len(self))} - {ZERO}

    def encode(self) -> bytes:
        """Return the map as bytes: the same for the same map, 36 for each block and 24 more."""
        return _HEADER.pack(_MAGIC, _VERSION, self.size, len(self)) + _little(self._indexes).tobytes() + self._digests

    @staticmethod
    def decode(encoded: bytes) -> BlockMap:
        """Return the map that `encode` made these bytes of; anything else is a `BlockDamagedError`."""
        if len(encoded) < _HEADER.size:
            raise _not_a_map("it ends within its header")
        magic, version, size, count = _HEADER.unpack_from(encoded)
        if magic != _MAGIC:
            raise _not_a_map("it begins with other bytes")
        if version != _VERSION:
            raise BlockError(f"A block map of version {version} is newer than this.", mend="Upgrade Goldsmith.")
        if size > MAX_SIZE or len(encoded) != _HEADER.size + count * (_INDEX_BYTES + DIGEST_BYTES):
            raise _not_a_map("its length is not what it says")
        digests = _HEADER.size + count * _INDEX_BYTES
        indexes = _little(array("I", encoded[_HEADER.size : digests]))
        if any(first >= second for first, second in pairwise(indexes)):
            raise _not_a_map("its blocks are out of order")
        if indexes and indexes[-1] >= _blocks_in(size):
            raise _not_a_map("it has blocks behind the disk's end")
        found = BlockMap(size, {})
        found._indexes, found._digests = indexes, encoded[digests:]
        return found

    def _digest(self, place: int) -> bytes:
        return self._digests[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES]


def _blocks_in(size: int) -> int:
    return -(-size // BLOCK)


def _little(indexes: array[int]) -> array[int]:
    if sys.byteorder == "little":
        return indexes
    swapped = indexes[:]
    swapped.byteswap()
    return swapped


def _not_a_map(why: str) -> BlockDamagedError:
    return BlockDamagedError(f"A block map cannot be read: {why}.", mend="Look at `goldsmith storage check`.")
