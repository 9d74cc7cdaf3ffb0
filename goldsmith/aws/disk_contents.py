"""What can be told of a disk at a glance: how it boots, which system it has, whether cloud-init is in it."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from goldsmith.disks.ext4.reader import MAGIC, ROOT, FileSystem
from goldsmith.disks.plan import DiskError
from goldsmith.disks.tables import SECTOR, read_at, read_table
from goldsmith.pipelines.builders.inventory import os_version

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

EFI_PARTITION = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
BIOS_PARTITION = UUID("21686148-6449-6e6f-744e-656564454649")
_EFI_TYPE = 0xEF
_LARGEST_FOLDER = 4 << 20
_LARGEST_TEXT = 64 << 10
_MOST_ENTRIES = 128


@dataclass(frozen=True)
class Contents:
    """``boot_mode`` is EC2's word, empty where neither firmware finds anything; ``system`` its PRETTY_NAME, if found.

    ``os_version`` is the system in Image Builder's words, as "Debian 12". ``cloud_init`` is None where no root file
    system could be read.
    """

    partitions: int
    boot_mode: str
    system: str = ""
    cloud_init: bool | None = None
    os_version: str = ""

    def __str__(self) -> str:
        boots = {"uefi": "boots by UEFI", "legacy-bios": "boots by BIOS", "uefi-preferred": "boots by UEFI and BIOS"}
        parts = [f"{self.partitions} partitions", boots.get(self.boot_mode, "no boot loader found")]
        if self.system:
            parts.insert(0, self.system)
        if self.cloud_init is not None:
            parts.append("has cloud-init" if self.cloud_init else "has no cloud-init, so no keys or user data")
        return ", ".join(parts)


def examine(raw: Path) -> Contents:
    """Look at a raw disk; it is untrusted, and what cannot be read is left out."""
    with raw.open("rb") as file:
        size = file.seek(0, 2)
        try:
            stretches = read_table(file, size)
        except (DiskError, struct.error):
            return Contents(0, "")
        partitions = [stretch for stretch in stretches if stretch.number]
        release, cloud_init = "", None
        for stretch in stretches:
            if read_at(file, stretch.offset + 1024 + 56, 2) != MAGIC.to_bytes(2, "little"):
                continue
            with suppress(DiskError, OSError, struct.error, ValueError, RecursionError):
                files = FileSystem(file, stretch.offset, stretch.size)
                if _find(files, b"usr") is None:
                    continue
                release = _os_release(files)
                cloud_init = _find(files, b"usr", b"bin", b"cloud-init") is not None
                break
        version = _printable(os_version(release))
        return Contents(len(partitions), _boot_mode(file), _pretty_name(release), cloud_init, version)


def _boot_mode(file: BinaryIO) -> str:
    first = read_at(file, 0, SECTOR)
    kinds = {first[450 + 16 * number] for number in range(4)} if first[510:] == b"\x55\xaa" else set()
    types = _gpt_types(file)
    uefi = EFI_PARTITION in types or _EFI_TYPE in kinds
    bios = first[510:] == b"\x55\xaa" and any(first[:440]) and (not types or BIOS_PARTITION in types)
    return {(True, True): "uefi-preferred", (True, False): "uefi", (False, True): "legacy-bios"}.get((uefi, bios), "")


def _gpt_types(file: BinaryIO) -> set[UUID]:
    header = read_at(file, SECTOR, 92)
    if not header.startswith(b"EFI PART"):
        return set()
    table, count, length = struct.unpack_from("<QII", header, 72)
    if not (128 <= length <= SECTOR * 8 and table < 1 << 48):  # noqa: PLR2004 - GPT's least
        return set()
    entries = (read_at(file, table * SECTOR + number * length, 16) for number in range(min(count, _MOST_ENTRIES)))
    return {UUID(bytes_le=entry) for entry in entries if any(entry)}


def _find(files: FileSystem, *path: bytes) -> int | None:
    """Return the inode of a path whose folders are no links."""
    number = ROOT
    for name in path:
        folder = files.inode(number)
        if folder.size > _LARGEST_FOLDER or folder.kind != 0o040000:  # noqa: PLR2004 - a folder
            return None
        found = dict(files.entries(folder)).get(name)
        if found is None:
            return None
        number = found
    return number


def _os_release(files: FileSystem) -> str:
    number = _find(files, b"usr", b"lib", b"os-release")
    if number is None:
        return ""
    inode = files.inode(number)
    if inode.kind != 0o100000 or inode.size > _LARGEST_TEXT:  # noqa: PLR2004 - a file
        return ""
    text = b"".join(files.read(run.physical, run.count) for run in files.runs(inode))[: inode.size]
    return text.decode(errors="replace")


def _pretty_name(release: str) -> str:
    for line in release.splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            return _printable(value.strip("\"'"))
    return ""


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:100]
