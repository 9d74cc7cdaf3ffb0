"""An ext2, ext3 or ext4 file system from elsewhere is read: inodes, where their data is, folders, attributes.

It is untrusted: every number is held against the file system's size, and all blocks that files claim together may not
exceed it, so that no loop and no lie makes the work larger than the disk. Source: kernel documentation,
filesystems/ext4. (dissect.extfs reads the same, but builds lists as long as a hostile inode says.)
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.attributes import parse
from goldsmith.disks.ext4.inode import EXTENTS_FLAG
from goldsmith.disks.plan import DiskError

if TYPE_CHECKING:
    from typing import BinaryIO

ROOT = 2
MAGIC = 0xEF53
LARGEST_FILE = 1 << 44

_NEEDS_RECOVERY = 0x4
_BITS64 = 0x80
_READABLE = 0x2 | _BITS64 | 0x40 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000
"""filetype, 64bit, extents, mmp, flex_bg, ea_inode, csum_seed, largedir, inline_data, encrypt, casefold; what of these
an inode truly uses is looked at when it is read."""

_UNREADABLE_INODE = {0x800: "encrypted", 0x10000000: "kept inside its inode (inline_data)"}
_EXTENT_MAGIC = 0xF30A
_DEEPEST = 5
_UNWRITTEN = 32768
_DIRECT = 12
_LARGEST_LOG_BLOCK = 6


class DamagedError(DiskError):
    """The file system contradicts itself."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The disk's root file system is damaged: {what}.", mend="Repair it with e2fsck first.")


@dataclass(frozen=True)
class Run:
    """``count`` blocks of a file from its block ``logical``, found at block ``physical``."""

    logical: int
    physical: int
    count: int


@dataclass(frozen=True)
class Inode:
    """What an inode says."""

    number: int
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    links: int
    flags: int
    content: bytes
    attributes: dict[str, bytes]

    @property
    def kind(self) -> int:
        """The file's type, as stat.S_IFMT gives it."""
        return stat.S_IFMT(self.mode)

    @property
    def device(self) -> tuple[int, int]:
        """A device node's major and minor number."""
        old, new = struct.unpack_from("<II", self.content)
        if old:
            return old >> 8 & 0xFF, old & 0xFF
        return new >> 8 & 0xFFF, new & 0xFF | new >> 12 & 0xFFF00


class FileSystem:
    """The file system at byte ``offset`` of ``disk``, at most ``size`` bytes long."""

    def __init__(self, disk: BinaryIO, offset: int, size: int) -> None:
        self._disk = disk
        self._offset = offset
        head = self._bytes(1024, 1024)
        if self._number(head, "H", 56) != MAGIC:
            raise DamagedError("it has no superblock")
        log = self._number(head, "I", 24)
        if log > _LARGEST_LOG_BLOCK:
            raise DamagedError("its block size is impossible")
        self.block_size = 1024 << log
        self._check_features(head)
        wide = self._number(head, "I", 96) & _BITS64
        self.blocks = self._number(head, "I", 4) | (self._number(head, "I", 336) << 32 if wide else 0)
        self.inodes = self._number(head, "I", 0)
        self._group_inodes = self._number(head, "I", 40)
        self._inode_size = self._number(head, "H", 88) if self._number(head, "I", 76) else 128
        self._descriptor = self._number(head, "H", 254) if wide else 32
        self._first_block = self._number(head, "I", 20)
        if not (
            self.blocks * self.block_size <= size
            and self._first_block <= 1
            and self._group_inodes
            and 128 <= self._inode_size <= self.block_size  # noqa: PLR2004 - ext2's inode
            and 32 <= self._descriptor <= 1024  # noqa: PLR2004 - ext2's descriptor
        ):
            raise DamagedError("its superblock does not fit its partition")
        self._budget = self.blocks

    def _check_features(self, head: bytes) -> None:
        features = self._number(head, "I", 96)
        if features & _NEEDS_RECOVERY:
            raise DiskError(
                "The disk's root file system was not unmounted: its journal holds changes still to be made.",
                mend="Shut the machine down cleanly before its disk is copied, or run e2fsck on the disk.",
            )
        if unknown := features & ~_READABLE:
            raise DiskError(f"The disk's root file system uses ext4 features that are not read here ({unknown:#x}).")

    def _number(self, data: bytes, kind: str, at: int) -> int:
        return int(struct.unpack_from(f"<{kind}", data, at)[0])

    def _bytes(self, at: int, length: int) -> bytes:
        self._disk.seek(self._offset + at)
        return self._disk.read(length).ljust(length, b"\0")

    def read(self, block: int, count: int) -> bytes:
        """Return ``count`` blocks from ``block`` on."""
        if block < self._first_block or block + count > self.blocks:
            raise DamagedError(f"block {block} is outside it")
        return self._bytes(block * self.block_size, count * self.block_size)

    def spend(self, blocks: int) -> None:
        """Count what files claim against what there is."""
        self._budget -= blocks
        if self._budget < 0:
            raise DamagedError("its files claim more blocks than it has")

    def inode(self, number: int) -> Inode:
        """Return an inode by its number."""
        if not 0 < number <= self.inodes:
            raise DamagedError(f"a folder names inode {number}")
        group, index = divmod(number - 1, self._group_inodes)
        descriptor = self._bytes((self._first_block + 1) * self.block_size + group * self._descriptor, self._descriptor)
        table = self._number(descriptor, "I", 8)
        if self._descriptor >= 64:  # noqa: PLR2004 - with 64bit
            table |= self._number(descriptor, "I", 40) << 32
        if table >= self.blocks:
            raise DamagedError("an inode table is outside it")
        raw = self._bytes(table * self.block_size + index * self._inode_size, self._inode_size)
        mode, uid, size, _, _, mtime, _, gid, links, _, flags = struct.unpack_from("<HHIIiiIHHII", raw)
        for flag, what in _UNREADABLE_INODE.items():
            if flags & flag:
                raise DiskError(f"The disk's root file system has a file that is {what}, which is not read here.")
        high = self._number(raw, "I", 108)
        size |= high << 32 if stat.S_ISREG(mode) else 0
        if size > LARGEST_FILE:
            raise DamagedError(f"inode {number} has an impossible size")
        extra = self._number(raw, "H", 128) if self._inode_size > 128 else 0  # noqa: PLR2004 - ext2's inode
        if extra >= 12:  # noqa: PLR2004 - far enough for i_mtime_extra
            mtime += (self._number(raw, "I", 136) & 3) << 32
        return Inode(
            number=number, mode=mode, uid=uid | self._number(raw, "H", 120) << 16,
            gid=gid | self._number(raw, "H", 122) << 16, size=size, mtime=mtime, links=links, flags=flags,
            content=raw[40:100], attributes=self._attributes(raw, extra),
        )  # fmt: skip

    def _attributes(self, raw: bytes, extra: int) -> dict[str, bytes]:
        """Read what stands behind the inode's fields, and in the block it names."""
        found: dict[str, bytes] = {}
        try:
            if extra and 128 + extra + 4 <= len(raw):
                found |= parse(raw[128 + extra :], header=4)
            if block := self._number(raw, "I", 104) | self._number(raw, "H", 118) << 32:
                found |= parse(self.read(block, 1), header=32)
        except (struct.error, ValueError) as wrong:
            raise DamagedError(f"extended attributes cannot be read ({wrong})") from wrong
        return found

    def runs(self, inode: Inode) -> list[Run]:
        """Return where an inode's data is, in order; what lies between reads as zeros."""
        limit = -(-inode.size // self.block_size)
        found = self._extents(inode.content, _DEEPEST) if inode.flags & EXTENTS_FLAG else self._indirect(inode, limit)
        runs: list[Run] = []
        end = 0
        for run in found:
            if run.logical < end or run.physical < self._first_block or run.physical + run.count > self.blocks:
                raise DamagedError(f"inode {inode.number} has its data in an impossible place")
            end = run.logical + run.count
            if run.logical < limit:
                runs.append(Run(run.logical, run.physical, min(run.count, limit - run.logical)))
        self.spend(sum(run.count for run in runs))
        return runs

    def _extents(self, node: bytes, deepest: int) -> list[Run]:
        magic, entries, _, depth = struct.unpack_from("<HHHH", node)
        if magic != _EXTENT_MAGIC or depth > deepest or 12 * (entries + 1) > len(node):
            raise DamagedError("an extent tree is malformed")
        found: list[Run] = []
        for at in range(12, 12 * (entries + 1), 12):
            if depth:
                low, high = struct.unpack_from("<IH", node, at + 4)
                self.spend(1)
                found += self._extents(self.read(high << 32 | low, 1), depth - 1)
                continue
            logical, count, high, low = struct.unpack_from("<IHHI", node, at)
            if count <= _UNWRITTEN:
                found.append(Run(logical, high << 32 | low, count))
        return found

    def _indirect(self, inode: Inode, limit: int) -> list[Run]:
        """Follow the block maps of ext2 and ext3."""
        pointers = struct.unpack("<15I", inode.content)
        found: list[Run] = []
        for logical, block in enumerate(pointers[:_DIRECT]):
            _join(found, logical, block)
        per_block = self.block_size // 4
        first = _DIRECT
        for depth, block in enumerate(pointers[_DIRECT:], 1):
            if first < limit:
                self._indirect_block(found, block, depth, first, limit)
            first += per_block**depth
        return found

    def _indirect_block(self, found: list[Run], block: int, depth: int, first: int, limit: int) -> None:
        if not block:
            return
        self.spend(1)
        per_block = self.block_size // 4
        step = per_block ** (depth - 1)
        for index, pointer in enumerate(struct.unpack(f"<{per_block}I", self.read(block, 1))):
            logical = first + index * step
            if logical >= limit:
                return
            if depth == 1:
                _join(found, logical, pointer)
            else:
                self._indirect_block(found, pointer, depth - 1, logical, limit)

    def entries(self, folder: Inode) -> list[tuple[bytes, int]]:
        """Return a folder's (name, inode number), without "." and "..", in order of name."""
        found: dict[bytes, int] = {}
        for run in self.runs(folder):
            for block in range(run.physical, run.physical + run.count):
                data = self.read(block, 1)
                at = 0
                while at + 8 <= len(data):
                    number, length, name_length = struct.unpack_from("<IHB", data, at)
                    length = length or 65536
                    name = data[at + 8 : at + 8 + name_length]
                    if length < 8 + name_length or length % 4 or at + length > len(data):
                        raise DamagedError(f"folder {folder.number} is malformed")
                    if number and name not in {b".", b".."}:
                        if not name or b"/" in name or b"\0" in name or name in found:
                            raise DamagedError(f"folder {folder.number} has an impossible name")
                        found[name] = number
                    at += length
        return sorted(found.items())

    def link_target(self, link: Inode) -> bytes:
        """Return what a symbolic link points to."""
        if link.size < 60 and not link.flags & EXTENTS_FLAG:  # noqa: PLR2004 - as long as i_block
            return link.content[: link.size]
        if link.size > self.block_size:
            raise DamagedError(f"link {link.number} has an impossible length")
        return b"".join(self.read(run.physical, run.count) for run in self.runs(link))[: link.size]


def _join(found: list[Run], logical: int, block: int) -> None:
    """Add one block, to the last run where it goes on from there."""
    if not block:
        return
    if found and found[-1].logical + found[-1].count == logical and found[-1].physical + found[-1].count == block:
        found[-1] = Run(found[-1].logical, found[-1].physical, found[-1].count + 1)
    else:
        found.append(Run(logical, block, 1))
