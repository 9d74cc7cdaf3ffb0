"""An ext4 inode of 256 bytes, and the extents that say where a file's blocks are.

Source: kernel documentation, filesystems/ext4, "Index Nodes" and "The Contents of inode.i_block".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.groups import BLOCK, INODE

if TYPE_CHECKING:
    from goldsmith.disks.ext4.checksums import Chain

EXTENTS_FLAG = 0x80000
LONGEST_EXTENT = 32768
IN_INODE_EXTENTS = 4
IN_LEAF_EXTENTS = (BLOCK - 16) // 12
MOST_EXTENTS = IN_INODE_EXTENTS * IN_LEAF_EXTENTS
"""What a tree of one level of leaves holds; a file with more holes than that is written without its holes."""

ATTRIBUTE_SPACE = INODE - 128 - 32
"""Bytes behind the fixed fields where extended attributes may stand."""

_EXTENT_MAGIC = 0xF30A
_FIXED = struct.Struct("<HHIIIIIHHIII60sIIIIHHHHHHHHIIIIIII")


@dataclass(slots=True)
class Extent:
    """``count`` blocks of a file from its block ``logical``, which stand on the disk from block ``physical``."""

    logical: int
    physical: int
    count: int


@dataclass(slots=True)
class Inode:
    """What an inode says of a file, but for its data's place (``content``, the 60 bytes of i_block)."""

    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    epoch: int
    links: int
    blocks: int
    flags: int
    content: bytes
    attributes: bytes = b""
    attribute_block: int = 0

    def pack(self, number: int, chain: Chain) -> bytes:
        """Return the inode as it stands in the table, with its checksum. Its times but ``mtime`` are ``epoch``."""
        units = self.blocks * (BLOCK // 512)
        fixed = _FIXED.pack(
            self.mode, self.uid & 0xFFFF, self.size & 0xFFFFFFFF,
            self.epoch & 0xFFFFFFFF, self.epoch & 0xFFFFFFFF, self.mtime & 0xFFFFFFFF, 0,
            self.gid & 0xFFFF, self.links, units & 0xFFFFFFFF, self.flags, 0,
            self.content, 0, self.attribute_block & 0xFFFFFFFF, self.size >> 32, 0,
            units >> 32, self.attribute_block >> 32, self.uid >> 16, self.gid >> 16, 0, 0,
            32, 0, _epoch_bits(self.epoch), _epoch_bits(self.mtime), _epoch_bits(self.epoch),
            self.epoch & 0xFFFFFFFF, _epoch_bits(self.epoch), 0, 0,
        )  # fmt: skip
        packed = bytearray(fixed + self.attributes.ljust(ATTRIBUTE_SPACE, b"\0"))
        checksum = chain.inode(number).of(packed)
        struct.pack_into("<H", packed, 124, checksum & 0xFFFF)
        struct.pack_into("<H", packed, 130, checksum >> 16)
        return bytes(packed)


def _epoch_bits(seconds: int) -> int:
    """Bits 32 and 33 of a time: the on-disk seconds are signed, and these carry on from 2038."""
    low = (seconds & 0xFFFFFFFF) - ((seconds & 0x80000000) << 1)
    return (seconds - low) >> 32 & 3


def split(logical: int, physical: int, count: int) -> list[Extent]:
    """Return extents of at most the longest length there is."""
    return [
        Extent(logical + done, physical + done, min(count - done, LONGEST_EXTENT))
        for done in range(0, count, LONGEST_EXTENT)
    ]


def leaves_needed(extents: int) -> int:
    """How many blocks beside the inode the extents need."""
    return 0 if extents <= IN_INODE_EXTENTS else -(-extents // IN_LEAF_EXTENTS)


def extent_root(extents: list[Extent], leaves: list[int]) -> bytes:
    """Return i_block: the extents themselves, or an index of the ``leaves``, the blocks that hold them."""
    if not leaves:
        return (_header(len(extents), IN_INODE_EXTENTS, 0) + _packed(extents)).ljust(60, b"\0")
    index = b"".join(
        struct.pack("<IIHH", extents[n * IN_LEAF_EXTENTS].logical, block & 0xFFFFFFFF, block >> 32, 0)
        for n, block in enumerate(leaves)
    )
    return (_header(len(leaves), IN_INODE_EXTENTS, 1) + index).ljust(60, b"\0")


def extent_leaves(extents: list[Extent], number: int, chain: Chain) -> list[bytes]:
    """Return the leaf blocks of inode ``number`` with their checksums."""
    owned = chain.inode(number)
    blocks = []
    for begin in range(0, len(extents), IN_LEAF_EXTENTS):
        held = extents[begin : begin + IN_LEAF_EXTENTS]
        block = (_header(len(held), IN_LEAF_EXTENTS, 0) + _packed(held)).ljust(BLOCK - 4, b"\0")
        blocks.append(block + struct.pack("<I", owned.of(block)))
    return blocks


def _header(entries: int, most: int, depth: int) -> bytes:
    return struct.pack("<HHHHI", _EXTENT_MAGIC, entries, most, depth, 0)


def _packed(extents: list[Extent]) -> bytes:
    return b"".join(
        struct.pack("<IHHI", e.logical, e.count, e.physical >> 32, e.physical & 0xFFFFFFFF) for e in extents
    )


def device_content(major: int, minor: int) -> bytes:
    """Return i_block of a device node, in the old encoding where it fits and else in the new one."""
    if major < 256 and minor < 256:  # noqa: PLR2004 - the old encoding's bytes
        return struct.pack("<II", major << 8 | minor, 0).ljust(60, b"\0")
    return struct.pack("<II", 0, minor & 0xFF | major << 8 | (minor & ~0xFF) << 12).ljust(60, b"\0")
