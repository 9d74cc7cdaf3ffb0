"""A raw disk becomes a dynamic VHDX, whose blocks of 1 MiB are there only where the disk holds something.

Format: Microsoft's [MS-VHDX]. All identifiers follow from the content, so that the same disk gives the same bytes.
"""

from __future__ import annotations

import hashlib
import struct
import uuid
from typing import TYPE_CHECKING

import crc32c

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.pieces import pieces, whole_file
from goldsmith.disks.plan import MIB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.disks.about import About
    from goldsmith.disks.packing import Packing

BLOCK = MIB
_SECTOR = 512
_CHUNK = (1 << 23) * _SECTOR // BLOCK
"""Blocks between two entries of sector bitmaps."""

_KIB64 = 1 << 16
_LOG_AT, _METADATA_AT, _TABLE_AT = MIB, 2 * MIB, 3 * MIB
_ZERO, _PRESENT = 2, 6
_REQUIRED, _OF_DISK = 4, 6
_TABLE = uuid.UUID("2dc27766-f623-4200-9d64-115e9bfd4a08")
METADATA = uuid.UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
PARAMETERS = uuid.UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
_DISK_SIZE = uuid.UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
_DISK_ID = uuid.UUID("beca12ab-b2e6-4523-93ef-c309e000c746")
_LOGICAL = uuid.UUID("8141bf1d-a96f-4709-ba47-f233a8faab5f")
_PHYSICAL = uuid.UUID("cda348c7-445d-4471-9cc9-e9885251c556")
_NAMESPACE = uuid.UUID("0d4c1ac5-33a5-5b7c-b4cb-1b1f5a7d2f53")


def write_vhdx(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,  # noqa: ARG001 - the signature of every format
    reuse: Path | None = None,  # noqa: ARG001 - the same
    packing: Packing | None = None,  # noqa: ARG001 - the same
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the disk ``raw`` as a dynamic VHDX. On failure no output is left."""
    size = -(-raw.stat().st_size // _SECTOR) * _SECTOR
    blocks = -(-size // BLOCK)
    entries = [_ZERO] * blocks
    table_length = -(-(blocks + (blocks - 1) // _CHUNK) * 8 // MIB) * MIB
    place = _TABLE_AT + table_length
    digest = hashlib.sha256(size.to_bytes(8, "big"))
    with whole_file(output) as target:
        target.seek(place)
        for at, (data, part) in pieces(raw, BLOCK, _with_digest, progress):
            if not any(data):
                continue
            digest.update(at.to_bytes(8, "big") + part)
            entries[at // BLOCK] = place | _PRESENT
            target.write(data)
            place += BLOCK
        target.truncate(place)
        target.seek(_TABLE_AT)
        target.write(_allocation(entries))
        target.seek(_METADATA_AT)
        target.write(_metadata(size, _identifier("disk", digest.hexdigest())))
        target.seek(0)
        target.write(_beginning(digest.hexdigest(), table_length))


def _allocation(entries: list[int]) -> bytes:
    """Return the table of blocks: after each chunk an entry for its sector bitmap, which only differences have."""
    out: list[int] = []
    for first in range(0, len(entries), _CHUNK):
        out += entries[first : first + _CHUNK]
        if first + _CHUNK < len(entries):
            out.append(0)
    return struct.pack(f"<{len(out)}Q", *out)


def _beginning(content: str, table_length: int) -> bytes:
    """Return the file's first 320 KiB: what it is, two headers, two tables of regions."""
    creator = "Goldsmith".encode("utf-16-le")
    headers = [
        _checked(
            struct.pack(
                "<4sIQ16s16s16xHHIQ", b"head", 0, sequence, _identifier("file", content), _identifier("data", content),
                0, 1, MIB, _LOG_AT,
            ),
            4096,
        )
        for sequence in (1, 2)
    ]  # fmt: skip
    regions = _checked(
        struct.pack("<4sIII", b"regi", 0, 2, 0)
        + struct.pack("<16sQII", _TABLE.bytes_le, _TABLE_AT, table_length, 1)
        + struct.pack("<16sQII", METADATA.bytes_le, _METADATA_AT, MIB, 1),
        _KIB64,
    )
    return b"".join(part.ljust(_KIB64, b"\0") for part in (b"vhdxfile" + creator, *headers, regions, regions))


def _metadata(size: int, identifier: bytes) -> bytes:
    items = (
        (PARAMETERS, struct.pack("<II", BLOCK, 0), _REQUIRED),
        (_DISK_SIZE, struct.pack("<Q", size), _OF_DISK),
        (_DISK_ID, identifier, _OF_DISK),
        (_LOGICAL, struct.pack("<I", _SECTOR), _OF_DISK),
        (_PHYSICAL, struct.pack("<I", 4096), _OF_DISK),
    )
    table, values = struct.pack("<8sHH20x", b"metadata", 0, len(items)), b""
    for name, value, flags in items:
        table += struct.pack("<16sIIII", name.bytes_le, _KIB64 + len(values), len(value), flags, 0)
        values += value
    return table.ljust(_KIB64, b"\0") + values


def _checked(data: bytes, length: int) -> bytes:
    """Return a structure with its checksum in place, CRC-32C over ``length`` bytes."""
    whole = data.ljust(length, b"\0")
    return whole[:4] + struct.pack("<I", crc32c.crc32c(whole)) + whole[8:]


def _identifier(what: str, content: str) -> bytes:
    return uuid.uuid5(_NAMESPACE, f"{what} {content}").bytes_le


def _with_digest(data: bytes) -> tuple[bytes, bytes]:
    return data, hashlib.sha256(data).digest()
