"""Reading a hostile tree: every file seen once, no link followed, no pipe opened, holes skipped."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CHUNK = 1 << 20
OVERLAP = 8192
"""Bytes of a chunk that are seen again with the next: more than any pattern spans."""

FOREIGN = frozenset({"/proc", "/sys"})


@dataclass(frozen=True)
class Entry:
    """A name in the tree: ``path`` is absolute as the tree's own system sees it.

    ``kind`` is "file", "folder", "other", or "unreadable" for a folder that could not be listed.
    """

    path: str
    kind: str


def walk(root: str, folders: Sequence[str] = ("/",)) -> Iterator[Entry]:
    """Yield everything below ``folders`` (absolute in the tree) but what is in /proc and /sys."""
    waiting = [folder.rstrip("/") for folder in folders]
    while waiting:
        folder = waiting.pop()
        if not is_real_folder(root, folder):
            continue
        try:
            with os.scandir(f"{root}{folder}/") as listing:
                entries = list(listing)
        except OSError:
            yield Entry(folder, "unreadable")
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield Entry(path, "folder")
                if path not in FOREIGN:
                    waiting.append(path)
            else:
                yield Entry(path, "file" if entry.is_file(follow_symlinks=False) else "other")


def is_real_folder(root: str, folder: str) -> bool:
    """Whether no part of the path is a link and the whole is a folder."""
    seen = ""
    for part in folder.split("/")[1:]:
        seen = f"{seen}/{part}"
        try:
            if not stat.S_ISDIR(os.lstat(root + seen).st_mode):
                return False
        except OSError:
            return False
    return True


def changed(root: str, paths: Iterable[str]) -> Iterator[Entry]:
    """Yield an entry for each of ``paths`` that is in the tree without passing through a link."""
    real: dict[str, bool] = {}
    for path in sorted(set(paths)):
        folder = path.rpartition("/")[0]
        if folder not in real:
            real[folder] = is_real_folder(root, folder)
        if not real[folder]:
            continue
        try:
            mode = os.lstat(root + path).st_mode
        except OSError:
            continue
        yield Entry(path, "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other")


def open_file(path: str) -> int | None:
    """Open a regular file without following a link, waiting for a pipe or changing its access time."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        opened = os.open(path, flags | os.O_NOATIME)
    except PermissionError:
        opened = os.open(path, flags)
    except OSError as failure:
        if failure.errno in _GONE:
            return None
        raise
    if stat.S_ISREG(os.fstat(opened).st_mode):
        return opened
    os.close(opened)
    return None


_GONE = frozenset({2, 6, 40})  # ENOENT, ENXIO (a socket or a pipe), ELOOP (a link)


def pieces(opened: int, buffer: bytearray) -> Iterator[tuple[int, memoryview]]:
    """Yield (offset, piece) over an open file; a piece starts with the end of the one before it.

    ``buffer`` is overwritten by the next piece; holes of sparse files are passed over.
    """
    view = memoryview(buffer)
    status = os.fstat(opened)
    sparse = status.st_blocks * 512 < status.st_size
    offset = kept = 0
    while True:
        if sparse:
            try:
                begin = os.lseek(opened, offset, os.SEEK_DATA)
            except OSError:
                return
            if begin != offset:
                offset, kept = begin, 0
        count = os.preadv(opened, [view[kept:]], offset)
        if count == 0:
            return
        filled = kept + count
        yield offset - kept, view[:filled]
        offset += count
        kept = min(OVERLAP, filled)
        view[:kept] = bytes(view[filled - kept : filled])


def read_small(root: str, path: str, limit: int = 1 << 20) -> bytes:
    """Return up to ``limit`` bytes of a regular file, nothing when it is not there or its path goes through a link."""
    if not is_real_folder(root, path.rpartition("/")[0]):
        return b""
    opened = open_file(root + path)
    if opened is None:
        return b""
    with os.fdopen(opened, "rb") as file:
        return file.read(limit)
