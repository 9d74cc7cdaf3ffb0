"""What CreateImage does after its answer: one moment of all volumes, then what changed becomes snapshots."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from goldsmith.aws.wire.times import iso
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.accounts import Account

log = logging.getLogger(__name__)


def capture_image(
    cloud: Cloud, account: Account | str, region: str, image_id: str, snapshots: Mapping[str, str], *, reboot: bool
) -> None:
    """Store an instance's volumes as the snapshots that were promised; the image is available then, or failed.

    ``snapshots`` maps volume ids to snapshot ids. With ``reboot`` the guest shuts down, so that everything is written,
    its disks' moment is kept, and it starts again.
    """
    with cloud.catalog(account, region, writes=False) as catalog:
        image = catalog.own("image", image_id)
    if image is None or image.state != "pending":
        return
    try:
        maps = take(cloud, str(image.document["SourceInstanceId"]), region, tuple(snapshots), reboot=reboot)
    except (GoldsmithError, OSError) as failed:
        log.warning("Image %s failed: %s", image_id, failed)
        _fail(cloud, account, region, image_id, snapshots, str(failed))
        return
    with cloud.catalog(account, region) as catalog:
        for volume_id, snapshot_id in snapshots.items():
            if (snapshot := catalog.own("snapshot", snapshot_id)) is not None:
                done = snapshot.having(state="completed", Progress="100%", CompletionTime=iso(cloud.clock()))
                catalog.save(done.knowing(map=maps[volume_id]))
        if (image := catalog.own("image", image_id)) is not None and image.state == "pending":
            catalog.save(image.having(state="available"))


def take(cloud: Cloud, instance_id: str, region: str, volumes: tuple[str, ...], *, reboot: bool) -> dict[str, str]:
    """Return the names of the maps of ``volumes``, all of one moment, stored in the region's block store."""
    with cloud.locked(instance_id):
        if reboot:
            cloud.instances.stop(instance_id)
        frozen = cloud.instances.freeze(volumes)
        if reboot:
            cloud.instances.start(instance_id)
    with cloud.blocks(region).writing() as writing:
        stored = cloud.instances.store(frozen, writing)
        return {volume_id: writing.save(block_map) for volume_id, block_map in stored.items()}


def _fail(
    cloud: Cloud, account: Account | str, region: str, image_id: str, snapshots: Mapping[str, str], reason: str
) -> None:
    said: dict[str, Any] = {"Code": "Server.InternalError", "Message": f"Server.InternalError: {reason}"}
    with cloud.catalog(account, region) as catalog:
        if (image := catalog.own("image", image_id)) is not None:
            catalog.save(image.having(state="failed", StateReason=said))
        for snapshot_id in snapshots.values():
            if (snapshot := catalog.own("snapshot", snapshot_id)) is not None:
                catalog.save(snapshot.having(state="error", StateMessage=reason))
