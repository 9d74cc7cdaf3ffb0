"""The root partition's file system: mke2fs lays it out, the tree is written into it."""

from __future__ import annotations

import os
import struct
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.populate import populate
from goldsmith.disks.tools import run_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from goldsmith.disks.packing import Packing
    from goldsmith.disks.partitions import Layout
    from goldsmith.disks.plan import DiskPlan
    from goldsmith.guests.workspace import Workspace

_BLOCK = 4096
_MESSAGE = struct.Struct("=BQQ")
_PROGRESS, _FINAL = range(2)
_FEATURES = (
    "none", "has_journal", "ext_attr", "resize_inode", "dir_index", "filetype", "extent", "64bit", "flex_bg",
    "sparse_super", "large_file", "huge_file", "dir_nlink", "extra_isize", "metadata_csum",
)  # fmt: skip
"""Debian 12's own, spelt out so that no host's mke2fs.conf decides; GRUB 2.04 and Linux 4 read them."""


def write_root(
    workspace: Workspace,
    root: Path,
    plan: DiskPlan,
    layout: Layout,
    disk: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    packing: Packing | None = None,
) -> None:
    """Write the tree ``root`` of the workspace into the disk's root partition.

    ``progress`` hears (bytes written, of how many) and ``packing`` what is final, in a thread.
    """
    offset, size = layout.root.offset, layout.root.size
    options = (
        f"offset={offset},hash_seed={plan.hash_seed},root_owner=0:0,"
        "lazy_itable_init=0,lazy_journal_init=1,assume_storage_prezeroed=1,nodiscard"
    )
    run_tool(
        ["mke2fs", "-q", "-F", "-b", str(_BLOCK), "-I", "256", "-i", "16384", "-m", "1", "-J", "size=64",
         "-O", ",".join(_FEATURES), "-U", str(plan.root_uuid), "-L", plan.label, "-E", options,
         str(disk), str(size // _BLOCK)],
        env={"E2FSPROGS_FAKE_TIME": str(plan.epoch), "MKE2FS_CONFIG": os.devnull},
    )  # fmt: skip
    hear = {_PROGRESS: progress, _FINAL: packing.final if packing else None}
    with disk.open("r+b") as file, _heard({kind: heard for kind, heard in hear.items() if heard}) as tell:
        told = (tell.get(_PROGRESS), tell.get(_FINAL))
        rewritten = workspace.call(populate, file.fileno(), offset, plan.epoch, *told, chroot=root)
    if packing:
        for begin, end in rewritten:
            packing.rewritten(begin, end)


@contextmanager
def _heard(listeners: Mapping[int, Callable[[int, int], None]]) -> Iterator[dict[int, Callable[[int, int], None]]]:
    """Yield, for each listener, what a child process calls so that the listener is called in this one."""
    reader, writer = os.pipe()

    def tell(kind: int, first: int, second: int) -> None:
        os.write(writer, _MESSAGE.pack(kind, first, second))

    def listen() -> None:
        with os.fdopen(reader, "rb") as pipe:
            while message := pipe.read(_MESSAGE.size):
                kind, first, second = _MESSAGE.unpack(message)
                listeners[kind](first, second)

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        yield {kind: partial(tell, kind) for kind in listeners}
    finally:
        os.close(writer)
        listener.join()
