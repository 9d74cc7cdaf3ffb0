"""A disk's root file system as a tar, compressed with zstd: for containers, chroots and as a parentImage again.

Format: POSIX pax with SCHILY.xattr records (goldsmith/disks/ext4/export.py) in one zstd frame (RFC 8878).
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

import zstandard

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.ext4.export import export
from goldsmith.disks.raw import data_stretches
from goldsmith.disks.reading import export_tar, root_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from goldsmith.disks.about import About
    from goldsmith.disks.packing import Packing

    Progress = Callable[[int, int], None]

_LEVEL = 9
_TIMES_TOLD = 50


def write_root_tar(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,  # noqa: ARG001 - the signature of every format
    reuse: Path | None = None,  # noqa: ARG001 - the same
    packing: Packing | None = None,  # noqa: ARG001 - the same
    progress: Progress | None = None,
) -> None:
    """Write the root file system of ``raw`` as .tar.zst: numeric owners, attributes, times as on the disk.

    Raises DiskError as `export_tar` does; then no output is left.
    """
    threads = len(os.sched_getaffinity(0))
    try:
        with output.open("wb") as file:
            packer = zstandard.ZstdCompressor(level=_LEVEL, threads=threads, write_checksum=True)
            with packer.stream_writer(file, closefd=False) as packed:
                export_tar(raw, "raw", _told(raw, cast("BinaryIO", packed), progress))
    except BaseException:
        output.unlink(missing_ok=True)
        raise


@contextmanager
def root_stream(
    raw: Path, progress: Progress | None = None, *, sparse: bool = True, devices: bool = True
) -> Iterator[BinaryIO]:
    """Give the reading end of a pipe through which the root file system comes as a tar; its failure is raised here."""
    failures: list[BaseException] = []
    reader, writer = os.pipe()

    def send() -> None:
        with suppress(BrokenPipeError), os.fdopen(writer, "wb", buffering=1 << 20) as out:
            try:
                with root_files(raw) as files:
                    export(files, _told(raw, out, progress), sparse=sparse, devices=devices)
            except BrokenPipeError:
                raise
            except BaseException as failure:  # noqa: BLE001 - raised again by the thread that waits
                failures.append(failure)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with os.fdopen(reader, "rb", buffering=0) as incoming:
            yield incoming
    finally:
        sender.join()
        if failures:
            raise failures[0]


def _told(raw: Path, out: BinaryIO, progress: Progress | None) -> BinaryIO:
    """Return a stream into ``out`` that tells ``progress`` how much of the disk's data has gone through."""
    if not progress:
        return out
    with raw.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        total = sum(end - begin for begin, end in data_stretches(file.fileno(), size))
    return cast("BinaryIO", _Told(out, max(total, 1), progress))


class _Told:
    """The writing half of a stream, with its progress."""

    def __init__(self, out: BinaryIO, total: int, progress: Progress) -> None:
        self._out, self._total, self._progress = out, total, progress
        self._done = self._said = 0

    def write(self, data: bytes) -> int:
        """Pass it on, and say so once in a while."""
        self._done += len(data)
        if self._done - self._said >= self._total // _TIMES_TOLD:
            self._said = self._done
            self._progress(min(self._done, self._total), self._total)
        return self._out.write(data)
