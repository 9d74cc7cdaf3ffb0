"""The formats that a disk can be written in; a later format is one more row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.compressed import write_xz, write_zstd
from goldsmith.disks.glance import write_glance
from goldsmith.disks.incus import write_incus
from goldsmith.disks.netboot.bundle import write_netboot, write_netboot_erofs
from goldsmith.disks.ova import write_ova
from goldsmith.disks.plan import DiskError
from goldsmith.disks.qcow2 import write_qcow2
from goldsmith.disks.raw import write_raw
from goldsmith.disks.root_tar import write_root_tar
from goldsmith.disks.vagrant import write_box
from goldsmith.disks.vhd import write_vhd
from goldsmith.disks.vhdx import write_vhdx
from goldsmith.disks.vmdk import write_sparse_vmdk, write_vmdk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.disks.about import About
    from goldsmith.disks.packing import Packing


class Write(Protocol):
    """Writes a raw disk to ``output``.

    ``about`` is what the format may say of the image, ``reuse`` an earlier output of the format, ``packing`` the
    disk's packing where that has begun; ``progress`` hears (bytes done, of how many).
    """

    def __call__(
        self,
        raw: Path,
        output: Path,
        *,
        about: About = NOTHING_KNOWN,
        reuse: Path | None = None,
        packing: Packing | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Write it; on failure leave no output."""


@dataclass(frozen=True)
class Format:
    """One row: what people call it, its file's suffix, what it is, and how it is written; ``packed`` if compressed."""

    name: str
    suffix: str
    title: str
    write: Write
    packed: bool = True


FORMATS = {
    row.name: row
    for row in (
        Format("qcow2", ".qcow2", "QEMU's image, compressed with zstd", write_qcow2),
        Format("raw", ".raw", "the disk byte for byte, sparse", write_raw, packed=False),
        Format("vmdk", ".vmdk", "VMware's image to import, compressed (streamOptimized)", write_vmdk),
        Format(
            "vmdk-sparse",
            ".sparse.vmdk",
            "VMware's image to run from (monolithicSparse)",
            write_sparse_vmdk,
            packed=False,
        ),
        Format("vhd", ".vhd", "Azure's image, a fixed VHD of whole MiB, sparse", write_vhd, packed=False),
        Format("vhdx", ".vhdx", "Hyper-V's image, dynamic", write_vhdx, packed=False),
        Format("ova", ".ova", "an appliance for VMware", write_ova),
        Format("raw.xz", ".raw.xz", "the disk byte for byte, compressed with xz", write_xz),
        Format("raw.zst", ".raw.zst", "the disk byte for byte, compressed with zstd", write_zstd),
        Format("root-tar", ".root.tar.zst", "the root file system, for containers and chroots", write_root_tar),
        Format("netboot", ".netboot.tar", "kernel, initramfs and root to boot from by iPXE", write_netboot),
        Format("netboot-erofs", ".netboot.tar", "the same with an EROFS as its root", write_netboot_erofs),
        Format("box", ".box", "Vagrant's box for libvirt", write_box),
        Format("incus", ".incus.tar", "a simplestreams tree for Incus, machine and container", write_incus),
        Format("glance", ".glance.tar", "OpenStack's image with its properties", write_glance),
    )
}


def named(name: str) -> Format:
    """Return the format of that name; raise DiskError with the names there are."""
    if name not in FORMATS:
        raise DiskError(f'There is no disk format "{name}".', mend=f"Choose from: {', '.join(FORMATS)}.")
    return FORMATS[name]
