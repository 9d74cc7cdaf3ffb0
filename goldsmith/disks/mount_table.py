"""The file systems that /etc/fstab of a disk from elsewhere waits for, held against those that are on it.

Source: fstab(5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from goldsmith.disks.ext4.lookup import LARGEST_TEXT, read
from goldsmith.disks.findings import Finding, printable
from goldsmith.disks.reading import is_ext, is_fat
from goldsmith.disks.tables import SECTOR, read_at

if TYPE_CHECKING:
    from typing import BinaryIO

    from goldsmith.disks.ext4.reader import FileSystem
    from goldsmith.disks.tables import Stretch


def look_at_mounts(root: FileSystem, file: BinaryIO, stretches: list[Stretch], findings: list[Finding]) -> None:
    """Report the file systems that a boot would wait for in vain."""
    there = {identifier for stretch in stretches for identifier in _identifiers(file, stretch)}
    for line in read(root, "/etc/fstab", LARGEST_TEXT).decode(errors="replace").splitlines():
        words = line.partition("#")[0].split()
        if len(words) < 4 or not words[0].startswith("UUID="):  # noqa: PLR2004 - what, where, kind, options
            continue
        identifier = words[0][5:].strip('"').lower()
        if identifier not in there and not {"nofail", "noauto"} & set(words[3].split(",")):
            findings.append(
                Finding(
                    "error" if words[1] == "/" else "warning",
                    f"/etc/fstab names {printable(words[0])} for {printable(words[1])}, which is not on the disk.",
                    "Remove the line, or add nofail to it.",
                )
            )


def _identifiers(file: BinaryIO, stretch: Stretch) -> list[str]:
    """Return the UUIDs by which a file system is known, in small letters."""
    found = []
    if is_ext(file, stretch):
        found.append(str(UUID(bytes=read_at(file, stretch.offset + 1024 + 104, 16))))
    head = read_at(file, stretch.offset, SECTOR)
    if is_fat(file, stretch):
        at = 0x43 if head[0x52:0x57] == b"FAT32" else 0x27
        serial = int.from_bytes(head[at : at + 4], "little")
        found.append(f"{serial >> 16:04x}-{serial & 0xFFFF:04x}")
    if head.startswith(b"XFSB"):
        found.append(str(UUID(bytes=head[32:48])))
    if read_at(file, stretch.offset + 0xFF6, 10) == b"SWAPSPACE2":
        found.append(str(UUID(bytes=read_at(file, stretch.offset + 0x40C, 16))))
    return found
