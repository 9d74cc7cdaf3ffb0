"""Looking into the disks of AMIs."""

from __future__ import annotations

import tarfile

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
    tar = tmp_path / f"{ami}.tar"
    if not tar.exists():
        store = world.blocks(REGION)
        restore_disk(store, store.load_map(disk_map(world, ami)), tmp_path / "disk.raw")
        with tar.open("wb") as out:
            export_tar(tmp_path / "disk.raw", "raw", out)
    with tarfile.open(tar) as files:
        try:
            found = files.extractfile(f"./{name}")
        except KeyError:
            return None
        return found.read().decode()
