"""Disks in the formats that people bring and take: raw, VMDK, VHD, VHDX, qcow2, and OVA with several of them.

What is brought is hostile: its format is told and never guessed, no format's way of naming other files is followed,
and what comes of it is held against the room there is before it is written.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from typing import TYPE_CHECKING

from goldsmith.disks.containers import CONVERT_SECONDS, LARGEST, to_raw
from goldsmith.disks.plan import GIB, DiskError
from goldsmith.disks.tools import run_tool

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.disks.containers import Kind

FORMATS = {"RAW": "raw", "VMDK": "vmdk", "VHD": "vpc", "VHDX": "vhdx", "QCOW2": "qcow2"}
"""EC2's names of formats, and QEMU's."""

OVA = "OVA"
EXTENSIONS = {"RAW": "raw", "VMDK": "vmdk", "VHD": "vhd"}
"""The formats of exports, and how their files' names end."""

INFO_SECONDS = 60
SPARE = GIB
"""Bytes of the host's disk that no conversion takes."""

_CHECKED_BY_HEADER: dict[str, Kind] = {"raw": "raw", "vmdk": "vmdk", "qcow2": "qcow2"}
_DIFFERENCING = 4
_VHD_LARGEST = 2040 * GIB


def read_disk(image: Path, kind: str, raw: Path) -> None:
    """Write an image's disk to ``raw``, sparse. Raises DiskError in a sentence for one that cannot be taken."""
    header = _CHECKED_BY_HEADER.get(kind)
    if header == "raw":
        _require_size(image, image.stat().st_size)
        image.rename(raw)
        return
    if header is None:
        _require_whole(image, kind)
    else:
        _require_header(image, kind)
    _require_room(image, kind, raw)
    if header:
        to_raw(image, header, raw)
        return
    argv = ["qemu-img", "convert", "-f", kind, "-O", "raw", "-S", "4k", f"file:{image}", str(raw)]
    run_tool(argv, timeout=CONVERT_SECONDS)


def write_disk(raw: Path, form: str, image: Path) -> None:
    """Write a raw disk in one of the formats of exports; the raw one may be moved away."""
    if form == "RAW":
        raw.rename(image)
        return
    if form == "VHD" and raw.stat().st_size > _VHD_LARGEST:
        raise DiskError("A VHD has at most 2040 GiB.", mend="Export it as VMDK or RAW.")
    options = {"VMDK": "subformat=streamOptimized", "VHD": "subformat=dynamic,force_size=on"}[form]
    argv = ["qemu-img", "convert", "-f", "raw", "-O", FORMATS[form], "-o", options, f"file:{raw}", f"file:{image}"]
    run_tool(argv, timeout=CONVERT_SECONDS)


def _require_header(image: Path, kind: str) -> None:
    """Refuse what names other files before QEMU opens it for the first time; `to_raw` looks more closely."""
    with image.open("rb") as file:
        head = file.read(20 << 10)
    if kind == "vmdk" and (not head.startswith(b"KDMV") or b"parentFileNameHint" in head):
        raise _not_whole(image)
    if kind == "qcow2":
        if not head.startswith(b"QFI\xfb") or len(head) < 104:  # noqa: PLR2004 - the header's length
            raise DiskError("The file is not a qcow2 image.", mend="Name its format.")
        version, backing = struct.unpack_from(">IQ", head, 4)
        features = struct.unpack_from(">Q", head, 72)[0] if version > 2 else 0  # noqa: PLR2004 - from version 3 on
        if backing or features & 1 << 2:
            raise _not_whole(image)


def _require_whole(image: Path, kind: str) -> None:
    """Refuse a VHD or VHDX that needs another one. QEMU reads no parents of either, and would show zeros."""
    if kind == "vpc":
        with image.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 512))
            footer = file.read(512)
        if not footer.startswith(b"conectix"):
            raise DiskError("The file is not a VHD: its footer is missing.", mend="Name its format.")
        if struct.unpack_from(">I", footer, 60)[0] == _DIFFERENCING:
            raise _not_whole(image)
    found = json.loads(
        run_tool(["qemu-img", "info", "-f", kind, "--output=json", f"file:{image}"], timeout=INFO_SECONDS)
    )
    if found.get("backing-filename") or found.get("full-backing-filename"):
        raise _not_whole(image)
    _require_size(image, int(found["virtual-size"]))


def _require_room(image: Path, kind: str, raw: Path) -> None:
    """Refuse a disk that does not fit: what it takes is what a qcow2 of it would, holes left out."""
    measured = json.loads(
        run_tool(
            ["qemu-img", "measure", "-f", kind, "-O", "qcow2", "--output=json", f"file:{image}"], timeout=INFO_SECONDS
        )
    )
    free = shutil.disk_usage(raw.parent).free - SPARE
    if int(measured["required"]) > free:
        raise DiskError(
            f"The disk takes {int(measured['required']) >> 20} MiB, and there are {max(0, free) >> 20} MiB for it.",
            mend=f"Free some on the disk of {raw.parent}.",
        )


def _require_size(image: Path, size: int) -> None:
    if not 0 < size <= LARGEST:
        raise DiskError(
            f"A disk of {size} bytes cannot be taken.", mend=f"Disks have from 1 byte to {LARGEST // GIB} GiB."
        )


def _not_whole(image: Path) -> DiskError:
    return DiskError(
        "The disk image refers to other files, which are not followed.",
        mend=f"Make it whole where those are: qemu-img convert -O qcow2 {image.name} whole.qcow2",
    )
