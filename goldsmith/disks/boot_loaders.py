"""What a firmware would start of a disk from elsewhere: a loader on an ESP, or boot code for BIOS.

Source: the UEFI specification 3.5.1.1 (removable media).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.disks.findings import Finding
from goldsmith.disks.plan import DiskError
from goldsmith.disks.reading import is_fat
from goldsmith.disks.tables import read_at
from goldsmith.disks.tools import run_tool

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from goldsmith.disks.tables import Stretch

TOOL_SECONDS = 60
_BOOT_CODE = 440
_LOADER = "BOOTX64.EFI"
_OTHER_LOADER = "BOOTAA64.EFI"


def firmware_that_starts(
    raw: Path, file: BinaryIO, stretches: list[Stretch], findings: list[Finding]
) -> tuple[str, ...]:
    """Return the firmwares, uefi and bios, that find something to start; say why where none does."""
    loaders = {name for stretch in stretches if is_fat(file, stretch) for name in _loaders(raw, stretch)}
    found = ["uefi"] if _LOADER in loaders else []
    if any(read_at(file, 0, _BOOT_CODE)) and read_at(file, 510, 2) == b"\x55\xaa" and not is_fat(file, stretches[0]):
        found.append("bios")
    if _OTHER_LOADER in loaders and not found:
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
