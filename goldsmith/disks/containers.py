"""Disk images from elsewhere: held against what they could name on this host, then turned into a raw disk.

An image can name other files (a backing file, a data file, another extent), which QEMU would open and copy. So their
headers are read here first, and QEMU is told the format rather than left to guess. Formats: QEMU's
docs/interop/qcow2.txt, and VMware's Virtual Disk Format 5.0.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Literal

from goldsmith.disks.plan import GIB, DiskError
from goldsmith.disks.tools import run_tool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Kind = Literal["qcow2", "raw", "vmdk"]
KINDS: tuple[Kind, ...] = ("qcow2", "raw", "vmdk")

LARGEST = 1024 * GIB
CONVERT_SECONDS = 1800

_QCOW2_KNOWN_FEATURES = 1 << 0 | 1 << 3 | 1 << 4  # dirty, compression type, extended L2 entries
_VMDK_DESCRIPTOR_BYTES = 20 * 512
_SECTOR = 512
_HEADER = 4096


def to_raw(image: Path, kind: Kind, output: Path) -> None:
    """Write the image as a sparse raw disk to ``output``; raise DiskError when it names other files or is too large."""
    with image.open("rb") as file:
        header = file.read(_HEADER)
        size = _CHECKS[kind](image, header)
        if kind == "vmdk":
            file.seek(_SECTOR)
            _refuse_parent(image, file.read(_VMDK_DESCRIPTOR_BYTES))
    if size > LARGEST:
        raise DiskError(
            f"{image} is a disk of {size // GIB} GiB, more than the {LARGEST // GIB} GiB that are read.",
            mend="Shrink it first, or give the root file system as a tar.",
        )
    run_tool(
        ["qemu-img", "convert", "-f", kind, "-O", "raw", "-S", "4k", f"file:{os.path.abspath(image)}",  # noqa: PTH100 - links stay
         str(output)],
        timeout=CONVERT_SECONDS,
    )  # fmt: skip


def _raw_size(image: Path, header: bytes) -> int:  # noqa: ARG001 - a raw disk has no header
    return image.stat().st_size


def _qcow2_size(image: Path, header: bytes) -> int:
    """Return the virtual size; refuse what is not whole in itself."""
    if len(header) < 104 or not header.startswith(b"QFI\xfb"):  # noqa: PLR2004 - the header's length
        raise _not_a(image, "qcow2")
    version, backing, _, _, size, encryption = struct.unpack_from(">IQIIQI", header, 4)
    features = struct.unpack_from(">Q", header, 72)[0] if version > 2 else 0  # noqa: PLR2004 - from version 3 on
    if backing:
        raise _not_whole(image, "a backing file", f"qemu-img convert -O qcow2 {image} whole.qcow2")
    if encryption:
        raise DiskError(f"{image} is encrypted.", mend="Decrypt it with qemu-img convert first.")
    if features & ~_QCOW2_KNOWN_FEATURES:
        raise _not_whole(
            image, "a data file or a feature not known here", f"qemu-img convert -O qcow2 {image} whole.qcow2"
        )
    return int(size)


def _vmdk_size(image: Path, header: bytes) -> int:
    """Return the virtual size; only images in one file are read, as others name files to be opened."""
    if not header.startswith(b"KDMV"):
        if b"# Disk DescriptorFile" in header[:_SECTOR]:
            raise _not_whole(image, "other files as its extents", f"qemu-img convert -O qcow2 {image} whole.qcow2")
        raise _not_a(image, "vmdk")
    return int(struct.unpack_from("<Q", header, 12)[0]) * _SECTOR


def _refuse_parent(image: Path, descriptor: bytes) -> None:
    if b"parentFileNameHint" in descriptor:
        raise _not_whole(image, "a parent disk", f"qemu-img convert -O qcow2 {image} whole.qcow2")


def _not_a(image: Path, kind: str) -> DiskError:
    return DiskError(f"{image} is not a {kind} image.", mend="Name the file with the suffix of what it is.")


def _not_whole(image: Path, what: str, command: str) -> DiskError:
    return DiskError(
        f"{image} refers to {what}, and an image may name any file of this host.",
        mend=f"If you trust it, make it whole: {command}",
    )


_CHECKS: dict[Kind, Callable[[Path, bytes], int]] = {"raw": _raw_size, "qcow2": _qcow2_size, "vmdk": _vmdk_size}
