"""The block groups of a fresh ext4 file system: what is free, what we take, and their records at the end.

Source: kernel documentation, filesystems/ext4, "Super Block", "Block Group Descriptors", "Block and Inode Bitmaps".
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.checksums import Chain
from goldsmith.disks.plan import DiskError

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 4096
INODE = 256
FIRST_INODE = 12
"""The first after lost+found, which mke2fs made as inode 11."""

_SUPER = 1024
_DESCRIPTOR = 64
_INODE_UNINIT, _BLOCK_UNINIT = 1, 2
_GROUP_BLOCKS = BLOCK * 8


class FullError(DiskError):
    """The file system has no room for the tree."""


class Groups:
    """Blocks and inodes of the file system at byte ``offset`` of the file ``fd``, made by mke2fs and still empty."""

    def __init__(self, fd: int, offset: int) -> None:
        self._fd = fd
        self._offset = offset
        self._super = bytearray(os.pread(fd, 1024, offset + _SUPER))
        self.blocks = self._field("I", 0x4) | self._field("I", 0x150) << 32
        self._group_inodes = self._field("I", 0x28)
        self._reserved_descriptors = self._field("H", 0xCE)
        self.inodes = self._field("I", 0x0)
        self.chain = Chain(bytes(self._super[0x68:0x78]))
        count = -(-self.blocks // _GROUP_BLOCKS)
        self._descriptor_blocks = -(-count * _DESCRIPTOR // BLOCK)
        table = os.pread(fd, count * _DESCRIPTOR, offset + BLOCK)
        self._descriptors = [bytearray(table[n : n + _DESCRIPTOR]) for n in range(0, len(table), _DESCRIPTOR)]
        self._taken: list[tuple[int, int]] = []
        self._directories = [0] * count
        self._gaps = self._free()
        self._next, self._end = next(self._gaps)
        self._last_inode = FIRST_INODE - 1
        self.rewritten: list[tuple[int, int]] = []
        """Where on ``fd`` records were written after the data was, as (begin, end)."""

    def _field(self, kind: str, at: int) -> int:
        return int(struct.unpack_from(f"<{kind}", self._super, at)[0])

    def _wide(self, group: int, low: int, high: int, kind: str = "I") -> int:
        """Read a number of a descriptor that is split in two halves."""
        descriptor = self._descriptors[group]
        shift = 32 if kind == "I" else 16
        halves = (struct.unpack_from(f"<{kind}", descriptor, at)[0] for at in (low, high))
        return int(next(halves)) | int(next(halves)) << shift

    def _set_wide(self, group: int, low: int, high: int, value: int) -> None:
        struct.pack_into("<H", self._descriptors[group], low, value & 0xFFFF)
        struct.pack_into("<H", self._descriptors[group], high, value >> 16)

    @property
    def free_blocks(self) -> int:
        """How many blocks are free, by the superblock."""
        return self._field("I", 0xC) | self._field("I", 0x158) << 32

    def _bitmap(self, group: int) -> bytearray:
        """Return the group's block bitmap, made up where mke2fs left it to be (BLOCK_UNINIT)."""
        flags = struct.unpack_from("<H", self._descriptors[group], 18)[0]
        if not flags & _BLOCK_UNINIT:
            return bytearray(os.pread(self._fd, BLOCK, self._offset + self._wide(group, 0, 32) * BLOCK))
        base = 0
        if _has_backup(group):
            base = 1 + self._descriptor_blocks + self._reserved_descriptors
        bits = (1 << base) - 1
        held = min(self.blocks - group * _GROUP_BLOCKS, _GROUP_BLOCKS)
        bits |= (1 << _GROUP_BLOCKS) - (1 << held)
        return bytearray(bits.to_bytes(BLOCK, "little"))

    def _free(self) -> Iterator[tuple[int, int]]:
        """Yield the free stretches [first, end) in order, joined over group borders."""
        begun: int | None = None
        for group in range(len(self._descriptors)):
            bits = int.from_bytes(self._bitmap(group), "little")
            first = group * _GROUP_BLOCKS
            at = 0
            while at < _GROUP_BLOCKS:
                rest = bits >> at
                if rest & 1:
                    if begun is not None:
                        yield begun, first + at
                        begun = None
                    inverted = ~rest
                    at += (inverted & -inverted).bit_length() - 1
                else:
                    if begun is None:
                        begun = first + at
                    at = _GROUP_BLOCKS if not rest else at + (rest & -rest).bit_length() - 1
        if begun is not None:
            yield begun, self.blocks

    def root_block(self) -> int:
        """Return the block that mke2fs gave the root folder (its only extent's)."""
        place = self._offset + self._wide(0, 8, 40) * BLOCK + INODE
        high, low = struct.unpack_from("<HI", os.pread(self._fd, INODE, place), 40 + 12 + 6)
        return int(high) << 32 | int(low)

    def align(self, blocks: int) -> None:
        """Let the next block taken be a multiple of ``blocks``."""
        self._next = min(-(-self._next // blocks) * blocks, self._end)

    def take(self, count: int) -> list[tuple[int, int]]:
        """Take ``count`` blocks in order; return them as (first, count), in as few stretches as there can be."""
        stretches = []
        while count:
            if self._next == self._end:
                self._next, self._end = next(self._gaps, (0, 0))
                if not self._end:
                    raise FullError("The tree does not fit on the disk.", mend="Ask for a larger disk.")
            got = min(count, self._end - self._next)
            stretches.append((self._next, got))
            self._next += got
            count -= got
        self._taken += stretches
        return stretches

    def take_inode(self, *, directory: bool = False) -> int:
        """Take the next inode."""
        self._last_inode += 1
        if self._last_inode > self.inodes:
            raise FullError(
                f"The tree has more files than the disk has inodes ({self.inodes}).", mend="Ask for a larger disk."
            )
        if directory:
            self._directories[(self._last_inode - 1) // self._group_inodes] += 1
        return self._last_inode

    def write_inodes(self, inodes: dict[int, bytes]) -> None:
        """Write inodes at their places in the tables, a whole run at once."""
        run = bytearray()
        begin = at = -1
        for number in sorted(inodes):
            group, index = divmod(number - 1, self._group_inodes)
            place = self._offset + self._wide(group, 8, 40) * BLOCK + index * INODE
            if place != at:
                if run:
                    self._record(run, begin)
                run, begin = bytearray(), place
            run += inodes[number]
            at = place + INODE
        if run:
            self._record(run, begin)

    def _record(self, data: bytes | bytearray, place: int) -> None:
        os.pwrite(self._fd, data, place)
        self.rewritten.append((place, place + len(data)))

    def finish(self) -> None:
        """Write bitmaps, descriptors and the superblock as they are now."""
        used_blocks = self._record_blocks()
        self._record_inodes()
        table = bytearray()
        for group, descriptor in enumerate(self._descriptors):
            struct.pack_into("<H", descriptor, 30, 0)
            checksum = self.chain.number(group).of(descriptor)
            struct.pack_into("<H", descriptor, 30, checksum & 0xFFFF)
            table += descriptor
        self._record(table, self._offset + BLOCK)
        free = self.free_blocks - used_blocks
        struct.pack_into("<I", self._super, 0xC, free & 0xFFFFFFFF)
        struct.pack_into("<I", self._super, 0x158, free >> 32)
        struct.pack_into("<I", self._super, 0x10, self._field("I", 0x10) - (self._last_inode - FIRST_INODE + 1))
        struct.pack_into("<I", self._super, 0x3FC, Chain().of(self._super[:0x3FC]))
        self._record(self._super, self._offset + _SUPER)

    def _record_blocks(self) -> int:
        """Mark the taken blocks in the bitmaps and descriptors of their groups; return how many they are."""
        by_group: dict[int, list[tuple[int, int]]] = {}
        total = 0
        for first, count in self._taken:
            total += count
            begin, end = first, first + count
            while begin < end:
                group = begin // _GROUP_BLOCKS
                stop = min(end, (group + 1) * _GROUP_BLOCKS)
                pieces = by_group.setdefault(group, [])
                if pieces and sum(pieces[-1]) == begin:
                    pieces[-1] = (pieces[-1][0], pieces[-1][1] + stop - begin)
                else:
                    pieces.append((begin, stop - begin))
                begin = stop
        for group, pieces in by_group.items():
            bits = int.from_bytes(self._bitmap(group), "little")
            for first, count in pieces:
                bits |= ((1 << count) - 1) << first % _GROUP_BLOCKS
            bitmap = bits.to_bytes(BLOCK, "little")
            self._record(bitmap, self._offset + self._wide(group, 0, 32) * BLOCK)
            self._set_wide(group, 24, 56, self.chain.of(bitmap))
            used = sum(count for _, count in pieces)
            self._set_wide(group, 12, 44, self._wide(group, 12, 44, "H") - used)
            self._clear_flag(group, _BLOCK_UNINIT)
        return total

    def _record_inodes(self) -> None:
        """Mark every inode up to the last taken in the bitmaps and descriptors."""
        size = self._group_inodes // 8
        for group in range((self._last_inode - 1) // self._group_inodes + 1):
            used = min(self._last_inode - group * self._group_inodes, self._group_inodes)
            bitmap = ((1 << used) - 1).to_bytes(size, "little")
            padding = b"\xff" * (BLOCK - size)
            self._record(bitmap + padding, self._offset + self._wide(group, 4, 36) * BLOCK)
            self._set_wide(group, 26, 58, self.chain.of(bitmap))
            self._set_wide(group, 14, 46, self._group_inodes - used)
            self._set_wide(group, 28, 50, self._group_inodes - used)
            self._set_wide(group, 16, 48, self._wide(group, 16, 48, "H") + self._directories[group])
            self._clear_flag(group, _INODE_UNINIT)

    def _clear_flag(self, group: int, flag: int) -> None:
        flags = struct.unpack_from("<H", self._descriptors[group], 18)[0]
        struct.pack_into("<H", self._descriptors[group], 18, flags & ~flag)


def _has_backup(group: int) -> bool:
    """Whether the group holds a copy of the superblock (sparse_super: 0, 1 and the powers of 3, 5 and 7)."""
    if group <= 1:
        return True
    for base in (3, 5, 7):
        power = base
        while power < group:
            power *= base
        if power == group:
            return True
    return False
