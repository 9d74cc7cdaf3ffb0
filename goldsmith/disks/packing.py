"""A disk's clusters, compressed on all cores, or taken from an earlier image that has the same ones.

It begins while the disk is still being written: the cores that the writing leaves idle pack what is final already.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

import zstandard

from goldsmith.disks.clusters import CLUSTER, LEVEL, Cluster, ClusterIndex
from goldsmith.disks.raw import data_stretches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

BATCH = 16 * CLUSTER
_ZEROS = bytes(CLUSTER)
_WAITING_PER_CORE = 8
_TIMES_TOLD = 50


class Packing:
    """The clusters of the raw disk ``raw`` as an image will hold them.

    ``reuse`` is an earlier image: clusters of the same content are taken from it as they are. It is trusted no further
    than its checksums, and may be missing. `final` may be called as soon as ``raw`` is there, `clusters` when all of
    it is written.
    """

    def __init__(self, raw: Path, reuse: Path | None = None) -> None:
        self._raw = raw
        self._earlier = ClusterIndex.load(reuse) if reuse else None
        self._cores = len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(max_workers=self._cores)
        self._ready: dict[int, Future[list[Cluster]]] = {}
        self._fd = -1
        self._next = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._fd >= 0:
            os.close(self._fd)
        if self._earlier:
            self._earlier.close()

    def final(self, begin: int, end: int) -> None:
        """Hear that the bytes from ``begin``, the same in each call, to ``end`` are written but for a few."""
        if self._next < 0:
            self._next = -(-begin // BATCH) * BATCH
        while self._next + BATCH <= end:
            self._ready[self._next] = self._submit(self._next)
            self._next += BATCH

    def rewritten(self, begin: int, end: int) -> None:
        """Hear of some of the few."""
        for batch in range(begin // BATCH * BATCH, end, BATCH):
            self._ready.pop(batch, None)

    def clusters(self, progress: Callable[[int, int], None] | None) -> Iterator[Cluster]:
        """Yield the clusters that are not all zeros, in order; ``progress`` hears (bytes done, of how many)."""
        batches = list(_data_batches(self._opened(), os.fstat(self._opened()).st_size))
        step = max(1, len(batches) // _TIMES_TOLD)
        waiting: deque[Future[list[Cluster]]] = deque()
        for number, begin in enumerate(batches):
            waiting.append(self._ready.pop(begin) if begin in self._ready else self._submit(begin))
            if len(waiting) > self._cores * _WAITING_PER_CORE:
                yield from waiting.popleft().result()
                if progress and number % step == 0:
                    progress((number + 1 - len(waiting)) * BATCH, len(batches) * BATCH)
        while waiting:
            yield from waiting.popleft().result()
        if progress:
            progress(len(batches) * BATCH, len(batches) * BATCH)

    def _opened(self) -> int:
        if self._fd < 0:
            self._fd = os.open(self._raw, os.O_RDONLY | os.O_CLOEXEC)
        return self._fd

    def _submit(self, begin: int) -> Future[list[Cluster]]:
        return self._pool.submit(_packed_batch, self._opened(), begin, self._earlier)


def _data_batches(fd: int, size: int) -> Iterator[int]:
    """Yield where the batches begin that hold data."""
    at = 0
    for data, hole in data_stretches(fd, size):
        for begin in range(max(at, data // BATCH * BATCH), hole, BATCH):
            yield begin
            at = begin + BATCH


def _packed_batch(fd: int, begin: int, earlier: ClusterIndex | None) -> list[Cluster]:
    """Compress one batch's clusters, but for zeros and what the earlier image has."""
    read = os.pread(fd, BATCH, begin)
    batch = memoryview(read.ljust(-(-len(read) // CLUSTER) * CLUSTER, b"\0"))
    wanted: list[tuple[int, bytes, bytes | None]] = []
    fresh: list[memoryview] = []
    for at in range(0, len(batch), CLUSTER):
        content = batch[at : at + CLUSTER]
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
