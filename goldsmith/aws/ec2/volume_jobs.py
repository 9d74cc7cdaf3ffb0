"""What is done to volumes' data after an answer: made, attached, detached, deleted."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import KINDS
from goldsmith.errors import GoldsmithError
from goldsmith.machines.instances.spec import AttachedVolume, InstanceError

if TYPE_CHECKING:
    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.accounts import Account
    from goldsmith.catalog.resources import Resource

GIBIBYTE = 1 << 30
FORCED_PATIENCE = 60.0
"""Seconds more that a guest gets to let a volume go when the detachment is forced."""
log = logging.getLogger(__name__)


def lay_out(cloud: Cloud, volume: Resource) -> None:
    """Make a volume's folder: its snapshot's map, and an empty file above it that takes the writes."""
    store = cloud.blocks(volume.region)
    base = store.load_map(volume.inner["map"]) if volume.inner.get("map") else None
    cloud.instances.volumes.create(volume.id, int(volume.document["Size"]) * GIBIBYTE, store.url, base)


def make_volume(cloud: Cloud, account: Account | str, region: str, volume_id: str) -> None:
    """Make a new volume's data; it is available then, or in the state error."""
    volume = _read(cloud, account, region, volume_id)
    if volume is None or volume.state != "creating":
        return
    try:
        lay_out(cloud, volume)
    except (GoldsmithError, OSError) as failed:
        log.warning("Volume %s could not be made: %s", volume_id, failed)
        _save(cloud, account, region, volume_id, state="error")
        return
    _save(cloud, account, region, volume_id, state="available")


def delete_volume(cloud: Cloud, account: Account | str, region: str, volume_id: str) -> None:
    """Remove a volume's data and its record."""
    cloud.instances.volumes.delete(volume_id)
    with cloud.catalog(account, region) as catalog:
        if (volume := catalog.own("volume", volume_id)) is not None:
            catalog.remove(volume)


def attach_volume(cloud: Cloud, account: Account | str, region: str, volume_id: str) -> None:
    """Plug a volume in; on failure it is available again, and the instance is without it."""
    volume = _read(cloud, account, region, volume_id)
    if volume is None or not volume.document["Attachments"]:
        return
    attachment = volume.document["Attachments"][0]
    try:
        with cloud.locked(attachment["InstanceId"]):
            cloud.instances.attach(attachment["InstanceId"], AttachedVolume(volume_id, attachment["Device"]))
    except (GoldsmithError, OSError) as failed:
        log.warning("Volume %s could not be attached: %s", volume_id, failed)
        _forget_attachment(cloud, account, region, volume_id)
        return
    with cloud.catalog(account, region) as catalog:
        if (volume := catalog.own("volume", volume_id)) is None or not volume.document["Attachments"]:
            return
        catalog.save(volume.having(Attachments=[{**volume.document["Attachments"][0], "State": "attached"}]))
        if (instance := catalog.own("instance", attachment["InstanceId"])) is not None:
            catalog.save(instance.having(BlockDeviceMappings=_with_status(instance, volume_id, "attached")))


def detach_volume(cloud: Cloud, account: Account | str, region: str, volume_id: str, *, force: bool) -> None:
    """Unplug a volume; one that the guest does not let go stays attached and busy."""
    volume = _read(cloud, account, region, volume_id)
    if volume is None or not volume.document["Attachments"]:
        return
    attachment = volume.document["Attachments"][0]
    try:
        with cloud.locked(attachment["InstanceId"]):
            gone = cloud.instances.detach(attachment["InstanceId"], volume_id)
        if not gone and force:
            gone = cloud.instances.detach(attachment["InstanceId"], volume_id, patience=FORCED_PATIENCE)
        if not gone:
            raise InstanceError(f"The guest of {attachment['InstanceId']} does not let {volume_id} go.")
    except (GoldsmithError, OSError) as failed:
        log.warning("Volume %s could not be detached: %s", volume_id, failed)
        _save(cloud, account, region, volume_id, Attachments=[{**attachment, "State": "busy"}])
        return
    _forget_attachment(cloud, account, region, volume_id)


def _with_status(instance: Resource, volume_id: str, status: str) -> list[dict[str, Any]]:
    return [
        {**mapping, "Ebs": {**mapping["Ebs"], "Status": status}} if mapping["Ebs"]["VolumeId"] == volume_id else mapping
        for mapping in instance.document["BlockDeviceMappings"]
    ]


def _forget_attachment(cloud: Cloud, account: Account | str, region: str, volume_id: str) -> None:
    with cloud.catalog(account, region) as catalog:
        volume = catalog.own("volume", volume_id)
        if volume is None:
            return
        for attachment in volume.document["Attachments"]:
            if (instance := catalog.own("instance", attachment["InstanceId"])) is not None:
                mappings = instance.document["BlockDeviceMappings"]
                rest = [mapping for mapping in mappings if mapping["Ebs"]["VolumeId"] != volume_id]
                catalog.save(instance.having(BlockDeviceMappings=rest))
        catalog.save(volume.having(state="available", Attachments=[]))


def _read(cloud: Cloud, account: Account | str, region: str, volume_id: str) -> Resource | None:
    with cloud.catalog(account, region, writes=False) as catalog:
        return catalog.own("volume", volume_id)


def _save(
    cloud: Cloud, account: Account | str, region: str, volume_id: str, state: str | None = None, **members: Any
) -> None:
    with suppress(KeyError), cloud.catalog(account, region) as catalog:
        if (volume := catalog.own(KINDS["volume"].name, volume_id)) is not None:
            catalog.save(volume.having(state=state, **members))
