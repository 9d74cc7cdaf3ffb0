"""A raw disk is copied with its holes."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from goldsmith.disks.about import NOTHING_KNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldsmith.disks.about import About
    from goldsmith.disks.packing import Packing

_CHUNK = 4 << 20


def write_raw(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,  # noqa: ARG001 - the signature of every format
    reuse: Path | None = None,  # noqa: ARG001 - the same
    packing: Packing | None = None,  # noqa: ARG001 - the same
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Copy the disk ``raw`` to ``output``, sparse as it is. On failure no output is left."""
    try:
        with raw.open("rb") as source, output.open("wb") as target:
            size = source.seek(0, os.SEEK_END)
            stretches = list(data_stretches(source.fileno(), size))
            total = sum(end - begin for begin, end in stretches)
            target.truncate(size)
            done = 0
            for begin, end in stretches:
                for at in range(begin, end, _CHUNK):
                    chunk = os.pread(source.fileno(), min(_CHUNK, end - at), at)
                    target.seek(at)
                    target.write(chunk)
                    done += len(chunk)
                    if progress:
                        progress(done, total)
    except BaseException:
        output.unlink(missing_ok=True)
        raise


def data_stretches(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches [begin, end) of a file that are not holes (lseek(2), SEEK_DATA)."""
    at = 0
    while at < size:
        try:
            begin = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as failure:
            if failure.errno == errno.ENXIO:
                return
            raise
        at = min(os.lseek(fd, begin, os.SEEK_HOLE), size)
        yield begin, at
