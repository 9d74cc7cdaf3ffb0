"""The root partition's file system: mke2fs lays it out, the tree is written into it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.populate import populate
from goldsmith.disks.tools import run_tool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.disks.partitions import Layout
    from goldsmith.disks.plan import DiskPlan
    from goldsmith.guests.workspace import Workspace

_BLOCK = 4096
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

    ``progress`` is called in a child process, with (bytes written, of how many).
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
    with disk.open("r+b") as file:
        workspace.call(populate, file.fileno(), offset, plan.epoch, progress, chroot=root)
