"""What is done to instances after an answer: started, stopped, rebooted, terminated."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.instance_metadata import metadata_of
from goldsmith.aws.ec2.instances import GONE
from goldsmith.aws.ec2.reachability import forwards_of
from goldsmith.aws.ec2.volume_jobs import lay_out
from goldsmith.errors import GoldsmithError
from goldsmith.machines.instances.spec import AttachedVolume, InstanceSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.accounts import Account
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource

log = logging.getLogger(__name__)

USER_SHUTDOWN = {
    "Code": "Client.UserInitiatedShutdown",
    "Message": "Client.UserInitiatedShutdown: User initiated shutdown",
}
GUEST_SHUTDOWN = {
    "Code": "Client.InstanceInitiatedShutdown",
    "Message": "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
}


def start_instance(cloud: Cloud, account: Account | str, region: str, instance_id: str) -> None:
    """Start a pending instance for the first or another time; one that cannot is terminated, or stopped again."""
    with cloud.locked(instance_id):
        with cloud.catalog(account, region, writes=False) as catalog:
            instance = catalog.own("instance", instance_id)
            if instance is None or instance.state != "pending":
                return
            volumes = _volumes(catalog, instance)
            metadata = metadata_of(cloud, catalog, instance)
            forwards = forwards_of(catalog, instance)
        first = not instance.inner.get("made")
        try:
            if first:
                for volume in volumes:
                    lay_out(cloud, volume)
                cloud.instances.create(_spec(instance, forwards), metadata)
            else:
                cloud.instances.set_metadata(instance_id, metadata)
                cloud.instances.change(
                    instance_id,
                    forwards=forwards,
                    memory=instance.inner["memory"],
                    vcpus=instance.inner["vcpus"],
                    instance_type=instance.document["InstanceType"],
                )
            cloud.instances.start(instance_id)
        except (GoldsmithError, OSError) as failed:
            log.warning("Instance %s did not start: %s", instance_id, failed)
            reason = {"Code": "Server.InternalError", "Message": f"Server.InternalError: {failed}"}
            if first:
                cloud.instances.remove(instance_id)
                _end(cloud, account, region, instance_id, reason)
            else:
                _change(cloud, account, region, instance_id, lambda it: it.having(state="stopped", StateReason=reason))
            return
        address = cloud.instances.status(instance_id).address

    def running(it: Resource) -> Resource:
        started = it.knowing(address=address, made=True, status=dict.fromkeys(("system", "instance"), "initializing"))
        if it.state != "pending":
            return started
        return started.having(state="running", StateReason=None, StateTransitionReason="").knowing(since=cloud.clock())

    _change(cloud, account, region, instance_id, running)
    with cloud.catalog(account, region, writes=False) as catalog:
        if (instance := catalog.own("instance", instance_id)) is not None:
            cloud.instances.set_metadata(instance_id, metadata_of(cloud, catalog, instance))


def stop_instance(cloud: Cloud, account: Account | str, region: str, instance_id: str, *, force: bool) -> None:
    """Stop an instance: the guest is asked to shut down, and switched off when it does not."""
    with cloud.locked(instance_id):
        cloud.instances.stop(instance_id, force=force)
    _change(
        cloud, account, region, instance_id, lambda it: it.having(state="stopped") if it.state == "stopping" else it
    )


def reboot_instance(cloud: Cloud, account: Account | str, region: str, instance_id: str) -> None:
    """Reboot a running instance."""
    with cloud.locked(instance_id):
        cloud.instances.reboot(instance_id)
    _change(
        cloud,
        account,
        region,
        instance_id,
        lambda it: it.knowing(status=dict.fromkeys(("system", "instance"), "initializing"), since=cloud.clock()),
    )


def terminate_instance(cloud: Cloud, account: Account | str, region: str, instance_id: str) -> None:
    """End an instance for good, with the volumes that go with it."""
    with cloud.locked(instance_id):
        cloud.instances.remove(instance_id)
    _end(cloud, account, region, instance_id, None)


def note_ending(
    cloud: Cloud, account: Account | str, region: str, instance: Resource, reason: str, *, guest: bool
) -> None:
    """Record that an instance ended without being told to: its guest shut down, or its machine died."""
    said = GUEST_SHUTDOWN if guest else {"Code": "Server.InternalError", "Message": f"Server.InternalError: {reason}"}
    if guest and instance.inner["attributes"]["InstanceInitiatedShutdownBehavior"] == "terminate":
        with cloud.locked(instance.id):
            cloud.instances.remove(instance.id)
        _end(cloud, account, region, instance.id, said)
        return
    _change(
        cloud,
        account,
        region,
        instance.id,
        lambda it: (
            it.having(state="stopped", StateReason=said, StateTransitionReason="") if it.state == "running" else it
        ),
    )


def push_metadata(cloud: Cloud, account: Account | str, region: str, instance_id: str) -> None:
    """Let an instance's metadata tell what the catalogue says now."""
    with cloud.catalog(account, region, writes=False) as catalog:
        instance = catalog.own("instance", instance_id)
        if instance is None or instance.state in GONE or not instance.inner.get("made"):
            return
        metadata = metadata_of(cloud, catalog, instance)
    cloud.instances.set_metadata(instance_id, metadata)


def push_forwards(cloud: Cloud, account: Account | str, region: str, instance_id: str) -> None:
    """Let an instance be reachable at just those ports that its security groups allow now."""
    with cloud.catalog(account, region, writes=False) as catalog:
        instance = catalog.own("instance", instance_id)
        if instance is None or instance.state in GONE or not instance.inner.get("made"):
            return
        forwards = forwards_of(catalog, instance)
    cloud.instances.set_forwards(instance_id, forwards)


def _spec(instance: Resource, forwards: Any) -> InstanceSpec:
    inner = instance.inner
    root = instance.document.get("RootDeviceName")
    return InstanceSpec(
        instance_id=instance.id,
        uuid=inner["uuid"],
        mac=inner["mac"],
        private_ip=instance.document["PrivateIpAddress"],
        volumes=tuple(
            AttachedVolume(mapping["Ebs"]["VolumeId"], mapping["DeviceName"], mapping["DeviceName"] == root)
            for mapping in instance.document["BlockDeviceMappings"]
        ),
        memory=inner["memory"],
        vcpus=inner["vcpus"],
        firmware=inner["firmware"],
        instance_type=instance.document["InstanceType"],
        forwards=forwards,
    )


def _volumes(catalog: Catalog, instance: Resource) -> list[Resource]:
    ids = [mapping["Ebs"]["VolumeId"] for mapping in instance.document["BlockDeviceMappings"]]
    return [volume for identifier in ids if (volume := catalog.own("volume", identifier)) is not None]


def _change(
    cloud: Cloud, account: Account | str, region: str, instance_id: str, change: Callable[[Resource], Resource]
) -> None:
    with cloud.catalog(account, region) as catalog:
        if (instance := catalog.own("instance", instance_id)) is not None:
            catalog.save(change(instance))


def _end(cloud: Cloud, account: Account | str, region: str, instance_id: str, reason: dict[str, str] | None) -> None:
    """Record an instance's end; its volumes go or become available, as their attachments say."""
    doomed = []
    with cloud.catalog(account, region) as catalog:
        instance = catalog.own("instance", instance_id)
        if instance is None:
            return
        for mapping in instance.document["BlockDeviceMappings"]:
            volume = catalog.own("volume", mapping["Ebs"]["VolumeId"])
            if volume is None:
                continue
            if mapping["Ebs"]["DeleteOnTermination"]:
                doomed.append(volume.id)
                catalog.remove(volume)
            else:
                catalog.save(volume.having(state="available", Attachments=[]))
        ended = instance.having(state="terminated", BlockDeviceMappings=[]).knowing(ended_at=cloud.clock())
        catalog.save(ended.having(StateReason=reason) if reason else ended)
    for volume_id in doomed:
        cloud.instances.volumes.delete(volume_id)
