"""A raw disk piece by piece: what is not a hole, worked on by all cores, handed on in order."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from goldsmith.disks.raw import data_stretches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

Worked = TypeVar("Worked")

_WAITING_PER_CORE = 4


def pieces(
    raw: Path, length: int, work: Callable[[bytes], Worked], progress: Callable[[int, int], None] | None = None
) -> Iterator[tuple[int, Worked]]:
    """Yield (offset, what ``work`` made of the bytes) for each aligned piece of ``length`` bytes that holds data.

    The last piece is filled up with zeros. ``progress`` hears (bytes done, of how many).
    """
    descriptor = os.open(raw, os.O_RDONLY | os.O_CLOEXEC)
    cores = len(os.sched_getaffinity(0))
    pool = ThreadPoolExecutor(max_workers=cores)
    try:
        places = list(_places(descriptor, length))
        waiting: deque[tuple[int, Future[Worked]]] = deque()

        def worked(at: int) -> Worked:
            return work(os.pread(descriptor, length, at).ljust(length, b"\0"))

        for number, at in enumerate(places):
            waiting.append((at, pool.submit(worked, at)))
            if len(waiting) > cores * _WAITING_PER_CORE:
                first, result = waiting.popleft()
                yield first, result.result()
                if progress:
                    progress((number + 1 - len(waiting)) * length, len(places) * length)
        for first, result in waiting:
            yield first, result.result()
        if progress:
            progress(len(places) * length, len(places) * length)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        os.close(descriptor)


def data_bytes(raw: Path) -> int:
    """Return how many bytes of a disk are not holes."""
    with raw.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        return sum(end - begin for begin, end in data_stretches(file.fileno(), size))


@contextmanager
def whole_file(output: Path) -> Iterator[BinaryIO]:
    """Open a file to be written, and to be read again meanwhile; on failure it is removed."""
    try:
        with output.open("w+b") as target:
            yield target
    except BaseException:
        output.unlink(missing_ok=True)
        raise


def _places(descriptor: int, length: int) -> Iterator[int]:
    """Yield where the pieces begin that hold data."""
    at = 0
    for begin, end in data_stretches(descriptor, os.fstat(descriptor).st_size):
        for place in range(max(at, begin // length * length), end, length):
            yield place
            at = place + length
