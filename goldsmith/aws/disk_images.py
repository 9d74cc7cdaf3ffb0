"""Disks in the formats of EC2's imports and exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.disks.containers import CONVERT_SECONDS, require_size, to_raw
from goldsmith.disks.plan import DiskError
from goldsmith.disks.tools import run_tool
from goldsmith.disks.vhd import LARGEST as VHD_LARGEST
from goldsmith.disks.vmdk import write_vmdk

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.disks.containers import Kind

FORMATS: dict[str, Kind] = {"RAW": "raw", "VMDK": "vmdk", "VHD": "vhd", "VHDX": "vhdx", "QCOW2": "qcow2"}
"""EC2's names of formats of one disk, and ours."""

OVA = "OVA"
EXTENSIONS = {"RAW": "raw", "VMDK": "vmdk", "VHD": "vhd"}
"""The formats of exports, and how their files' names end."""


def read_disk(image: Path, kind: Kind, raw: Path) -> None:
    """Make an image's disk ``raw``, sparse; a raw one is moved. Raises DiskError for one that cannot be taken."""
    if kind == "raw":
        require_size(image, image.stat().st_size)
        image.rename(raw)
        return
    to_raw(image, kind, raw)


def write_disk(raw: Path, form: str, image: Path) -> None:
    """Write a raw disk in one of the formats of exports, a VHD dynamic as EC2's; the raw one may be moved away."""
    if form == "RAW":
        raw.rename(image)
    elif form == "VMDK":
        write_vmdk(raw, image)
    else:
        if raw.stat().st_size > VHD_LARGEST:
            raise DiskError("A VHD has at most 2040 GiB.", mend="Export it as VMDK or RAW.")
        argv = ["qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", "subformat=dynamic,force_size=on"]
        run_tool([*argv, f"file:{raw}", f"file:{image}"], timeout=CONVERT_SECONDS)
