"""The root partition's file system: mke2fs lays it out, the tree is written into it."""

from __future__ import annotations

import os
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.populate import populate
from goldsmith.disks.tools import run_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldsmith.disks.partitions import Layout
    from goldsmith.disks.plan import DiskPlan
    from goldsmith.guests.workspace import Workspace

_BLOCK = 4096
_STEP = 4 << 20
_AMOUNTS = struct.Struct("=QQ")
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
) -> None:
    """Write the tree ``root`` of the workspace into the disk's root partition.

    ``progress`` hears (bytes written, of how many), in a thread.
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
    with disk.open("r+b") as file, _heard(progress) as report:
        workspace.call(populate, file.fileno(), offset, plan.epoch, report, chroot=root)


@contextmanager
def _heard(progress: Callable[[int, int], None] | None) -> Iterator[Callable[[int, int], None] | None]:
    """Yield what a child process calls so that ``progress`` is called in this one, every few MiB."""
    if progress is None:
        yield None
        return
    reader, writer = os.pipe()
    last = 0

    def report(done: int, total: int) -> None:
        nonlocal last
        if done - last >= _STEP or done == total:
            last = done
            os.write(writer, _AMOUNTS.pack(done, total))

    def listen() -> None:
        with os.fdopen(reader, "rb") as pipe:
            while amounts := pipe.read(_AMOUNTS.size):
                progress(*_AMOUNTS.unpack(amounts))

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        yield report
    finally:
        os.close(writer)
        listener.join()
