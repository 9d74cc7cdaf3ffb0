"""A disk's clusters, compressed on all cores in order, or taken from an earlier image that has the same ones."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import zstandard

from goldsmith.disks.raw import data_stretches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
LEVEL = 3

_BATCH = 16 * CLUSTER
_ZEROS = bytes(CLUSTER)
_WAITING_PER_CORE = 8
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


def compressed_clusters(
    fd: int, size: int, earlier: ClusterIndex | None, progress: Callable[[int, int], None] | None
) -> Iterator[Cluster]:
    """Yield the clusters of the raw disk ``fd`` that are not all zeros, in order."""
    batches = list(_data_batches(fd, size))
    total = sum(end - begin for begin, end in batches)
    done = 0
    cores = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(max_workers=cores) as pool:
        waiting: deque[tuple[int, Future[list[Cluster]]]] = deque()
        try:
            for begin, end in batches:
                waiting.append((end - begin, pool.submit(_compress, fd, begin, end, earlier)))
                if len(waiting) > cores * _WAITING_PER_CORE:
                    length, oldest = waiting.popleft()
                    yield from oldest.result()
                    done += length
                    if progress:
                        progress(done, total)
            for length, future in waiting:
                yield from future.result()
                done += length
                if progress:
                    progress(done, total)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _data_batches(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield stretches [begin, end) of whole clusters that hold data, each cluster once."""
    at = 0
    for data, hole in data_stretches(fd, size):
        begin = max(at, data // CLUSTER * CLUSTER)
        at = min(-(-hole // CLUSTER) * CLUSTER, size)
        for first in range(begin, at, _BATCH):
            yield first, min(first + _BATCH, at)


def _compress(fd: int, begin: int, end: int, earlier: ClusterIndex | None) -> list[Cluster]:
    """Compress one stretch's clusters, but for zeros and what the earlier image has."""
    stretch = memoryview(os.pread(fd, end - begin, begin).ljust(-(-(end - begin) // CLUSTER) * CLUSTER, b"\0"))
    wanted: list[tuple[int, bytes, bytes | None]] = []
    fresh: list[memoryview] = []
    for at in range(0, len(stretch), CLUSTER):
        content = stretch[at : at + CLUSTER]
        if content == _ZEROS:
            continue
        digest = hashlib.sha256(content).digest()
        data = earlier.find(digest) if earlier else None
        if data is None:
            fresh.append(content)
        wanted.append((at, digest, data))
    packed = iter(_packed(fresh))
    clusters = []
    for at, digest, known in wanted:
        data = known or next(packed)
        clusters.append(Cluster((begin + at) // CLUSTER, digest, data, packed=len(data) < CLUSTER))
    return clusters


def _packed(contents: list[memoryview]) -> list[bytes]:
    """Compress clusters in one call, each on its own; what does not shrink stays as it is."""
    if not contents:
        return []
    given: list[bytes | bytearray | memoryview] = list(contents)
    frames = zstandard.ZstdCompressor(level=LEVEL).multi_compress_to_buffer(given, threads=1)
    packed = []
    for number, content in enumerate(contents):
        frame = frames[number].tobytes()
        packed.append(frame if len(frame) < CLUSTER else bytes(content))
    return packed
