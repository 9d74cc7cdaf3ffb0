"""Whether a raw disk from elsewhere can boot here, and what its system lacks: read without mounting anything.

Sources: the UEFI specification 3.5.1.1 (removable media), 5.3 (GPT); fstab(5); cloud-init's ds-identify.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from goldsmith.disks.ext4.lookup import find, names, read
from goldsmith.disks.ext4.reader import MAGIC, ROOT, FileSystem
from goldsmith.disks.plan import DiskError
from goldsmith.disks.reading import content_of
from goldsmith.disks.tables import SECTOR, read_at, read_table
from goldsmith.disks.tools import run_tool

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from goldsmith.disks.tables import Stretch

LARGEST_TEXT = 256 << 10
LARGEST_STATUS = 64 << 20
TOOL_SECONDS = 60
_BOOT_CODE = 440
_LOADER = "BOOTX64.EFI"
_MACHINES = {62: "x86_64", 183: "arm64", 3: "i386"}
_DRIVERS = ("virtio_blk", "virtio_net", "virtio_pci")

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """What is wrong with a disk: an ``error`` keeps it from booting here, a ``warning`` does not."""

    severity: Severity
    message: str
    mend: str


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
        firmware = _firmware(raw, file, stretches, findings)
        root, where = _root(file, stretches, findings)
        partitions = sum(1 for each in stretches if each.number)
        if root is None:
            return Examination(table, partitions, firmware, where, findings=tuple(findings))
        try:
            return _system(root, file, stretches, Examination(table, partitions, firmware, where), findings)
        except (DiskError, struct.error, ValueError, RecursionError) as damaged:
            findings.append(Finding("error", f"The root file system is damaged: {damaged}", "Run e2fsck on the disk."))
            return Examination(table, partitions, firmware, where, findings=tuple(findings))


def _table(file: BinaryIO) -> str:
    if read_at(file, SECTOR, 8) == b"EFI PART":
        return "gpt"
    return "mbr" if read_at(file, 510, 2) == b"\x55\xaa" and any(read_at(file, 446, 64)) else "none"


def _firmware(raw: Path, file: BinaryIO, stretches: list[Stretch], findings: list[Finding]) -> tuple[str, ...]:
    """Return the firmwares that find something to start; say why where none does."""
    loaders = {name for stretch in stretches if _is_fat(file, stretch) for name in _loaders(raw, stretch)}
    found = ["uefi"] if _LOADER in loaders else []
    if any(read_at(file, 0, _BOOT_CODE)) and read_at(file, 510, 2) == b"\x55\xaa" and not _is_fat(file, stretches[0]):
        found.append("bios")
    if "BOOTAA64.EFI" in loaders and not found:
        findings.append(
            Finding("error", "Its boot loader is for arm64, and machines here are x86_64.", "Take its x86_64 edition.")
        )
    elif not found:
        findings.append(
            Finding(
                "error",
                "It has no boot loader: neither EFI/BOOT/BOOTX64.EFI on an ESP nor boot code for BIOS.",
                "Install GRUB with --removable, or give its root file system as a tar to build on.",
            )
        )
    return tuple(found)


def _is_fat(file: BinaryIO, stretch: Stretch) -> bool:
    head = read_at(file, stretch.offset, SECTOR)
    return head[0x52:0x57] == b"FAT32" or head[0x36:0x39] == b"FAT"


def _loaders(raw: Path, stretch: Stretch) -> set[str]:
    """Return the names in EFI/BOOT of a FAT volume, as mtools reads them."""
    try:
        said = run_tool(
            ["mdir", "-b", "-i", f"{raw}@@{stretch.offset}", "::/EFI/BOOT"],
            env={"MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": "/dev/null"},
            timeout=TOOL_SECONDS,
        )
    except DiskError:
        return set()
    return {line.rpartition("/")[2].strip().upper() for line in said.decode(errors="replace").splitlines()}


def _root(file: BinaryIO, stretches: list[Stretch], findings: list[Finding]) -> tuple[FileSystem | None, str]:
    held: list[str] = []
    for stretch in stretches:
        kind = content_of(file, stretch)
        held.append(kind)
        if read_at(file, stretch.offset + 1024 + 56, 2) != MAGIC.to_bytes(2, "little"):
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


def _system(
    root: FileSystem, file: BinaryIO, stretches: list[Stretch], seen: Examination, findings: list[Finding]
) -> Examination:
    """Look at the system of a root file system that can be read."""
    architecture = _architecture(root)
    if architecture and architecture != "x86_64":
        findings.append(
            Finding(
                "error",
                f"Its programs are for {architecture}, and machines here are x86_64.",
                "Take its x86_64 edition.",
            )
        )
    boot = names(root, find(root, "/boot"))
    kernels = tuple(sorted(_text(name)[8:] for name in boot if name.startswith(b"vmlinuz-")))
    if not kernels and b"vmlinuz" not in boot and find(root, "/vmlinuz") is None and seen.firmware:
        findings.append(
            Finding(
                "warning",
                "No kernel is in /boot of its root file system.",
                "It boots only if another partition has one.",
            )
        )
    _look_at_drivers(root, kernels, findings)
    _look_at_fstab(root, file, stretches, findings)
    menu = read(root, "/boot/grub/grub.cfg", LARGEST_TEXT)
    if menu and b"console=ttyS0" not in menu:
        findings.append(
            Finding(
                "warning",
                "Its kernel says nothing on the serial console.",
                "Add console=ttyS0,115200 to its command line.",
            )
        )
    release = read(root, "/etc/os-release", LARGEST_TEXT).decode(errors="replace")
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', release, re.MULTILINE)
    return Examination(
        seen.table, seen.partitions, seen.firmware, seen.root,
        architecture=architecture,
        system=_printable(name[1]) if name else "",
        kernels=kernels,
        cloud_init=_cloud_init(root, findings),
        packages=read(root, "/var/lib/dpkg/status", LARGEST_STATUS),
        findings=tuple(findings),
    )  # fmt: skip


def _architecture(root: FileSystem) -> str:
    head = read(root, "/bin/sh", 20)
    if len(head) < 20 or not head.startswith(b"\x7fELF"):  # noqa: PLR2004 - up to e_machine
        return ""
    machine = int(struct.unpack_from("<H", head, 18)[0])
    return _MACHINES.get(machine, f"ELF machine {machine}")


def _look_at_drivers(root: FileSystem, kernels: tuple[str, ...], findings: list[Finding]) -> None:
    for kernel in kernels:
        folder = f"/lib/modules/{kernel}"
        known = read(root, f"{folder}/modules.builtin", 1 << 20) + read(root, f"{folder}/modules.dep", 8 << 20)
        lacking = [name for name in _DRIVERS if known and f"/{name}.ko".encode() not in known]
        if lacking:
            findings.append(
                Finding(
                    "warning",
                    f"The kernel {kernel} has no driver {', '.join(lacking)}.",
                    "Install a full kernel package.",
                )
            )


def _look_at_fstab(root: FileSystem, file: BinaryIO, stretches: list[Stretch], findings: list[Finding]) -> None:
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
                    f"/etc/fstab names {_printable(words[0])} for {_printable(words[1])}, which is not on the disk.",
                    "Remove the line, or add nofail to it.",
                )
            )


def _identifiers(file: BinaryIO, stretch: Stretch) -> list[str]:
    """Return the UUIDs by which a file system is known, in small letters."""
    found = []
    if read_at(file, stretch.offset + 1024 + 56, 2) == MAGIC.to_bytes(2, "little"):
        found.append(str(UUID(bytes=read_at(file, stretch.offset + 1024 + 104, 16))))
    head = read_at(file, stretch.offset, SECTOR)
    if _is_fat(file, stretch):
        at = 0x43 if head[0x52:0x57] == b"FAT32" else 0x27
        serial = int.from_bytes(head[at : at + 4], "little")
        found.append(f"{serial >> 16:04x}-{serial & 0xFFFF:04x}")
    if head.startswith(b"XFSB"):
        found.append(str(UUID(bytes=head[32:48])))
    if read_at(file, stretch.offset + 0xFF6, 10) == b"SWAPSPACE2":
        found.append(str(UUID(bytes=read_at(file, stretch.offset + 0x40C, 16))))
    return found


def _cloud_init(root: FileSystem, findings: list[Finding]) -> bool:
    if find(root, "/usr/bin/cloud-init") is None:
        findings.append(
            Finding(
                "warning",
                "It has no cloud-init: instances get no keys, no names and no user data.",
                "Install cloud-init in it.",
            )
        )
        return False
    if find(root, "/etc/cloud/cloud-init.disabled") is not None:
        findings.append(Finding("warning", "Its cloud-init is turned off.", "Remove /etc/cloud/cloud-init.disabled."))
        return False
    sources = _data_sources(root)
    if sources and "ec2" not in sources:
        findings.append(
            Finding(
                "warning",
                f"Its cloud-init does not look for Ec2: {_printable(', '.join(sources))}.",
                "Add Ec2 to datasource_list.",
            )
        )
        return False
    return True


def _data_sources(root: FileSystem) -> list[str]:
    """Return the data sources that cloud-init is told to look for, in small letters; none for all."""
    folder = "/etc/cloud/cloud.cfg.d"
    configured = sorted(_text(name) for name in names(root, find(root, folder)) if name.endswith(b".cfg"))
    said = ""
    for path in ["/etc/cloud/cloud.cfg", *(f"{folder}/{name}" for name in configured[:256])]:
        text = read(root, path, LARGEST_TEXT).decode(errors="replace")
        for match in re.finditer(r"^datasource_list:\s*\[([^\]]*)\]", text, re.MULTILINE):
            said = match[1]
    return [word.strip(" '\"\n").lower() for word in said.split(",") if word.strip()]


def _text(name: bytes) -> str:
    return _printable(name.decode(errors="replace"))


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:120]
