"""What EC2's import tells of a disk at a glance: how it boots, which system it has, whether cloud-init is in it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from goldsmith.disks import examining
from goldsmith.disks.tables import SECTOR, read_at
from goldsmith.pipelines.builders.inventory import os_version

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

EFI_PARTITION = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
BIOS_PARTITION = UUID("21686148-6449-6e6f-744e-656564454649")
_EFI_TYPE = 0xEF
_MOST_ENTRIES = 128


@dataclass(frozen=True)
class Contents:
    """``boot_mode`` is EC2's word, empty where the disk is made for neither firmware; ``system`` its PRETTY_NAME.

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
            parts.append("has cloud-init" if self.cloud_init else "has no cloud-init for EC2, so no keys or user data")
        return ", ".join(parts)


def examine(raw: Path) -> Contents:
    """Look at a raw disk; it is untrusted, and what cannot be read is left out."""
    seen = examining.examine(raw)
    version = "".join(letter for letter in os_version(seen.os_release) if letter.isprintable())[:100]
    with raw.open("rb") as file:
        return Contents(seen.partitions, _boot_mode(file), seen.system, seen.cloud_init, version)


def _boot_mode(file: BinaryIO) -> str:
    """Return the firmwares that the partitions' types are for: a loader of another kind than ours may be on them."""
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
