"""A raw disk becomes a fixed VHD of whole MiB, as Azure asks for: the disk byte for byte, and a footer.

Format: Microsoft's Virtual Hard Disk Image Format Specification 1.0. The footer's identifier follows from the
content, its time from the image, so that the same disk gives the same bytes.
"""

from __future__ import annotations

import hashlib
import struct
import uuid
from typing import TYPE_CHECKING

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.pieces import pieces, whole_file
from goldsmith.disks.plan import GIB, MIB, DiskError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.disks.about import About
    from goldsmith.disks.packing import Packing

LARGEST = 2040 * GIB
FOOTER = 512

_YEAR_2000 = 946_684_800
_FIXED = 2
_NAMESPACE = uuid.UUID("2f4b5c76-6cf0-5c59-9d05-4d6c2ab7a2a7")
_CREATOR = b"qem2"
"""Readers that know creators take the size from the footer for this one, and not from the geometry."""


def write_vhd(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,
    reuse: Path | None = None,  # noqa: ARG001 - the signature of every format
    packing: Packing | None = None,  # noqa: ARG001 - the same
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the disk ``raw`` as a fixed VHD, sparse on this host. On failure no output is left."""
    size = -(-raw.stat().st_size // MIB) * MIB
    if size > LARGEST:
        raise DiskError("A VHD has at most 2040 GiB.", mend="Choose vhdx or raw.")
    digest = hashlib.sha256()
    with whole_file(output) as target:
        for at, (data, part) in pieces(raw, MIB, _with_digest, progress):
            digest.update(at.to_bytes(8, "big") + part)
            if any(data):
                target.seek(at)
                target.write(data)
        target.seek(size)
        target.write(footer(size, about.epoch, uuid.uuid5(_NAMESPACE, digest.hexdigest())))


def footer(size: int, epoch: int, identifier: uuid.UUID) -> bytes:
    """Return a fixed VHD's last sector."""
    cylinders, heads, track = geometry(size // 512)
    made = struct.pack(
        ">8sIIQI4sI4sQQHBBII16s428x", b"conectix", 2, 1 << 16, (1 << 64) - 1, max(0, epoch - _YEAR_2000), _CREATOR,
        5 << 16, b"Wi2k", size, size, cylinders, heads, track, _FIXED, 0, identifier.bytes,
    )  # fmt: skip
    return made[:64] + struct.pack(">I", ~sum(made) & 0xFFFFFFFF) + made[68:]


def geometry(sectors: int) -> tuple[int, int, int]:
    """Return (cylinders, heads, sectors of a track) as the specification's appendix computes them."""
    sectors = min(sectors, 65535 * 16 * 255)
    if sectors >= 65535 * 16 * 63:
        return sectors // 255 // 16, 16, 255
    track, heads = 17, max(4, (sectors // 17 + 1023) // 1024)
    if sectors // 17 >= heads * 1024 or heads > 16:  # noqa: PLR2004 - the appendix's own numbers
        track, heads = 31, 16
        if sectors // 31 >= heads * 1024:
            track = 63
    return sectors // track // heads, heads, track


def _with_digest(data: bytes) -> tuple[bytes, bytes]:
    return data, hashlib.sha256(data).digest()
