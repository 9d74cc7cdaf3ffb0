"""Looking into the disks of AMIs."""

from __future__ import annotations

import subprocess

from goldsmith.blocks.disk_files import restore_disk
from goldsmith.disks.reading import export_tar

from .steps import ACCOUNT, REGION


def disk_map(world, ami):
    """Return the name of the block map of an AMI's disk."""
    with world.catalog(ACCOUNT, REGION, writes=False) as catalog:
        ebs = catalog.get("image", ami).document["BlockDeviceMappings"][0]["Ebs"]
        return catalog.get("snapshot", ebs["SnapshotId"]).inner["map"]


def file_in(world, ami, name, tmp_path):
    """Return what a file of an AMI's root file system holds, None where it has none."""
    store = world.blocks(REGION)
    restore_disk(store, store.load_map(disk_map(world, ami)), tmp_path / "disk.raw")
    with (tmp_path / "root.tar").open("wb") as out:
        export_tar(tmp_path / "disk.raw", "raw", out)
    found = subprocess.run(["tar", "-xOf", tmp_path / "root.tar", f"./{name}"], capture_output=True, check=False)
    return found.stdout.decode() if found.returncode == 0 else None
