"""Disks from elsewhere, in every format that people bring, become sparse raw disks.

What is brought is hostile: its format is told, or found by us, and never guessed by QEMU; what an image names of other
files is refused before QEMU opens it; and what comes of it is held against the room there is before it is written.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Literal, get_args

from goldsmith.disks import headers
from goldsmith.disks.appliances import machine_disks
from goldsmith.disks.brought import Brought
from goldsmith.disks.plan import GIB, DiskError
from goldsmith.disks.room import require_room
from goldsmith.disks.tools import run_tool
from goldsmith.disks.unpacking import beginning, unpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.guests.process import Stream

Kind = Literal["qcow2", "raw", "vmdk", "vhd", "vhdx", "ova", "raw.xz", "raw.zst"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LARGEST = 1024 * GIB
CONVERT_SECONDS = 1800
_INFO_SECONDS = 60
_PERCENT = re.compile(rb"\((\d+\.\d+)/100%\)")
"""How `qemu-img convert -p` tells how far it is."""

_XZ, _ZSTD, _GZIP, _BZIP2 = b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x1f\x8b", b"BZh"
_TAR_AT, _TAR = 257, b"ustar"
_RAW_MARKS = ((510, b"\x55\xaa"), (512, b"EFI PART"), (1080, b"\x53\xef"))
"""A raw disk's own: a boot sector's end, a GPT, an ext file system without partitions."""

_MAGICS = (
    (headers.QCOW2, "qcow2"), (headers.VMDK, "vmdk"), (headers.VMDK_TEXT, "vmdk"), (headers.VHDX, "vhdx"),
    (headers.VHD, "vhd"), (_GZIP, "tar"), (_BZIP2, "tar"),
)  # fmt: skip


def to_raw(image: Path, kind: Kind, output: Path, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Write the image's disk as a sparse raw disk to ``output``, which may be there already.

    Raises DiskError for one that names other files, is too large, does not fit, or is damaged. An appliance must
    have one disk. ``progress`` hears (bytes done, of how many): of the file where it is compressed as a whole, of the
    disk otherwise.
    """
    if kind == "ova":
        disks = machine_disks(image)
        if len(disks) > 1:
            raise DiskError(
                f"{image} is an appliance with {len(disks)} disks, and one is wanted.",
                mend="Unpack it with tar, and name the VMDK of the system.",
            )
        _convert(disks[0], "vmdk", output, progress)
    elif kind in {"raw.xz", "raw.zst"}:
        unpack(image, kind, output, largest=LARGEST, seconds=CONVERT_SECONDS, progress=progress)
    else:
        _convert(Brought.whole(image), kind, output, progress)


def appliance_to_raw(ova: Path, place: Callable[[int], Path]) -> list[Path]:
    """Write all disks of an appliance, in its machine's order, to the places of their numbers; return those."""
    outputs = []
    for number, disk in enumerate(machine_disks(ova)):
        _convert(disk, "vmdk", place(number))
        outputs.append(place(number))
    return outputs


def kind_of(file: Path) -> str:
    """Return what a file is by what is in it: one of KINDS, or tar. Raises DiskError for what is none of them."""
    image = Brought.whole(file)
    head = image.read(0, 2048)
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    for magic, packed in ((_XZ, "raw.xz"), (_ZSTD, "raw.zst")):
        if head.startswith(magic):
            return "tar" if _is_tar(beginning(file, packed)) else packed
    if _is_tar(head):
        return "ova" if head[:100].rstrip(b"\0").endswith(b".ovf") else "tar"
    if image.read(image.length - headers.SECTOR, len(headers.VHD)) == headers.VHD:
        return "vhd"
    if any(head[at : at + len(mark)] == mark for at, mark in _RAW_MARKS):
        return "raw"
    raise DiskError(f"{file} is no disk of a kind that is known here.", mend=f"There are: {', '.join(KINDS)}, tar.")


def require_size(image: Path, size: int) -> None:
    """Refuse a disk of no bytes, or of more than are read."""
    if not size:
        raise DiskError(f"{image} is a disk of 0 bytes.", mend="Copy it anew.")
    if size > LARGEST:
        raise DiskError(
            f"{image} is a disk of {size // GIB} GiB, more than the {LARGEST // GIB} GiB that are read.",
            mend="Shrink it first, or give the root file system as a tar.",
        )


def _convert(image: Brought, kind: str, output: Path, progress: Callable[[int, int], None] | None = None) -> None:
    driver, require_whole = _DRIVERS[kind]
    if require_whole:
        require_whole(image)
    source = ["--image-opts", image.for_qemu(driver)]
    found = json.loads(run_tool(["qemu-img", "info", "--output=json", *source], timeout=_INFO_SECONDS))
    size = int(found["virtual-size"])
    require_size(image.path, size)
    measure = ["qemu-img", "measure", "-O", "qcow2", "--output=json", *source]
    require_room(output, int(json.loads(run_tool(measure, timeout=_INFO_SECONDS))["required"]))
    target = f"file:{os.path.abspath(output)}"  # noqa: PTH100 - links stay

    def hear(_: Stream, said: bytes) -> None:
        if progress and (percents := _PERCENT.findall(said)):
            progress(int(size * float(percents[-1]) / 100), size)

    run_tool(
        ["qemu-img", "convert", "-p", "-O", "raw", "-S", "4k", *source, target], timeout=CONVERT_SECONDS, on_output=hear
    )


def _is_tar(head: bytes) -> bool:
    return head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR


_DRIVERS: dict[str, tuple[str, Callable[[Brought], None] | None]] = {
    "raw": ("raw", None),
    "qcow2": ("qcow2", headers.require_qcow2),
    "vmdk": ("vmdk", headers.require_vmdk),
    "vhd": ("vpc", headers.require_vhd),
    "vhdx": ("vhdx", headers.require_vhdx),
}
