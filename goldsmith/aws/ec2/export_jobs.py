"""What an export does after its answer: blocks become a disk file, which appears in the bucket when it is whole."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from goldsmith.aws.buckets import open_bucket
from goldsmith.aws.disk_images import write_disk
from goldsmith.aws.ec2.task_records import ACTIVE, CANCELLED, COMPLETED, TaskCancelledError, noted, report, working
from goldsmith.blocks.disk_files import restore_disk

if TYPE_CHECKING:
    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.resources import Resource

PACE = 2.0
"""Seconds between two looks at whether an export is still wanted."""


def export_image(cloud: Cloud, task: Resource) -> None:
    """Write an AMI's disk to its bucket; the task's record tells what came of it."""
    store = cloud.blocks(task.region)
    looked = time.monotonic()

    def look(done: int, of: int) -> None:
        nonlocal looked
        if time.monotonic() - looked > PACE:
            looked = time.monotonic()
            report(cloud, task, 5 + 45 * done // of, "converting")

    with working(cloud, task) as folder:
        bucket = open_bucket(cloud, task.account, task.document["S3ExportLocation"]["S3Bucket"])
        report(cloud, task, 5, "converting")
        raw, image = folder / "disk.raw", folder / "image"
        restore_disk(store, store.load_map(task.inner["map"]), raw, progress=look)
        report(cloud, task, 50, "converting")
        write_disk(raw, task.document["DiskImageFormat"], image)
        report(cloud, task, 80, "uploading")
        bucket.write(task.inner["key"], image)
        with cloud.catalog(task.account, task.region) as catalog:
            there = catalog.own(task.kind, task.id)
            if there is None or there.state != ACTIVE:
                raise TaskCancelledError(CANCELLED)
            catalog.save(noted(there, state=COMPLETED, Progress=None, StatusMessage=None).knowing(map=None))
