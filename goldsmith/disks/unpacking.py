"""A compressed raw disk becomes a sparse one. What is brought is hostile: its size, memory and time have limits.

Formats: The .xz File Format 1.2.0 with several streams and padding, RFC 8878 with several frames.
"""

from __future__ import annotations

import lzma
import os
import time
from contextlib import closing
from typing import TYPE_CHECKING

import zstandard

from goldsmith.disks.plan import DiskError
from goldsmith.disks.room import require_room

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path
    from typing import BinaryIO

_READ = 1 << 20
_CHUNK = 1 << 20
_GRAIN = 1 << 16
_SECTOR = 512
_MEMORY = 512 << 20
_WINDOW = 128 << 20
_ZSTD_READ = 2 << 10
"""Bytes that are unpacked at once: at most 128 KiB come of four of them (RFC 8878, RLE blocks)."""

_ROOM_EVERY = 64 << 20
_TELL_EVERY = 1 << 20
_ZEROS = bytes(_GRAIN)


def unpack(
    image: Path,
    kind: str,
    output: Path,
    *,
    largest: int,
    seconds: float,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the disk in ``image``, of the kind raw.xz or raw.zst, as a sparse raw disk to ``output``.

    ``progress`` hears (bytes of ``image`` read, of how many): how many come of them, nobody knows before.
    Raises DiskError for one that is damaged, of more than ``largest`` bytes, takes longer, or does not fit.
    """
    deadline = time.monotonic() + seconds
    size = written = room_asked = told = 0
    compressed = image.stat().st_size
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        with image.open("rb") as source, closing(_CHUNKS[kind](source)) as chunks:
            for chunk in chunks:
                if size + len(chunk) > largest:
                    raise DiskError(
                        f"{image} holds a disk of more than the {largest >> 30} GiB that are read.",
                        mend="Shrink it first, or give the root file system as a tar.",
                    )
                if time.monotonic() > deadline:
                    raise DiskError(
                        f"{image} could not be unpacked in {seconds:.0f} seconds.", mend="It may be damaged."
                    )
                if progress and source.tell() > told:
                    told = source.tell() + _TELL_EVERY
                    progress(source.tell(), compressed)
                written += _write(descriptor, size, chunk)
                size += len(chunk)
                if written > room_asked:
                    room_asked = written + _ROOM_EVERY
                    require_room(output, _ROOM_EVERY)
        if progress:
            progress(compressed, compressed)
        os.ftruncate(descriptor, -(-size // _SECTOR) * _SECTOR)
    except (lzma.LZMAError, zstandard.ZstdError) as wrong:
        raise DiskError(f"{image} could not be unpacked: {wrong}", mend="Copy it anew.") from wrong
    finally:
        os.close(descriptor)
    if not size:
        raise DiskError(f"{image} holds an empty disk.", mend="Copy it anew.")


def beginning(image: Path, kind: str) -> bytes:
    """Return the first KiB of what is compressed, fewer where there is less; raises DiskError for what is damaged."""
    try:
        with image.open("rb") as source, closing(_CHUNKS[kind](source)) as chunks:
            return next((chunk[:1024] for chunk in chunks if chunk), b"")
    except (lzma.LZMAError, zstandard.ZstdError) as wrong:
        raise DiskError(f"{image} could not be unpacked: {wrong}", mend="Copy it anew.") from wrong


def _xz(source: BinaryIO) -> Generator[bytes]:
    left = source.read(_READ)
    while left:
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
        while not stream.eof:
            if stream.needs_input and not left:
                left = source.read(_READ)
                if not left:
                    raise lzma.LZMAError("it ends too early")
            yield stream.decompress(left, _CHUNK)
            left = b""
        left = stream.unused_data.lstrip(b"\0")
        while not left and (more := source.read(_READ)):
            left = more.lstrip(b"\0")


def _zstd(source: BinaryIO) -> Generator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    left = source.read(_ZSTD_READ)
    while left:
        frame = decompressor.decompressobj()
        while not frame.eof:
            left = left or source.read(_ZSTD_READ)
            if not left:
                raise zstandard.ZstdError("it ends too early")
            yield frame.decompress(left)
            left = b""
        left = frame.unused_data or source.read(_ZSTD_READ)


def _write(descriptor: int, at: int, chunk: bytes) -> int:
    """Write what of a chunk is not zeros; return its bytes."""
    written = 0
    view = memoryview(chunk)
    begin = 0
    while begin < len(view):
        end = min(len(view), begin + _GRAIN - (at + begin) % _GRAIN)
        part = view[begin:end]
        if part != _ZEROS[: len(part)]:
            while part:
                done = os.pwrite(descriptor, part, at + begin)
                part, begin, written = part[done:], begin + done, written + done
        begin = end
    return written


_CHUNKS: dict[str, Callable[[BinaryIO], Generator[bytes]]] = {"raw.xz": _xz, "raw.zst": _zstd}
