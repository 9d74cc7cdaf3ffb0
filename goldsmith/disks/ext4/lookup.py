"""One file of a file system is found by its path and read, its links followed inside the file system alone."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.reader import ROOT
from goldsmith.disks.plan import DiskError

if TYPE_CHECKING:
    from goldsmith.disks.ext4.reader import FileSystem, Inode

_MOST_LINKS = 40
_LARGEST = 512 << 20


def find(files: FileSystem, path: str) -> Inode | None:
    """Return what is at ``path``, or None where nothing is. A link never leads out; DiskError where links go round."""
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
            raise DiskError(f"The links at {path} on the disk lead round in a circle.")
        target = files.link_target(inode)
        if target.startswith(b"/"):
            del folders[1:]
        waiting += [part for part in reversed(target.split(b"/")) if part]
    return folders[-1]


def names(files: FileSystem, path: str) -> list[str]:
    """Return the names in the folder at ``path``, in order; none where there is no such folder."""
    folder = find(files, path)
    if folder is None or folder.kind != stat.S_IFDIR:
        return []
    return [name.decode(errors="replace") for name, _ in files.entries(folder)]


def content(files: FileSystem, path: str) -> bytes | None:
    """Return the bytes of the file at ``path``, or None where there is none; DiskError beyond 512 MiB."""
    inode = find(files, path)
    if inode is None or inode.kind != stat.S_IFREG:
        return None
    if inode.size > _LARGEST:
        raise DiskError(f"The file {path} on the disk is larger than {_LARGEST >> 20} MiB.")
    found = bytearray(inode.size)
    for run in files.runs(inode):
        data = files.read(run.physical, run.count)
        begin = run.logical * files.block_size
        piece = data[: inode.size - begin]
        found[begin : begin + len(piece)] = piece
    return bytes(found)
