"""A raw disk becomes a VMDK in one file: streamOptimized as OVA carries it, or monolithicSparse to run from.

Format: VMware's Virtual Disk Format 5.0. The same disk gives the same bytes: the content's identifier (CID) is drawn
from the content. `qemu-img convert` draws it at random, and compresses on one core.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.pieces import pieces, whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from goldsmith.disks.about import About
    from goldsmith.disks.packing import Packing

SECTOR = 512
GRAIN = 1 << 16

_GRAIN_SECTORS = GRAIN // SECTOR
_TABLE_ENTRIES = 512
_TABLE_SECTORS = _TABLE_ENTRIES * 4 // SECTOR
_DESCRIPTOR_AT = 1
_DESCRIPTOR_SECTORS = 20
_OVERHEAD = 128
_PIECE = 16 * GRAIN
_ZEROS = bytes(GRAIN)
_AT_END = (1 << 64) - 1
_STREAM_FLAGS = 1 | 1 << 16 | 1 << 17  # newline test, compressed grains, markers
_SPARSE_FLAGS = 1 | 1 << 1  # newline test, redundant tables
_MARK_TABLE, _MARK_DIRECTORY, _MARK_FOOTER = 1, 2, 3
_LEVEL = 6
_HEADS, _TRACK = 255, 63
_NO_CONTENT = 0xFFFFFFFE


def write_vmdk(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,
    reuse: Path | None = None,  # noqa: ARG001 - the signature of every format
    packing: Packing | None = None,  # noqa: ARG001 - the same
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the disk ``raw`` as a streamOptimized VMDK: compressed, to be imported. On failure no output is left."""
    with whole_file(output) as target:
        write_stream(raw, target, f"{file_name(about.name)}.vmdk", progress)


def write_sparse_vmdk(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,
    reuse: Path | None = None,  # noqa: ARG001 - the signature of every format
    packing: Packing | None = None,  # noqa: ARG001 - the same
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the disk ``raw`` as a monolithicSparse VMDK, which VMware runs from. On failure no output is left."""
    capacity = -(-raw.stat().st_size // GRAIN) * _GRAIN_SECTORS
    tables = -(-capacity // (_GRAIN_SECTORS * _TABLE_ENTRIES))
    directory = -(-tables * 4 // SECTOR)
    spare_at = _DESCRIPTOR_AT + _DESCRIPTOR_SECTORS
    main_at = spare_at + directory + tables * _TABLE_SECTORS
    overhead = -(-(main_at + directory + tables * _TABLE_SECTORS) // _GRAIN_SECTORS) * _GRAIN_SECTORS
    entries = [0] * (tables * _TABLE_ENTRIES)
    content = 0
    with whole_file(output) as target:
        place = overhead
        target.seek(place * SECTOR)
        for number, data in _grains(raw, bytes, progress):
            entries[number] = place
            content = zlib.crc32(data, content ^ number)
            target.write(data)
            place += _GRAIN_SECTORS
        target.truncate(place * SECTOR)
        for at in (spare_at, main_at):
            first = at + directory
            places = [first + number * _TABLE_SECTORS for number in range(tables)]
            target.seek(at * SECTOR)
            target.write(_words(places) + struct.pack(f"<{len(entries)}I", *entries))
        target.seek(0)
        target.write(_header(1, _SPARSE_FLAGS, capacity, spare_at, main_at, overhead))
        target.write(_descriptor("monolithicSparse", f"{file_name(about.name)}.vmdk", capacity, content))


def write_stream(
    raw: Path, target: BinaryIO, name: str, progress: Callable[[int, int], None] | None = None
) -> tuple[int, int]:
    """Write the disk as streamOptimized where ``target`` stands; return its bytes, and those of its grains unpacked.

    ``name`` is what the descriptor calls the file.
    """
    capacity = -(-raw.stat().st_size // GRAIN) * _GRAIN_SECTORS
    begin = target.tell()
    target.seek(begin + _OVERHEAD * SECTOR)
    entries: dict[int, int] = {}
    content = 0
    place = _OVERHEAD
    for number, data in _grains(raw, _deflated, progress):
        content = zlib.crc32(data, content ^ number)
        grain = _sectors(struct.pack("<QI", number * _GRAIN_SECTORS, len(data)) + data)
        entries[number] = place
        target.write(grain)
        place += len(grain) // SECTOR
    directory = [0] * -(-capacity // (_GRAIN_SECTORS * _TABLE_ENTRIES))
    for table in sorted({number // _TABLE_ENTRIES for number in entries}):
        first = table * _TABLE_ENTRIES
        target.write(_marker(_TABLE_SECTORS, _MARK_TABLE))
        target.write(_words([entries.get(first + number, 0) for number in range(_TABLE_ENTRIES)]))
        directory[table] = place + 1
        place += 1 + _TABLE_SECTORS
    written = _words(directory)
    header = (3, _STREAM_FLAGS, capacity, 0)
    target.write(_marker(len(written) // SECTOR, _MARK_DIRECTORY) + written)
    target.write(_marker(1, _MARK_FOOTER) + _header(*header, place + 1, _OVERHEAD) + bytes(SECTOR))
    end = target.tell()
    target.seek(begin)
    target.write(_header(*header, _AT_END, _OVERHEAD) + _descriptor("streamOptimized", name, capacity, content))
    target.seek(end)
    return end - begin, len(entries) * GRAIN


def file_name(name: str) -> str:
    """Return a name with nothing in it that a descriptor, a tar or a shell would take for something else."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("-.") or "disk"


def _grains(
    raw: Path, work: Callable[[bytes], bytes], progress: Callable[[int, int], None] | None
) -> Iterator[tuple[int, bytes]]:
    """Yield (number, what ``work`` made of it) for each grain that is not all zeros."""

    def worked(piece: bytes) -> list[tuple[int, bytes]]:
        grains = ((at // GRAIN, piece[at : at + GRAIN]) for at in range(0, len(piece), GRAIN))
        return [(number, work(grain)) for number, grain in grains if grain != _ZEROS]

    for at, grains in pieces(raw, _PIECE, worked, progress):
        for number, data in grains:
            yield at // GRAIN + number, data


def _deflated(grain: bytes) -> bytes:
    return zlib.compress(grain, _LEVEL)


def _header(version: int, flags: int, capacity: int, spare: int, directory: int, overhead: int) -> bytes:
    return struct.pack(
        "<4sIIQQQQIQQQB4sH433x", b"KDMV", version, flags, capacity, _GRAIN_SECTORS, _DESCRIPTOR_AT,
        _DESCRIPTOR_SECTORS, _TABLE_ENTRIES, spare, directory, overhead, 0, b"\n \r\n", int(flags == _STREAM_FLAGS),
    )  # fmt: skip


def _descriptor(kind: str, name: str, capacity: int, content: int) -> bytes:
    """Return the descriptor, which is text; ``content`` tells one content of a disk from the next."""
    cylinders = min(capacity // (_HEADS * _TRACK), 65535)
    text = f"""# Disk DescriptorFile
version=1
CID={min(content, _NO_CONTENT - 1):08x}
parentCID=ffffffff
createType="{kind}"

# Extent description
RW {capacity} SPARSE "{name}"

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "{cylinders}"
ddb.geometry.heads = "{_HEADS}"
ddb.geometry.sectors = "{_TRACK}"
ddb.virtualHWVersion = "13"
"""
    return text.encode().ljust(_DESCRIPTOR_SECTORS * SECTOR, b"\0")


def _marker(sectors: int, kind: int) -> bytes:
    return struct.pack("<QII496x", sectors, 0, kind)


def _words(numbers: list[int]) -> bytes:
    return _sectors(struct.pack(f"<{len(numbers)}I", *numbers))


def _sectors(data: bytes) -> bytes:
    return data.ljust(-(-len(data) // SECTOR) * SECTOR, b"\0")
