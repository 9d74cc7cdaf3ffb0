"""What storing and restoring AMIs do after their answer: blocks go into one file of a bucket, and come back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from goldsmith.aws.buckets import BucketError, open_bucket
from goldsmith.aws.ec2.bundle_records import record_of
from goldsmith.aws.ec2.copy_jobs import fail_image
from goldsmith.aws.ec2.snapshot_records import GIB, completed
from goldsmith.aws.ec2.task_records import ACTIVE, CANCELLED, COMPLETED, TaskCancelledError, noted, report, working
from goldsmith.aws.image_bundle import BundleError, read_bundle, write_bundle
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.resources import Resource

PACE = 2.0
"""Seconds between two looks at whether the work is still wanted."""


def store_image(cloud: Cloud, task: Resource) -> None:
    """Write an AMI to its bucket; the task's record tells what came of it."""
    looked = time.monotonic()

    def look(done: int, of: int) -> None:
        nonlocal looked
        if time.monotonic() - looked > PACE:
            looked = time.monotonic()
            report(cloud, task, 80 * done // of, "InProgress")

    with working(cloud, task) as folder:
        report(cloud, task, 1, "InProgress")
        bucket = open_bucket(cloud, task.account, task.document["Bucket"])
        with cloud.catalog(task.account, task.region, writes=False) as catalog:
            image = catalog.own("image", task.document["AmiId"])
            found = {name: catalog.get("snapshot", name) for name in task.inner["maps"]}
        if image is None or not all(found.values()):
            raise TaskCancelledError("The image or a snapshot of it was deleted meanwhile.")
        sizes = {name: int(snapshot.document["VolumeSize"]) for name, snapshot in found.items() if snapshot}
        record = record_of(image, task.inner["maps"], sizes, task.inner["image_tags"])
        bundle = folder / "bundle"
        write_bundle(cloud.blocks(task.region), record, task.inner["maps"].values(), bundle, look)
        report(cloud, task, 80, "InProgress")
        bucket.write(task.document["S3objectKey"], bundle, task.inner["tags"])
        with cloud.catalog(task.account, task.region) as catalog:
            there = catalog.own(task.kind, task.id)
            if there is None or there.state != ACTIVE:
                raise TaskCancelledError(CANCELLED)
            catalog.save(noted(there, state=COMPLETED, Progress=None, StatusMessage=None).knowing(maps=None))


def restore_image(cloud: Cloud, image: Resource) -> None:
    """Bring a pending AMI its contents from a bundle; it is available then, or failed."""
    place = image.inner["restore"]
    store = cloud.blocks(image.region)
    try:
        bucket = open_bucket(cloud, image.account, place["bucket"])
        with bucket.read(place["key"]) as bundle, store.writing() as writing:
            names = read_bundle(bundle, writing, f"{place['bucket']}/{place['key']}")
            with cloud.catalog(image.account, image.region) as catalog:
                there = catalog.own("image", image.id)
                if there is None or there.state != "pending":
                    for snapshot_id in place["maps"]:
                        if (left := catalog.own("snapshot", snapshot_id)) is not None:
                            catalog.remove(left)
                    return
                for snapshot_id, old in place["maps"].items():
                    if old not in names:
                        raise BundleError(f"The bundle lacks the map {old[:64]}.")
                    snapshot = catalog.own("snapshot", snapshot_id)
                    block_map = store.load_map(names[old])
                    if snapshot is None or block_map.size > int(snapshot.document["VolumeSize"]) * GIB:
                        raise BundleError("The bundle's record does not fit its snapshots, or one was deleted.")
                    catalog.save(completed(snapshot, names[old], block_map, cloud.clock()))
                catalog.save(there.having(state="available").knowing(restore=None))
    except (GoldsmithError, BucketError, OSError) as failure:
        fail_image(cloud, image, failure.message if isinstance(failure, GoldsmithError) else str(failure))
