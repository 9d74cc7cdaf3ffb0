"""What CreateImage does after its answer: one moment of all volumes, then what changed becomes snapshots."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from goldsmith.aws.wire.times import iso
from goldsmith.errors import GoldsmithError
from goldsmith.machines.instances.capture import Capture, freeze, release, store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.accounts import Account

log = logging.getLogger(__name__)

LOST = "The server ended before it had kept the moment of this image."


def capture_image(
    cloud: Cloud, account: Account | str, region: str, image_id: str, snapshots: Mapping[str, str], *, reboot: bool
) -> None:
    """Keep the moment of an instance's volumes and store it as the snapshots that were promised.

    ``snapshots`` maps volume ids to snapshot ids. With ``reboot`` the guest shuts down, so that everything is written,
    its disks' moment is kept, and it starts again. The image is available then, or failed.
    """
    with cloud.locked(image_id):
        if _keep_moment(cloud, account, region, image_id, snapshots, reboot=reboot):
            store_image(cloud, account, region, image_id)


def _keep_moment(
    cloud: Cloud, account: Account | str, region: str, image_id: str, snapshots: Mapping[str, str], *, reboot: bool
) -> bool:
    """Freeze the volumes and record how; tell whether there is something to store."""
    with cloud.catalog(account, region, writes=False) as catalog:
        image = catalog.own("image", image_id)
    if image is None or image.state != "pending":
        return False
    instance_id = str(image.document["SourceInstanceId"])
    try:
        with cloud.locked(instance_id):
            if reboot:
                cloud.instances.stop(instance_id)
            try:
                capture = freeze(cloud.instances, image_id, tuple(snapshots))
            finally:
                if reboot:
                    cloud.instances.start(instance_id)
    except (GoldsmithError, OSError) as failed:
        fail_image(cloud, account, region, image_id, str(failed))
        return False
    with cloud.catalog(account, region) as catalog:
        if (image := catalog.own("image", image_id)) is not None:
            catalog.save(image.knowing(capture=capture.as_json(), snapshots=dict(snapshots)))
    return True


def store_image(cloud: Cloud, account: Account | str, region: str, image_id: str) -> None:
    """Store what was kept for an image; it may be repeated until the image is available, or failed."""
    with cloud.catalog(account, region, writes=False) as catalog:
        image = catalog.own("image", image_id)
    if image is None or image.state != "pending":
        return
    if "capture" not in image.inner:
        fail_image(cloud, account, region, image_id, LOST)
        return
    capture = Capture.from_json(image.inner["capture"])
    try:
        with cloud.blocks(region).writing() as writing:
            maps = {
                volume_id: writing.save(stored.block_map)
                for volume_id, stored in store(cloud.instances, capture, writing).items()
            }
            _complete(cloud, account, region, image_id, maps)
    except (GoldsmithError, OSError) as failed:
        fail_image(cloud, account, region, image_id, str(failed))
    finally:
        release(cloud.instances, capture)


def fail_image(cloud: Cloud, account: Account | str, region: str, image_id: str, reason: str) -> None:
    """Record that an image, and with it its snapshots, could not be made."""
    log.warning("Image %s failed: %s", image_id, reason)
    said: dict[str, Any] = {"Code": "Server.InternalError", "Message": f"Server.InternalError: {reason}"}
    with cloud.catalog(account, region) as catalog:
        image = catalog.own("image", image_id)
        if image is None or image.state != "pending":
            return
        catalog.save(image.having(state="failed", StateReason=said).knowing(capture=None))
        for mapping in image.document["BlockDeviceMappings"]:
            snapshot = catalog.own("snapshot", mapping.get("Ebs", {}).get("SnapshotId", ""))
            if snapshot is not None and snapshot.inner.get("image") == image_id:
                catalog.save(snapshot.having(state="error", StateMessage=reason))


def _complete(cloud: Cloud, account: Account | str, region: str, image_id: str, maps: Mapping[str, str]) -> None:
    """Let snapshots and image appear whole; an image that was deregistered meanwhile stays away."""
    with cloud.catalog(account, region) as catalog:
        image = catalog.own("image", image_id)
        if image is None:
            return
        for volume_id, snapshot_id in image.inner["snapshots"].items():
            if (snapshot := catalog.own("snapshot", snapshot_id)) is not None:
                done = snapshot.having(state="completed", Progress="100%", CompletionTime=iso(cloud.clock()))
                catalog.save(done.knowing(map=maps[volume_id]))
        available = image.having(state="available") if image.state == "pending" else image
        catalog.save(available.knowing(capture=None, snapshots=None))
