"""Linear directories of ext4: entries in blocks, each block with its checksum at its end.

Source: kernel documentation, filesystems/ext4, "Linear (Classic) Directories".
"""

from __future__ import annotations

import stat
import struct
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.groups import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.disks.ext4.checksums import Chain

MOST_LINKS = 65000
"""A folder with more folders in it has link count 1 (dir_nlink)."""

_TAIL = 12
_TYPES = {
    stat.S_IFREG: 1, stat.S_IFDIR: 2, stat.S_IFCHR: 3, stat.S_IFBLK: 4,
    stat.S_IFIFO: 5, stat.S_IFSOCK: 6, stat.S_IFLNK: 7,
}  # fmt: skip


def layout(names: Iterable[tuple[bytes, int]]) -> list[list[tuple[bytes, int]]]:
    """Distribute a folder's (name, mode), "." and ".." put first, over as many blocks as they need."""
    blocks: list[list[tuple[bytes, int]]] = [[]]
    room = BLOCK - _TAIL
    for name, mode in [(b".", stat.S_IFDIR), (b"..", stat.S_IFDIR), *names]:
        if _length(name) > room:
            blocks.append([])
            room = BLOCK - _TAIL
        blocks[-1].append((name, mode))
        room -= _length(name)
    return blocks


def pack(blocks: list[list[tuple[bytes, int]]], numbers: dict[bytes, int], number: int, chain: Chain) -> list[bytes]:
    """Return the blocks of folder ``number``; ``numbers`` are the inodes of its names, "." and ".." among them."""
    owned = chain.inode(number)
    packed = []
    for block in blocks:
        area = bytearray()
        for index, (name, mode) in enumerate(block):
            last = index == len(block) - 1
            length = BLOCK - _TAIL - len(area) if last else _length(name)
            head = struct.pack("<IHBB", numbers[name], length, len(name), _TYPES[stat.S_IFMT(mode)])
            area += (head + name).ljust(length, b"\0")
        checksum = owned.of(area)
        packed.append(bytes(area) + struct.pack("<IHBBI", 0, _TAIL, 0, 0xDE, checksum))
    return packed


def _length(name: bytes) -> int:
    return 8 + -(-len(name) // 4) * 4
