"""What copies do after their answer: blocks travel between regions' stores, and records say how far they are."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from goldsmith.aws.ec2.snapshot_records import completed, failed, record_failure, report_progress
from goldsmith.blocks.copies import copy_map
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource

PACE = 2.0
"""Seconds between two looks at whether a copy is still wanted."""

log = logging.getLogger(__name__)


class NotWantedError(GoldsmithError):
    """What was being copied has been deleted or deregistered meanwhile."""


class CopyError(GoldsmithError):
    """An image cannot be copied any more, because one of its snapshots cannot be."""


def copy_snapshot(cloud: Cloud, snapshot: Resource) -> None:
    """Bring a pending copy its contents; whatever goes wrong is told in its record."""
    try:
        _copy(cloud, snapshot, lambda: True)
    except NotWantedError:
        log.info("The copy %s was given up: it is deleted", snapshot.id)
    except (GoldsmithError, OSError) as failure:
        record_failure(cloud, snapshot, str(failure))


def copy_image(cloud: Cloud, image: Resource) -> None:
    """Bring the snapshots of a pending copy of an AMI their contents; it is available then, or failed.

    One that is deregistered meanwhile takes its unfinished snapshots with it.
    """
    names = snapshots_of(image)
    try:
        for name in names:
            snapshot = _sound(cloud, image, name)
            if snapshot.state == "pending":
                _copy(cloud, snapshot, lambda: _is_pending(cloud, image))
        _finish(cloud, image)
    except NotWantedError:
        _discard(cloud, image, names)
    except (GoldsmithError, OSError) as failure:
        fail_image(cloud, image, str(failure))


def fail_image(cloud: Cloud, image: Resource, message: str) -> None:
    """Put a pending AMI into the state failed, and those of its snapshots that are pending into the state error."""
    log.warning("Image %s failed: %s", image.id, message)
    with cloud.catalog(image.account, image.region) as catalog:
        there = catalog.own("image", image.id)
        if there is not None and there.state == "pending":
            reason = {"Code": "Server.InternalError", "Message": f"Server.InternalError: {message}"}
            catalog.save(there.having(state="failed", StateReason=reason).knowing(copying=None))
        for snapshot in _pending(catalog, snapshots_of(image)):
            catalog.save(failed(snapshot, message))


def snapshots_of(image: Resource) -> list[str]:
    """Return the ids of an AMI's snapshots."""
    mappings = image.document.get("BlockDeviceMappings", [])
    return [str(mapping["Ebs"]["SnapshotId"]) for mapping in mappings if mapping.get("Ebs", {}).get("SnapshotId")]


def _sound(cloud: Cloud, image: Resource, name: str) -> Resource:
    """Return a snapshot of an image, unless it is gone or has failed."""
    with cloud.catalog(image.account, image.region, writes=False) as catalog:
        snapshot = catalog.own("snapshot", name)
    if snapshot is None:
        raise CopyError(f"The snapshot {name} was deleted while the image was copied.")
    if snapshot.state == "error":
        raise CopyError(str(snapshot.document.get("StateMessage")))
    return snapshot


def _copy(cloud: Cloud, snapshot: Resource, is_wanted: Callable[[], bool]) -> None:
    source = cloud.blocks(snapshot.inner["copy"]["region"])
    target = cloud.blocks(snapshot.region)
    name = str(snapshot.inner["copy"]["map"])
    looked = time.monotonic()

    def look(done: int, of: int) -> None:
        nonlocal looked
        if time.monotonic() - looked > PACE:
            looked = time.monotonic()
            if not (is_wanted() and report_progress(cloud, snapshot, done * 100 // of)):
                raise NotWantedError(f"The copy {snapshot.id} is not wanted any more.")

    if not is_wanted():
        raise NotWantedError(f"The copy {snapshot.id} is not wanted any more.")
    with target.writing():
        copied = copy_map(source, target, name, progress=look)
        block_map = target.load_map(copied.name)
        with cloud.catalog(snapshot.account, snapshot.region) as catalog:
            there = catalog.own("snapshot", snapshot.id)
            if there is None:
                raise NotWantedError(f"The copy {snapshot.id} is not wanted any more.")
            catalog.save(completed(there, copied.name, block_map, cloud.clock()))
    log.info("Copied %s: %d of %d blocks travelled", snapshot.id, copied.sent_blocks, copied.blocks)


def _is_pending(cloud: Cloud, image: Resource) -> bool:
    with cloud.catalog(image.account, image.region, writes=False) as catalog:
        there = catalog.own("image", image.id)
    return there is not None and there.state == "pending"


def _finish(cloud: Cloud, image: Resource) -> None:
    with cloud.catalog(image.account, image.region) as catalog:
        there = catalog.own("image", image.id)
        if there is None or there.state != "pending":
            raise NotWantedError(f"The image {image.id} is not wanted any more.")
        catalog.save(there.having(state="available").knowing(copying=None))


def _discard(cloud: Cloud, image: Resource, names: list[str]) -> None:
    """Remove the snapshots of a cancelled copy that are not complete; complete ones stay, as any AMI's would."""
    with cloud.catalog(image.account, image.region) as catalog:
        for snapshot in _pending(catalog, names):
            catalog.remove(snapshot)


def _pending(catalog: Catalog, names: list[str]) -> list[Resource]:
    found = (catalog.own("snapshot", name) for name in names)
    return [snapshot for snapshot in found if snapshot is not None and snapshot.state == "pending"]
