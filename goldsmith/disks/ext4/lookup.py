"""One file of a file system is found by its path and read, its links followed inside the file system alone."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.reader import ROOT

if TYPE_CHECKING:
    from goldsmith.disks.ext4.reader import FileSystem, Inode

LARGEST_TEXT = 256 << 10
"""Bytes of a text that a system is set up by: more of one is not read."""

_MOST_LINKS = 40


def find(files: FileSystem, path: str) -> Inode | None:
    """Return what is at ``path``, or None where nothing is or links go round; a link never leads out."""
    folders = [files.inode(ROOT)]
    waiting = [name for name in reversed(path.encode().split(b"/")) if name]
    links = 0
    while waiting:
        name = waiting.pop()
        if name == b".":
            continue
        if name == b"..":
            del folders[1 if len(folders) == 1 else -1 :]
            continue
        if folders[-1].kind != stat.S_IFDIR:
            return None
        number = dict(files.entries(folders[-1])).get(name)
        if number is None:
            return None
        inode = files.inode(number)
        if inode.kind != stat.S_IFLNK:
            folders.append(inode)
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        target = files.link_target(inode)
        if target.startswith(b"/"):
            del folders[1:]
        waiting += [part for part in reversed(target.split(b"/")) if part]
    return folders[-1]


def names(files: FileSystem, folder: Inode | None) -> dict[bytes, int]:
    """Return the (name, inode number) of what is in ``folder``, in order; nothing where it is no folder."""
    if folder is None or folder.kind != stat.S_IFDIR:
        return {}
    return dict(files.entries(folder))


def read(files: FileSystem, path: str, limit: int) -> bytes:
    """Return the first ``limit`` bytes of the file at ``path``, holes as zeros; nothing where there is no file."""
    inode = find(files, path)
    if inode is None or inode.kind != stat.S_IFREG:
        return b""
    size = min(inode.size, limit)
    found = bytearray(size)
    for run in files.runs(inode):
        begin = run.logical * files.block_size
        if begin >= size:
            break
        wanted = min(run.count, -(-(size - begin) // files.block_size))
        piece = files.read(run.physical, wanted)[: size - begin]
        found[begin : begin + len(piece)] = piece
    return bytes(found)
