"""A raw disk compressed as a whole: raw.xz and raw.zst, on all cores, the same bytes each time.

Formats: The .xz File Format 1.2.0, one stream of many blocks as `xz -T` writes it; RFC 8878 for zstd, one frame.
"""

from __future__ import annotations

import lzma
import os
import struct
import zlib
from typing import TYPE_CHECKING

import zstandard

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.pieces import data_bytes, pieces, whole_file
from goldsmith.disks.raw import data_stretches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldsmith.disks.about import About
    from goldsmith.disks.packing import Packing

_XZ_PIECE = 16 << 20
_XZ_HEADER = 12
_XZ_FLAGS = b"\0\4"  # CRC-64
_XZ_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": _XZ_PIECE}]
"""The preset 6 takes two and a half times as long for 8 % less."""

_ZSTD_LEVEL = 9
_ZSTD_PIECE = 4 << 20


def write_xz(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,  # noqa: ARG001 - the signature of every format
    reuse: Path | None = None,  # noqa: ARG001 - the same
    packing: Packing | None = None,  # noqa: ARG001 - the same
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the disk ``raw`` compressed with xz. On failure no output is left."""
    size = raw.stat().st_size
    records = b""
    count = 0
    with whole_file(output) as target:
        target.write(lzma.compress(b"", check=lzma.CHECK_CRC64)[:_XZ_HEADER])
        for block, record in _blocks(raw, size, progress):
            target.write(block)
            records += record
            count += 1
        index = b"\0" + _number(count) + records
        index = index.ljust(-(-len(index) // 4) * 4, b"\0")
        target.write(index + struct.pack("<I", zlib.crc32(index)))
        backward = struct.pack("<I", (len(index) + 4) // 4 - 1) + _XZ_FLAGS
        target.write(struct.pack("<I", zlib.crc32(backward)) + backward + b"YZ")


def write_zstd(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,  # noqa: ARG001 - the signature of every format
    reuse: Path | None = None,  # noqa: ARG001 - the same
    packing: Packing | None = None,  # noqa: ARG001 - the same
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the disk ``raw`` compressed with zstd. On failure no output is left."""
    size = raw.stat().st_size
    total, done = data_bytes(raw), 0
    threads = len(os.sched_getaffinity(0))
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, threads=threads, write_checksum=True)
    packed = compressor.compressobj(size=size)
    with whole_file(output) as target, raw.open("rb") as source:
        at = 0
        for begin, end in [*data_stretches(source.fileno(), size), (size, size)]:
            for hole in range(at, begin, _ZSTD_PIECE):
                target.write(packed.compress(bytes(min(_ZSTD_PIECE, begin - hole))))
            for place in range(begin, end, _ZSTD_PIECE):
                data = os.pread(source.fileno(), min(_ZSTD_PIECE, end - place), place)
                target.write(packed.compress(data))
                done += len(data)
                if progress:
                    progress(done, total)
            at = end
        target.write(packed.flush())


def _blocks(raw: Path, size: int, progress: Callable[[int, int], None] | None) -> Iterator[tuple[bytes, bytes]]:
    """Yield the disk's blocks and their records; those of holes are compressed once."""
    hole = _block(bytes(_XZ_PIECE))
    at = 0
    for place, block in pieces(raw, _XZ_PIECE, _block, progress):
        for _ in range(at, place, _XZ_PIECE):
            yield hole
        at = place + _XZ_PIECE
        yield block if at <= size else _last_block(raw, place)
    for place in range(at, size, _XZ_PIECE):
        yield hole if place + _XZ_PIECE <= size else _block(bytes(size - place))


def _last_block(raw: Path, place: int) -> tuple[bytes, bytes]:
    with raw.open("rb") as file:
        file.seek(place)
        return _block(file.read())


def _block(data: bytes) -> tuple[bytes, bytes]:
    """Return a block with its padding, and its record for the index: taken out of a stream of its own."""
    stream = lzma.compress(data, check=lzma.CHECK_CRC64, filters=_XZ_FILTERS)
    index_length = (struct.unpack_from("<I", stream, len(stream) - 8)[0] + 1) * 4
    index = len(stream) - _XZ_HEADER - index_length
    unpadded, length = 0, 0
    for length in range(1, 10):
        byte = stream[index + 1 + length]
        unpadded |= (byte & 0x7F) << 7 * (length - 1)
        if not byte & 0x80:
            break
    return stream[_XZ_HEADER:index], _number(unpadded) + _number(len(data))


def _number(value: int) -> bytes:
    """Return a number as the format writes it: seven bits a byte, the lowest first."""
    out = bytearray()
    while value >= 0x80:  # noqa: PLR2004 - a byte's highest bit
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
