"""The partitions of a disk from elsewhere: GPT, MBR with its logical partitions, or none at all.

Sources: the UEFI specification 5.3 for GPT; the disk is untrusted, so every number is held against its size.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.disks.plan import DiskError

if TYPE_CHECKING:
    from typing import BinaryIO

SECTOR = 512
_SIGNATURE = b"\x55\xaa"
_PROTECTIVE = 0xEE
_EXTENDED = {0x05, 0x0F, 0x85}
_MOST_ENTRIES = 1024
_MOST_LOGICAL = 256


@dataclass(frozen=True)
class Stretch:
    """A partition, in bytes, as it lies on the disk; ``number`` 0 is the whole disk."""

    number: int
    offset: int
    size: int


def read_table(disk: BinaryIO, size: int) -> list[Stretch]:
    """Return the partitions that lie within the disk of ``size`` bytes; the whole disk where there is no table."""
    first = read_at(disk, 0, SECTOR)
    found: list[Stretch] = []
    if first[510:] == _SIGNATURE:
        entries = [struct.unpack("<4xB3xII", first[446 + 16 * n : 462 + 16 * n]) for n in range(4)]
        protective = any(kind == _PROTECTIVE for kind, _, _ in entries)
        found = _gpt(disk, size) if protective else _mbr(disk, entries)
    within = [s for s in found if s.size > 0 and s.offset >= SECTOR and s.offset + s.size <= size]
    return within or [Stretch(0, 0, size)]


def read_at(disk: BinaryIO, offset: int, length: int) -> bytes:
    """Return ``length`` bytes at ``offset``, zeros where the disk has ended."""
    disk.seek(offset)
    return disk.read(length).ljust(length, b"\0")


def _gpt(disk: BinaryIO, size: int) -> list[Stretch]:
    header = read_at(disk, SECTOR, 92)
    if not header.startswith(b"EFI PART"):
        raise DiskError("The disk's partition table (GPT) is damaged.", mend="Repair it with sgdisk or gdisk.")
    table, count, length = struct.unpack_from("<QII", header, 72)
    if not (128 <= length <= SECTOR * 8 and count <= _MOST_ENTRIES and table * SECTOR < size):  # noqa: PLR2004 - GPT's least
        raise DiskError("The disk's partition table (GPT) is damaged.", mend="Repair it with sgdisk or gdisk.")
    found = []
    for number in range(count):
        entry = read_at(disk, table * SECTOR + number * length, 128)
        if any(entry[:16]):
            begin, last = struct.unpack_from("<QQ", entry, 32)
            found.append(Stretch(number + 1, begin * SECTOR, (last - begin + 1) * SECTOR))
    return found


def _mbr(disk: BinaryIO, entries: list[tuple[int, int, int]]) -> list[Stretch]:
    found = []
    for number, (kind, begin, count) in enumerate(entries, 1):
        if kind in _EXTENDED:
            found += _logical(disk, begin)
        elif kind:
            found.append(Stretch(number, begin * SECTOR, count * SECTOR))
    return found


def _logical(disk: BinaryIO, extended: int) -> list[Stretch]:
    """Follow the chain of logical partitions, for as long as any real one would be."""
    found = []
    at = extended
    for number in range(5, 5 + _MOST_LOGICAL):
        sector = read_at(disk, at * SECTOR, SECTOR)
        if sector[510:] != _SIGNATURE:
            break
        kind, begin, count = struct.unpack("<4xB3xII", sector[446:462])
        if kind:
            found.append(Stretch(number, (at + begin) * SECTOR, count * SECTOR))
        following, next_begin = struct.unpack("<4xB3xI4x", sector[462:478])
        if following not in _EXTENDED:
            break
        at = extended + next_begin
    return found
