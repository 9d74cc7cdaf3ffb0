"""Whether a raw disk from elsewhere can boot here, and what its system lacks: read without mounting anything.

Source: the UEFI specification 5.3 (GPT).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from goldsmith.disks.boot_loaders import firmware_that_starts
from goldsmith.disks.ext4.lookup import names, read
from goldsmith.disks.ext4.reader import ROOT, FileSystem
from goldsmith.disks.findings import Finding
from goldsmith.disks.first_boot import has_cloud_init
from goldsmith.disks.mount_table import look_at_mounts
from goldsmith.disks.plan import DiskError
from goldsmith.disks.reading import content_of, is_ext
from goldsmith.disks.systems import architecture, kernels, look_at_console, pretty_name, release
from goldsmith.disks.tables import SECTOR, read_at, read_table

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from goldsmith.disks.tables import Stretch

LARGEST_STATUS = 64 << 20
"""Bytes of a package manager's database."""


@dataclass(frozen=True)
class Examination:
    """What a disk is. ``firmware`` are those that find a boot loader; ``cloud_init`` is None where nobody can tell."""

    table: str
    partitions: int
    firmware: tuple[str, ...]
    root: str
    architecture: str = ""
    system: str = ""
    kernels: tuple[str, ...] = ()
    cloud_init: bool | None = None
    os_release: str = field(default="", repr=False)
    packages: bytes = field(default=b"", repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What keeps it from booting here."""
        return tuple(each for each in self.findings if each.severity == "error")


def examine(raw: Path) -> Examination:
    """Look at a raw disk. What cannot be read is a finding, never an exception, except OSError of the host's own."""
    with raw.open("rb") as file:
        size = file.seek(0, 2)
        try:
            stretches = read_table(file, size)
        except DiskError as damaged:
            return Examination("damaged", 0, (), "", findings=(Finding("error", damaged.message, damaged.mend),))
        findings: list[Finding] = []
        table = _table(file)
        firmware = firmware_that_starts(raw, file, stretches, findings)
        root, where = _root(file, stretches, findings)
        seen = Examination(table, sum(1 for each in stretches if each.number), firmware, where)
        if root is not None:
            try:
                seen = _with_system(seen, root, file, stretches, findings)
            except (DiskError, struct.error, ValueError, RecursionError) as damaged:
                findings.append(
                    Finding("error", f"The root file system is damaged: {damaged}", "Run e2fsck on the disk.")
                )
        return replace(seen, findings=tuple(findings))


def _table(file: BinaryIO) -> str:
    if read_at(file, SECTOR, 8) == b"EFI PART":
        return "gpt"
    return "mbr" if read_at(file, 510, 2) == b"\x55\xaa" and any(read_at(file, 446, 64)) else "none"


def _root(file: BinaryIO, stretches: list[Stretch], findings: list[Finding]) -> tuple[FileSystem | None, str]:
    held: list[str] = []
    for stretch in stretches:
        kind = content_of(file, stretch)
        held.append(kind)
        if not is_ext(file, stretch):
            continue
        try:
            files = FileSystem(file, stretch.offset, stretch.size)
            if {b"etc", b"usr"} <= names(files, files.inode(ROOT)).keys():
                return files, "ext4"
        except (DiskError, struct.error) as damaged:
            findings.append(Finding("warning", f"Partition {stretch.number} cannot be read: {damaged}", "Run e2fsck."))
            held[-1] = "ext4"
    other = next((each for each in held if each not in {"FAT", "swap"} and not each.startswith("nothing")), "")
    findings.append(
        Finding(
            "warning",
            f"Its root file system is not read here ({other or 'none was found'}): only a boot tells whether it can.",
            "It can be an AMI, but no parentImage: give its root file system as a tar for that.",
        )
    )
    return None, other


def _with_system(
    seen: Examination, root: FileSystem, file: BinaryIO, stretches: list[Stretch], findings: list[Finding]
) -> Examination:
    """Return what was seen with the system of a root file system that can be read."""
    text = release(root)
    built_for = architecture(root, findings)
    found = kernels(root, findings, started=bool(seen.firmware))
    look_at_mounts(root, file, stretches, findings)
    look_at_console(root, findings)
    return replace(
        seen,
        architecture=built_for,
        system=pretty_name(text),
        os_release=text,
        kernels=found,
        cloud_init=has_cloud_init(root, findings),
        packages=read(root, "/var/lib/dpkg/status", LARGEST_STATUS),
    )
