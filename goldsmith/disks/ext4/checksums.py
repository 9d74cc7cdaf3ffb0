"""ext4's CRC-32C chains (kernel documentation, filesystems/ext4: Checksums)."""

from __future__ import annotations

import struct

from crc32c import crc32c

_ALL = 0xFFFFFFFF


class Chain:
    """A checksum that goes on from what it has seen: the file system's UUID, an inode's number, a block's."""

    __slots__ = ("_state",)

    def __init__(self, seen: bytes | None = None, *, state: int = 0) -> None:
        self._state = state if seen is None else crc32c(seen, state)

    def then(self, data: bytes | bytearray | memoryview) -> Chain:
        """Return the chain that has seen ``data`` too."""
        return Chain(state=crc32c(data, self._state))

    def number(self, value: int) -> Chain:
        """Return the chain that has seen a 32-bit number too."""
        return self.then(struct.pack("<I", value))

    def inode(self, number: int) -> Chain:
        """Return the chain of what belongs to an inode: its number, and its generation, which we keep 0."""
        return self.then(struct.pack("<II", number, 0))

    def of(self, data: bytes | bytearray | memoryview) -> int:
        """Return the checksum with ``data`` at its end, as the disk holds it: without the last inversion."""
        return crc32c(data, self._state) ^ _ALL
