"""A disk becomes what a machine boots from over the network: kernel, initramfs and root, in one tar to be served.

The boot loader fetches all three and puts the root into the initramfs, so no driver of a network card is needed
there. It hands over several initrds as one, whatever it is; a header goes before the root, so that the kernel takes it
for a file of an archive. (iPXE makes such headers itself, but by UEFI only from 2021 on, and Debian 12's is of 2019.)
"""

from __future__ import annotations

from importlib.resources import files as resources
from typing import TYPE_CHECKING

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.boot import CONSOLES
from goldsmith.disks.bundle import staging, write_bundle
from goldsmith.disks.erofs import write_erofs
from goldsmith.disks.netboot.cpio import archive, header
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

_IPXE = """\
#!ipxe
kernel vmlinuz initrd=initrd.img initrd=root.header initrd={root} {command_line}
initrd initrd.img
initrd root.header
initrd {root}
boot
"""
"""UEFI's kernel stub loads what initrd= names, or all at once from a newer iPXE. A BIOS passes it over."""


def write_netboot(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,
    reuse: Path | None = None,  # noqa: ARG001 - the signature of every format
    packing: Packing | None = None,  # noqa: ARG001 - the same
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write boot.ipxe, cmdline, vmlinuz, initrd.img, root.header and root.squashfs as one tar.

    Raises DiskError where the disk has no such kernel, HostToolMissingError without mksquashfs; then no output is left.
    """
    _write(raw, output, "squashfs", write_squashfs, about.epoch, progress)


def write_netboot_erofs(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,
    reuse: Path | None = None,  # noqa: ARG001 - the signature of every format
    packing: Packing | None = None,  # noqa: ARG001 - the same
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the same with root.erofs; raises as `write_netboot` does, for mkfs.erofs."""
    _write(raw, output, "erofs", write_erofs, about.epoch, progress)


def _write(
    raw: Path,
    output: Path,
    kind: str,
    write_root: Callable[..., None],
    epoch: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    with staging(output) as folder:
        with root_files(raw) as files:
            kernel = read_kernel(files, kind)
        root = folder / f"root.{kind}"
        write_root(raw, root, progress=progress)
        command_line = COMMAND_LINE.replace("root.squashfs", root.name)
        members: dict[str, bytes | Path] = {
            "boot.ipxe": _IPXE.format(root=root.name, command_line=command_line).encode(),
            "cmdline": f"{command_line}\n".encode(),
            "vmlinuz": kernel.image,
            "initrd.img": initramfs(kernel),
            "root.header": header(root.name, root.stat().st_size),
            root.name: root,
        }
        write_bundle(output, members, epoch)


def initramfs(kernel: Kernel) -> bytes:
    """Return the kernel's initramfs and, behind it, what mounts a root that came with it."""
    script = resources("goldsmith.disks.netboot").joinpath("root.sh").read_bytes()
    modules = {f"goldsmith/{at:02}-{name}.ko": module for at, (name, module) in enumerate(kernel.modules)}
    return kernel.initramfs + bytes(-len(kernel.initramfs) % 4) + archive({"scripts/goldsmith": script, **modules})
