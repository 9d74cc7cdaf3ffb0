"""A disk becomes what a machine boots from over the network: kernel, initramfs and root, in one tar to be served.

The boot loader fetches all three and puts the root into the initramfs, so no driver of a network card is needed
there: iPXE wraps a file that is given a path in a cpio archive (ipxe.org/cmd/initrd), as GRUB does with `newc:`.
"""

from __future__ import annotations

from importlib.resources import files as resources
from typing import TYPE_CHECKING

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.boot import CONSOLES
from goldsmith.disks.bundle import staging, write_bundle
from goldsmith.disks.netboot.cpio import archive
from goldsmith.disks.netboot.kernel import read_kernel
from goldsmith.disks.reading import root_files
from goldsmith.disks.squashfs import write_squashfs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.disks.about import About
    from goldsmith.disks.netboot.kernel import Kernel
    from goldsmith.disks.packing import Packing

COMMAND_LINE = f"boot=goldsmith root=/root.squashfs {CONSOLES}"

_IPXE = f"""\
#!ipxe
kernel vmlinuz initrd=initrd.magic {COMMAND_LINE}
initrd initrd.img
initrd root.squashfs /root.squashfs
boot
"""
"""initrd.magic is what UEFI's kernel stub loads: all of iPXE's initrds as one. A BIOS passes it over."""


def write_netboot(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,
    reuse: Path | None = None,  # noqa: ARG001 - the signature of every format
    packing: Packing | None = None,  # noqa: ARG001 - the same
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write boot.ipxe, cmdline, vmlinuz, initrd.img and root.squashfs as one tar.

    Raises DiskError where the disk has no such kernel, HostToolMissingError without mksquashfs; then no output is left.
    """
    with staging(output) as folder:
        with root_files(raw) as files:
            kernel = read_kernel(files)
        root = folder / "root.squashfs"
        write_squashfs(raw, root, progress=progress)
        members: dict[str, bytes | Path] = {
            "boot.ipxe": _IPXE.encode(),
            "cmdline": f"{COMMAND_LINE}\n".encode(),
            "vmlinuz": kernel.image,
            "initrd.img": initramfs(kernel),
            "root.squashfs": root,
        }
        write_bundle(output, members, about.epoch)


def initramfs(kernel: Kernel) -> bytes:
    """Return the kernel's initramfs and, behind it, what mounts a root that came with it."""
    script = resources("goldsmith.disks.netboot").joinpath("root.sh").read_bytes()
    modules = {f"goldsmith/{at:02}-{name}.ko": module for at, (name, module) in enumerate(kernel.modules)}
    return kernel.initramfs + bytes(-len(kernel.initramfs) % 4) + archive({"scripts/goldsmith": script, **modules})
