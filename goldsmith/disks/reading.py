"""A disk becomes a tree again: its root file system as a tar, without mounting it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from goldsmith.disks.containers import to_raw
from goldsmith.disks.ext4.export import export
from goldsmith.disks.ext4.reader import MAGIC, ROOT, FileSystem
from goldsmith.disks.plan import DiskError
from goldsmith.disks.tables import SECTOR, read_at, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from goldsmith.disks.containers import Kind
    from goldsmith.disks.tables import Stretch

_MARKS = (
    (0, b"XFSB", "XFS"),
    (0x10040, b"_BHRfS_M", "Btrfs"),
    (0x200, b"LABELONE", "LVM"),
    (0, b"LUKS\xba\xbe", "LUKS encryption"),
    (0, b"hsqs", "SquashFS"),
    (0x400, b"\x10\x20\xf5\xf2", "F2FS"),
    (3, b"NTFS", "NTFS"),
    (0xFF6, b"SWAPSPACE2", "swap"),
    (0x52, b"FAT32", "FAT"),
    (0x36, b"FAT", "FAT"),
)
"""Where a file system or what holds one says its name: (bytes from its begin, what stands there, what it is)."""

_SYSTEM = (b"etc", b"usr")


def export_tar(disk: Path, kind: Kind, out: BinaryIO, *, devices: bool = True, scratch: Path | None = None) -> None:
    """Write the root file system of ``disk`` to ``out`` as a tar, for `tar -x --xattrs --xattrs-include='*'`.

    ``kind`` is never guessed. Without ``devices`` device nodes are left out. ``scratch`` is a folder with room for
    the disk as a sparse raw file. Raises DiskError in a sentence: what the disk has instead of an ext2, ext3 or ext4
    root, that it names other files, or is damaged.
    """
    if kind == "raw":
        _export_raw(disk, disk, out, devices=devices)
        return
    with TemporaryDirectory(prefix="goldsmith-disk-", dir=scratch) as folder:
        raw = Path(folder) / "disk.raw"
        to_raw(disk, kind, raw)
        _export_raw(disk, raw, out, devices=devices)


@contextmanager
def root_files(raw: Path) -> Iterator[FileSystem]:
    """Give the root file system of a raw disk, to look into; raises as `export_tar` does."""
    with raw.open("rb") as file:
        size = file.seek(0, 2)
        yield _root(raw, file, read_table(file, size))


def _export_raw(disk: Path, raw: Path, out: BinaryIO, *, devices: bool) -> None:
    with raw.open("rb") as file:
        size = file.seek(0, 2)
        stretches = read_table(file, size)
        export(_root(disk, file, stretches), out, devices=devices)


def _root(disk: Path, file: BinaryIO, stretches: list[Stretch]) -> FileSystem:
    """Return the first ext file system that has an operating system's folders."""
    refused: DiskError | None = None
    for stretch in stretches:
        if not is_ext(file, stretch):
            continue
        try:
            files = FileSystem(file, stretch.offset, stretch.size)
            names = {name for name, _ in files.entries(files.inode(ROOT))}
        except DiskError as wrong:
            refused = wrong
            continue
        if names.issuperset(_SYSTEM):
            return files
    if refused:
        raise refused
    found = [f"{_where(stretch)}: {content_of(file, stretch)}" for stretch in stretches]
    raise DiskError(
        f"{disk} has no root file system of the kind ext2, ext3 or ext4. It has {'; '.join(found)}.",
        mend="Give the root file system as a tar instead: parentImage may name one.",
    )


def _where(stretch: Stretch) -> str:
    return f"partition {stretch.number}" if stretch.number else "the whole disk"


def content_of(file: BinaryIO, stretch: Stretch) -> str:
    """Return what a partition holds."""
    with suppress(OSError):
        for at, mark, name in _MARKS:
            if read_at(file, stretch.offset + at, len(mark)) == mark:
                return name
        if is_ext(file, stretch):
            return "an ext file system without a system in it"
    return "nothing that is known here"


def is_ext(file: BinaryIO, stretch: Stretch) -> bool:
    """Return whether a partition holds a file system of the kind ext2, ext3 or ext4."""
    return read_at(file, stretch.offset + 1024 + 56, 2) == MAGIC.to_bytes(2, "little")


def is_fat(file: BinaryIO, stretch: Stretch) -> bool:
    """Return whether a partition holds a FAT file system, as an ESP does."""
    head = read_at(file, stretch.offset, SECTOR)
    return head[0x52:0x57] == b"FAT32" or head[0x36:0x39] == b"FAT"
