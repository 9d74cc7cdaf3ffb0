"""The clusters of an image, and where it holds them, so that the next image need not compress the same ones again."""

from __future__ import annotations

import os
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import zstandard

if TYPE_CHECKING:
    from pathlib import Path

CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
LEVEL = 3

_WRITTEN_BY = f"goldsmith clusters 1, zstd {zstandard.ZSTD_VERSION}, level {LEVEL}, {CLUSTER} bytes\n".encode()
_ENTRY = struct.Struct("<32sQII")


@dataclass(frozen=True)
class Cluster:
    """One guest cluster: ``data`` as the image holds it, ``packed`` when that is compressed."""

    number: int
    digest: bytes
    data: bytes
    packed: bool


class ClusterIndex:
    """Where an image holds the clusters of which content: SHA-256 of the content to (place, length, CRC-32)."""

    def __init__(self, entries: dict[bytes, tuple[int, int, int]] | None = None, fd: int = -1) -> None:
        self._entries = entries or {}
        self._fd = fd

    @classmethod
    def load(cls, image: Path) -> Self | None:
        """Open the index beside ``image``; None when either is missing, or another version of zstd wrote it."""
        with suppress(OSError):
            text = index_path(image).read_bytes()
            if text.startswith(_WRITTEN_BY) and not (len(text) - len(_WRITTEN_BY)) % _ENTRY.size:
                found = _ENTRY.iter_unpack(memoryview(text)[len(_WRITTEN_BY) :])
                entries = {digest: (place, length, check) for digest, place, length, check in found}
                return cls(entries, os.open(image, os.O_RDONLY | os.O_CLOEXEC))
        return None

    def save(self, image: Path) -> None:
        """Write the index beside ``image``."""
        entries = (_ENTRY.pack(digest, *entry) for digest, entry in self._entries.items())
        index_path(image).write_bytes(_WRITTEN_BY + b"".join(entries))

    def add(self, cluster: Cluster, place: int) -> None:
        """Remember where a cluster was written."""
        self._entries[cluster.digest] = (place, len(cluster.data), zlib.crc32(cluster.data))

    def find(self, digest: bytes) -> bytes | None:
        """Return a cluster's data as the image holds it; None when it does not, or not undamaged."""
        if (entry := self._entries.get(digest)) is None:
            return None
        place, length, check = entry
        data = os.pread(self._fd, length, place) if length <= CLUSTER else b""
        return data if zlib.crc32(data) == check else None

    def close(self) -> None:
        """Close the image."""
        os.close(self._fd)


def index_path(image: Path) -> Path:
    """Return where the index of an image is."""
    return image.with_name(image.name + ".clusters")
