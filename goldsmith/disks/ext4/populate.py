"""A tree is written into an empty ext4 file system: the same tree gives the same bits, and nearly the same places.

mke2fs -d could do it, but its bits follow the order in which the source's folders happen to name their files, its times
are the source's, and one longer file moves all that follow. Here files are placed in path order, in runs that
begin at multiples of the 512 KiB a snapshot's block has; where a run begins follows from the files' names alone, so
that a change moves at most its own run.
"""

from __future__ import annotations

import os
import stat
import zlib
from typing import TYPE_CHECKING

from goldsmith.disks.ext4 import attributes, directory
from goldsmith.disks.ext4.contents import Contents
from goldsmith.disks.ext4.groups import BLOCK, Groups
from goldsmith.disks.ext4.inode import (
    EXTENTS_FLAG,
    MOST_EXTENTS,
    Extent,
    Inode,
    device_content,
    extent_leaves,
    extent_root,
    leaves_needed,
    split,
)
from goldsmith.disks.ext4.walk import Node, walk

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT_INODE = 2
LOST_AND_FOUND = (b"lost+found", 11)
RUN_ALIGNMENT = (512 << 10) // BLOCK
FILES_PER_RUN = 256
SHORT_LINK = 60
PROGRESS_STEP = 16 << 20


def populate(
    fd: int,
    offset: int,
    epoch: int,
    progress: Callable[[int, int], None] | None = None,
    on_final: Callable[[int, int], None] | None = None,
) -> list[tuple[int, int]]:
    """Write the tree that this process is chrooted in into the fresh file system at byte ``offset`` of ``fd``.

    No time will be later than ``epoch``, in seconds. ``progress`` hears (bytes written, of how many). ``on_final``
    hears (begin, end): the bytes of ``fd`` between them are written, but for what is returned, as (begin, end) too.
    """
    nodes = walk()
    groups = Groups(fd, offset)
    total = sum(node.size for node in nodes if node.kind == stat.S_IFREG)
    with Contents(fd, offset, on_final) as contents:
        _Population(groups, contents, epoch, aligned=_fits_aligned(nodes, groups)).write(nodes, total, progress)
    groups.finish()
    return groups.rewritten


def _fits_aligned(nodes: list[Node], groups: Groups) -> bool:
    """Whether there is room for all runs to begin at multiples of RUN_ALIGNMENT."""
    files = [node for node in nodes if node.kind == stat.S_IFREG]
    runs = sum(_begins_run(node) for node in files)
    needed = sum(-(-node.size // BLOCK) for node in files) + 2 * runs * RUN_ALIGNMENT + 4 * len(nodes)
    return needed < groups.free_blocks


def _begins_run(node: Node) -> bool:
    """Whether a run begins at this file: by its name's hash, or as it fills a run of its own."""
    return zlib.crc32(node.path) % FILES_PER_RUN == 0 or node.size >= RUN_ALIGNMENT * BLOCK


class _Population:
    """One tree on its way into one file system."""

    def __init__(self, groups: Groups, contents: Contents, epoch: int, *, aligned: bool) -> None:
        self._groups = groups
        self._contents = contents
        self._epoch = epoch
        self._alignment = RUN_ALIGNMENT if aligned else 1
        self._chain = groups.chain
        self._inodes: dict[int, bytes] = {}

    def write(self, nodes: list[Node], total: int, progress: Callable[[int, int], None] | None) -> None:
        """Number the inodes, then write folders, links and devices, then the files' contents, then the inodes."""
        nodes[0].number = ROOT_INODE
        for node in nodes[1:]:
            node.number = self._groups.take_inode(directory=node.kind == stat.S_IFDIR)
        parents = {id(child): node for node in nodes for _, child in node.children if child.kind == stat.S_IFDIR}
        for node in nodes:
            if node.kind == stat.S_IFDIR:
                self._folder(node, parents.get(id(node), node))
            elif node.kind == stat.S_IFLNK:
                self._link(node)
            elif node.kind != stat.S_IFREG:
                content = device_content(os.major(node.device), os.minor(node.device))
                self._keep(node, content=content, size=0, flags=0, blocks=0)
        self._groups.align(self._alignment)
        done = told = 0
        previous_large = False
        for node in nodes:
            if node.kind != stat.S_IFREG:
                continue
            large = node.size >= RUN_ALIGNMENT * BLOCK
            if _begins_run(node) or previous_large:
                self._groups.align(self._alignment)
            self._file(node)
            previous_large = large
            done += node.size
            if progress and (done - told >= PROGRESS_STEP or done == total):
                told = done
                progress(done, total)
        self._groups.write_inodes(self._inodes)

    def _folder(self, node: Node, parent: Node) -> None:
        names = [(name, child.mode) for name, child in node.children]
        numbers = {name: child.number for name, child in node.children}
        folders = sum(child.kind == stat.S_IFDIR for _, child in node.children)
        if node.number == ROOT_INODE:
            names.append((LOST_AND_FOUND[0], stat.S_IFDIR))
            numbers[LOST_AND_FOUND[0]] = LOST_AND_FOUND[1]
            folders += 1
        numbers |= {b".": node.number, b"..": parent.number}
        blocks = directory.pack(directory.layout(names), numbers, node.number, self._chain)
        links = 2 + folders
        self._store(node, b"".join(blocks), links=links if links < directory.MOST_LINKS else 1)

    def _link(self, node: Node) -> None:
        target = os.readlink(b"/" + node.path)  # noqa: PTH115 - names are bytes
        if len(target) < SHORT_LINK:
            self._keep(node, content=target.ljust(60, b"\0"), size=len(target), flags=0, blocks=0)
        else:
            self._store(node, target)

    def _store(self, node: Node, data: bytes, *, links: int | None = None) -> None:
        """Write a folder's or link's few blocks and its inode."""
        count = -(-len(data) // BLOCK)
        at = 0
        extents: list[Extent] = []
        for first, length in self._places(node, count):
            self._contents.write(first, data[at * BLOCK : (at + length) * BLOCK])
            extents += split(at, first, length)
            at += length
        self._finish(node, extents, len(data), links)

    def _places(self, node: Node, count: int) -> list[tuple[int, int]]:
        """Take blocks; the root folder has one already."""
        if node.number != ROOT_INODE:
            return self._groups.take(count)
        return [(self._groups.root_block(), 1), *self._groups.take(count - 1)]

    def _file(self, node: Node) -> None:
        """Copy a file's data, but for stretches of zeros, and keep its inode."""
        extents: list[Extent] = []
        for logical, count in self._contents.read(node, MOST_EXTENTS // 2):
            at = logical
            for first, length in self._groups.take(count):
                self._contents.place(first, length)
                if extents and _continues(extents[-1], at, first, length):
                    last = extents.pop()
                    extents.append(Extent(last.logical, last.physical, last.count + length))
                else:
                    extents += split(at, first, length)
                at += length
        self._finish(node, extents, node.size, None)

    def _finish(self, node: Node, extents: list[Extent], size: int, links: int | None) -> None:
        leaves = [self._groups.take(1)[0][0] for _ in range(leaves_needed(len(extents)))]
        for block, data in zip(leaves, extent_leaves(extents, node.number, self._chain) if leaves else [], strict=True):
            self._contents.write(block, data)
        blocks = sum(extent.count for extent in extents) + len(leaves)
        content = extent_root(extents, leaves)
        self._keep(node, content=content, size=size, flags=EXTENTS_FLAG, blocks=blocks, links=links)

    def _keep(
        self, node: Node, *, content: bytes, size: int, flags: int, blocks: int, links: int | None = None
    ) -> None:
        """Pack the inode with its attributes for the table."""
        found = attributes.entries(node.attributes)
        inside = attributes.in_inode(found) if found else b""
        block = 0
        if inside is None:
            block = self._groups.take(1)[0][0]
            self._contents.write(block, attributes.in_block(found, block, self._chain, node.path))
        inode = Inode(
            mode=node.mode, uid=node.uid, gid=node.gid, size=size, mtime=min(node.mtime, self._epoch),
            epoch=self._epoch, links=links or len(node.names), blocks=blocks + bool(block), flags=flags,
            content=content, attributes=inside or b"", attribute_block=block,
        )  # fmt: skip
        self._inodes[node.number] = inode.pack(node.number, self._chain)


def _continues(last: Extent, logical: int, physical: int, count: int) -> bool:
    """Whether a stretch goes on where the extent ends, and the two may be one."""
    meets = last.logical + last.count == logical and last.physical + last.count == physical
    return meets and last.count + count <= 32768  # noqa: PLR2004 - the longest extent
