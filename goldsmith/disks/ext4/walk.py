"""A tree's files in one fixed order, whatever order its folders name them in."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from goldsmith.disks.ext4.attributes import belongs


@dataclass(slots=True)
class Node:
    """A file of any kind; ``names`` are its paths (hard links), bytes below the root, the first in order first.

    ``kind`` is its type, as stat.S_IFMT gives it.
    """

    names: list[bytes]
    kind: int
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    device: int
    attributes: dict[str, bytes]
    children: list[tuple[bytes, Node]] = field(default_factory=list)
    number: int = 0

    @property
    def path(self) -> bytes:
        """The file's first path."""
        return self.names[0]


def walk() -> list[Node]:
    """Return the files of the file system that this process is chrooted in, the root first, in path order.

    Sockets are left out, as no program finds one useful that it did not make itself; so is lost+found, which a
    new file system brings. A folder's path comes before what is in it.
    """
    seen: dict[tuple[int, int], Node] = {}
    nodes: list[Node] = []
    root = _node(b"", os.lstat("/"))
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        nodes.append(folder)
        folders = []
        with os.scandir(b"/" + folder.path) as listing:
            found = sorted(listing, key=lambda entry: entry.name)
        for entry in found:
            path = entry.path[1:].lstrip(b"/")
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISSOCK(status.st_mode) or path == b"lost+found":
                continue
            if stat.S_ISDIR(status.st_mode):
                node = _node(path, status)
                folders.append(node)
            elif status.st_nlink > 1 and (status.st_dev, status.st_ino) in seen:
                node = seen[status.st_dev, status.st_ino]
                node.names.append(path)
            else:
                node = _node(path, status)
                nodes.append(node)
                if status.st_nlink > 1:
                    seen[status.st_dev, status.st_ino] = node
            folder.children.append((entry.name, node))
        waiting += reversed(folders)
    return nodes


def _node(path: bytes, status: os.stat_result) -> Node:
    where = b"/" + path
    names = [name for name in os.listxattr(where, follow_symlinks=False) if belongs(name)]
    return Node(
        names=[path],
        kind=stat.S_IFMT(status.st_mode),
        mode=status.st_mode,
        uid=status.st_uid,
        gid=status.st_gid,
        size=status.st_size,
        mtime=int(status.st_mtime),
        device=status.st_rdev,
        attributes={name: os.getxattr(where, name, follow_symlinks=False) for name in names},
    )
