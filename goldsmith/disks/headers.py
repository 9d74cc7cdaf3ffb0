"""What the headers of foreign images say, read before QEMU opens one: those that name other files are refused.

Formats: QEMU's docs/interop/qcow2.txt, VMware's Virtual Disk Format 5.0, Microsoft's VHD 1.0 and [MS-VHDX].
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from goldsmith.disks.plan import DiskError
from goldsmith.disks.vhdx import METADATA, PARAMETERS

if TYPE_CHECKING:
    from goldsmith.disks.brought import Brought

QCOW2, VMDK, VHD, VHDX = b"QFI\xfb", b"KDMV", b"conectix", b"vhdxfile"
VMDK_TEXT = b"# Disk DescriptorFile"

SECTOR = 512
_QCOW2_HEADER = 104
_QCOW2_KNOWN_FEATURES = 1 << 0 | 1 << 3 | 1 << 4  # dirty, compression type, extended L2 entries
_VMDK_DESCRIPTOR_BYTES = 20 * SECTOR
_DIFFERENCING = 4
_KIB64 = 1 << 16
_VHDX_REGIONS_AT = 3 * _KIB64
_HAS_PARENT = 2


def require_qcow2(image: Brought) -> None:
    """Refuse a qcow2 that is not whole in itself."""
    header = image.read(0, _QCOW2_HEADER)
    if len(header) < _QCOW2_HEADER or not header.startswith(QCOW2):
        raise _not_a(image, "qcow2")
    version, backing, _, _, _, encryption = struct.unpack_from(">IQIIQI", header, 4)
    features = struct.unpack_from(">Q", header, 72)[0] if version > 2 else 0  # noqa: PLR2004 - from version 3 on
    if backing:
        raise _not_whole(image, "a backing file")
    if encryption:
        raise DiskError(f"{image.path} is encrypted.", mend="Decrypt it with qemu-img convert first.")
    if features & ~_QCOW2_KNOWN_FEATURES:
        raise _not_whole(image, "a data file or a feature not known here")


def require_vmdk(image: Brought) -> None:
    """Refuse a VMDK that is not in one file. One without capacity is a list of other files to QEMU."""
    header = image.read(0, SECTOR)
    if not header.startswith(VMDK):
        if VMDK_TEXT in header:
            raise _not_whole(image, "other files as its extents")
        raise _not_a(image, "vmdk")
    if len(header) < SECTOR or not struct.unpack_from("<Q", header, 12)[0]:
        raise _not_whole(image, "other files as its extents")
    if b"parentFileNameHint" in image.read(SECTOR, _VMDK_DESCRIPTOR_BYTES):
        raise _not_whole(image, "a parent disk")


def require_vhd(image: Brought) -> None:
    """Refuse a VHD that is the difference to another one: QEMU would show zeros for what that has."""
    footers = [each for each in (image.read(0, SECTOR), image.read(image.length - SECTOR, SECTOR)) if _is_footer(each)]
    if not footers:
        raise _not_a(image, "vhd")
    if any(struct.unpack_from(">I", footer, 60)[0] == _DIFFERENCING for footer in footers):
        raise _not_whole(image, "a parent disk")


def require_vhdx(image: Brought) -> None:
    """Refuse what is no VHDX, or the difference to another one."""
    if image.read(0, len(VHDX)) != VHDX:
        raise _not_a(image, "vhdx")
    table = _entry(image.read(_VHDX_REGIONS_AT, _KIB64), 8, "<I", 16, METADATA.bytes_le)
    begin = struct.unpack_from("<Q", table)[0] if table else 0
    item = _entry(image.read(begin, _KIB64), 10, "<H", 32, PARAMETERS.bytes_le)
    if not item:
        raise _not_a(image, "vhdx")
    flags = image.read(begin + struct.unpack_from("<I", item)[0] + 4, 4)
    if flags[:1] and flags[0] & _HAS_PARENT:
        raise _not_whole(image, "a parent disk")


def _entry(table: bytes, count_at: int, count_form: str, first: int, name: bytes) -> bytes:
    """Return what follows a name in a VHDX's table of entries of 32 bytes; nothing where it is not there."""
    if len(table) < _KIB64:
        return b""
    count = min(struct.unpack_from(count_form, table, count_at)[0], (_KIB64 - first) // 32)
    entries = (table[first + 32 * number :][:32] for number in range(count))
    return next((entry[16:] for entry in entries if entry.startswith(name)), b"")


def _is_footer(sector: bytes) -> bool:
    return len(sector) == SECTOR and sector.startswith(VHD)


def _not_a(image: Brought, kind: str) -> DiskError:
    return DiskError(f"{image.path} is not a {kind} image.", mend="Name the file with the suffix of what it is.")


def _not_whole(image: Brought, what: str) -> DiskError:
    return DiskError(
        f"{image.path} refers to {what}, and an image may name any file of this host.",
        mend=f"If you trust it, make it whole: qemu-img convert -O qcow2 {image.path} whole.qcow2",
    )
