"""What a server that was killed had promised of snapshots, images and tasks: taken up again, or told as failed."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

from goldsmith.aws.ebs.uploads import finish
from goldsmith.aws.ec2.bundle_jobs import restore_image, store_image
from goldsmith.aws.ec2.copy_jobs import copy_image, copy_snapshot, fail_image, snapshots_of
from goldsmith.aws.ec2.export_jobs import export_image
from goldsmith.aws.ec2.image_jobs import store_image as store_instance
from goldsmith.aws.ec2.import_jobs import import_image, import_snapshot
from goldsmith.aws.ec2.snapshot_jobs import store_capture
from goldsmith.aws.ec2.snapshot_records import record_failure
from goldsmith.aws.ec2.task_records import (
    ACTIVE,
    DELETING,
    EXPORT_IMAGE,
    IMPORT_IMAGE,
    IMPORT_SNAPSHOT,
    KINDS,
    STORE_IMAGE,
)
from goldsmith.catalog.resources import every
from goldsmith.machines.instances.capture import Capture, release
from goldsmith.machines.instances.volumes import Volumes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.resources import Resource

ENDED = "The server ended before the volumes' moment was kept."

_TASKS: dict[str, Callable[[Cloud, Resource], None]] = {
    IMPORT_IMAGE: import_image,
    IMPORT_SNAPSHOT: import_snapshot,
    EXPORT_IMAGE: export_image,
    STORE_IMAGE: store_image,
}


def resume(cloud: Cloud) -> None:
    """Take up what is pending: to be called once, when a server starts and before it answers.

    Copies, imports, exports, restores and uploads that were complete go on. A capture whose moment is kept is stored;
    one whose moment is not is failed, as that moment is over. Folders of tasks that are over are removed.
    """
    with cloud.database.reading() as connection:
        snapshots = list(every(connection, "snapshot", states=("pending",)))
        images = list(every(connection, "image", states=("pending",)))
        tasks = [task for kind in KINDS for task in every(connection, kind, states=(ACTIVE, DELETING))]
    _sweep(cloud, {task.id for task in tasks})
    of_images = {name for image in images for name in snapshots_of(image)}
    for image in images:
        _resume_image(cloud, image)
    _resume_snapshots(cloud, [snapshot for snapshot in snapshots if snapshot.id not in of_images])
    for task in tasks:
        cloud.queue(partial(_TASKS[task.kind], cloud, task))


def _resume_image(cloud: Cloud, image: Resource) -> None:
    if cloud.is_locked(image.id):
        return
    if "capture" in image.inner:
        cloud.submit(partial(store_instance, cloud, image.account, image.region, image.id))
    elif "copying" in image.inner:
        cloud.queue(partial(copy_image, cloud, image))
    elif "restore" in image.inner:
        cloud.queue(partial(restore_image, cloud, image))
    else:
        fail_image(cloud, image, ENDED)


def _resume_snapshots(cloud: Cloud, snapshots: Sequence[Resource]) -> None:
    captures: dict[str, dict[str, Resource]] = {}
    for snapshot in snapshots:
        if "sealed" in snapshot.inner:
            cloud.queue(partial(finish, cloud, snapshot))
        elif "copy" in snapshot.inner:
            cloud.queue(partial(copy_snapshot, cloud, snapshot))
        elif "frozen" in snapshot.inner:
            of_capture = captures.setdefault(snapshot.inner["frozen"]["name"], {})
            of_capture[str(snapshot.document["VolumeId"])] = snapshot
        elif "upload" not in snapshot.inner:
            record_failure(cloud, snapshot, ENDED)
    _release_others(cloud, set(captures))
    for together in captures.values():
        capture = Capture.from_json(next(iter(together.values())).inner["frozen"])
        cloud.submit(partial(store_capture, cloud, capture, together))


def _release_others(cloud: Cloud, wanted: set[str]) -> None:
    """Let captures go that were stored, or failed, just before the server was killed."""
    kept = Volumes(cloud.home.volumes, cloud.home.instances).captures()
    for name, volumes in kept.items():
        if name.startswith("snap-") and name not in wanted:
            release(cloud.instances, Capture(name, "", dict.fromkeys(volumes, ())))


def _sweep(cloud: Cloud, alive: set[str]) -> None:
    for folder in (cloud.home.path / "tasks").glob("*"):
        if folder.name not in alive:
            shutil.rmtree(folder, ignore_errors=True)
