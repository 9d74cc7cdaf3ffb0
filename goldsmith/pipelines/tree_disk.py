"""A tree from elsewhere that has a kernel, of a root archive or a container image, becomes a bootable disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from goldsmith.disks.boot import boot_files
from goldsmith.disks.plan import DEFAULT_SIZE, GIB, DiskPlan
from goldsmith.errors import GoldsmithError
from goldsmith.guests.workspace import Workspace
from goldsmith.pipelines.bake import furnish_disk
from goldsmith.pipelines.growing_tree import GrowingTree
from goldsmith.pipelines.home import memory_for_work
from goldsmith.pipelines.sealed_disk import write_disk
from goldsmith.trees.kernels import newest_kernel, settle_kernels

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.guests.guest import Guest
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.plan import FileParent, OciParent
    from goldsmith.pipelines.progress import Stages

_LINKS = """
set -eu
if [ -e /vmlinuz ] && [ -e /initrd.img ]; then exit 0; fi
if [ ! -e /vmlinuz ] && [ -e /boot/vmlinuz ] && [ -e /boot/initrd.img ]; then exit 0; fi
for kernel in $(ls -t /boot/vmlinuz-*); do
    version=${kernel#/boot/vmlinuz-}
    for initrd in "initrd.img-$version" "initramfs-$version.img" "initrd-$version"; do
        if [ -e "/boot/$initrd" ]; then
            rm -f /vmlinuz
            ln -sf "vmlinuz-$version" /boot/vmlinuz
            ln -sf "$initrd" /boot/initrd.img
            exit 0
        fi
    done
done
exit 1
"""
"""The menu (disks/boot.py) names links, as Debian's kernel packages set them: they are made where others do not."""


class TreeRefusedError(GoldsmithError):
    """A tree that is no machine's, and what it lacks."""


def write_tree_disk(parent: FileParent | OciParent, home: Home, stages: Stages, logs: Path, raw: Path) -> None:
    """Lay a tree in a workspace and write it as a disk to ``raw``, as large as it needs and at least the default.

    Raises TreeRefusedError for a tree without a kernel, an initramfs or an init.
    """
    with (
        Workspace(home.path, memory=memory_for_work()) as workspace,
        GrowingTree(parent, home, workspace, stages, logs) as tree,
    ):
        tree.lay_parent()
        lacks, size = tree.look(_look)
        if lacks:
            raise _refused(parent, lacks)
        plan = DiskPlan.derive(parent.key.digest, tree.epoch, size)
        with stages.stage("make bootable"), tree.sealing() as guest:
            if not _settled(guest, tree.epoch):
                raise _refused(parent, "initramfs in /boot")
            furnish_disk(guest, boot_files(plan), tree.epoch)
        write_disk(tree, plan, raw, stages, scan=None)
        with stages.stage("keep layers"):
            tree.keep()


def _look(root: Path) -> tuple[str, int]:
    """Return what the tree lacks to boot, and the size of a disk with room for it, in bytes."""
    lacks = ""
    if not newest_kernel():
        lacks = "kernel in /boot"
    elif not (root / "sbin/init").exists():
        lacks = "/sbin/init"
    used = sum(
        os.lstat(os.path.join(folder, name)).st_blocks * 512  # noqa: PTH118 - names are of any bytes
        for folder, names, files in os.walk(os.fsencode(root))
        for name in [*names, *files]
    )
    return lacks, max(DEFAULT_SIZE, -(-used * 3 // 2 // GIB) * GIB)


def _settled(guest: Guest, epoch: int) -> bool:
    """Make a Debian's missing initramfs, and the menu's links; tell whether some kernel has an initramfs."""
    if not guest.run(["sh", "-c", "command -v update-initramfs"]).exit_code:
        settle_kernels(guest, epoch=epoch)
    return not guest.run(["sh", "-c", _LINKS]).exit_code


def _refused(parent: FileParent | OciParent, lacks: str) -> TreeRefusedError:
    return TreeRefusedError(
        f"{parent.reference} has no {lacks}, so it is no machine's system and cannot boot.",
        mend=f"Build a recipe on it, with parentImage: {parent.reference} and a component that installs what lacks: on "
        "Debian linux-image-cloud-amd64, systemd-sysv, systemd-resolved, openssh-server and cloud-init.",
    )
