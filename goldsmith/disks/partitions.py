"""The disk's partitions: BIOS boot, EFI system and, last so that it can grow, the root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from goldsmith.disks.plan import MIB
from goldsmith.disks.tools import run_tool

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.disks.plan import DiskPlan

SECTOR = 512

BIOS_BOOT = UUID("21686148-6449-6e6f-744e-656564454649")
EFI_SYSTEM = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
LINUX_ROOT_X86_64 = UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
"""Partition types: UEFI's, GRUB's, and the Discoverable Partitions Specification's."""


@dataclass(frozen=True)
class Partition:
    """A stretch of the disk in bytes; ``number`` is its entry in the table."""

    number: int
    kind: UUID
    guid: UUID
    name: str
    offset: int
    size: int


@dataclass(frozen=True)
class Layout:
    """Where everything is. The numbers are those of Debian's cloud images: root 1, BIOS boot 14, ESP 15."""

    bios: Partition
    esp: Partition
    root: Partition

    @classmethod
    def of(cls, plan: DiskPlan) -> Layout:
        """Lay out the plan's disk: 1 MiB for the table, 1 for GRUB, up to 64 MiB the ESP, the rest root."""
        root_size = plan.size_bytes - 65 * MIB
        return cls(
            Partition(14, BIOS_BOOT, plan.bios_guid, "bios", MIB, MIB),
            Partition(15, EFI_SYSTEM, plan.esp_guid, "esp", 2 * MIB, 62 * MIB),
            Partition(1, LINUX_ROOT_X86_64, plan.root_guid, "root", 64 * MIB, root_size),
        )


def write_table(plan: DiskPlan, disk: Path) -> Layout:
    """Write the GPT with its protective MBR and its copy at the end; return the layout."""
    layout = Layout.of(plan)
    lines = [f"label: gpt\nlabel-id: {plan.disk_guid}\nunit: sectors\nfirst-lba: 34\n"]
    lines += [
        f"{p.number} : start={p.offset // SECTOR}, size={p.size // SECTOR}, "
        f'type={p.kind}, uuid={p.guid}, name="{p.name}"\n'
        for p in (layout.root, layout.bios, layout.esp)
    ]
    run_tool(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", str(disk)], stdin="".join(lines).encode())
    return layout
