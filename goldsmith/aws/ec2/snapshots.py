"""Snapshots: made of volumes, described and deleted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.ec2.recycle_bin import keeps
from goldsmith.aws.ec2.snapshot_jobs import capture_volumes
from goldsmith.aws.ec2.snapshot_locks import require_unlocked
from goldsmith.aws.ec2.snapshot_records import images_using, new_snapshot, require_room
from goldsmith.aws.ec2.snapshot_tiers import show_tier
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications, show_tags
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import EVERYBODY, Query
from goldsmith.catalog.uploads import forget_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

MOST_PER_VOLUME = 5
"""Snapshots of one volume that may be in the making (EBS service quotas, for gp2 and gp3)."""

FILTERS = {
    "description": "Description",
    "encrypted": "Encrypted",
    "owner-alias": "OwnerAlias",
    "owner-id": "OwnerId",
    "progress": "Progress",
    "snapshot-id": "SnapshotId",
    "start-time": "StartTime",
    "status": "State",
    "storage-tier": "StorageTier",
    "transfer-type": "TransferType",
    "volume-id": "VolumeId",
    "volume-size": "VolumeSize",
}


def show_snapshots(call: Call, snapshots: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return snapshots as DescribeSnapshots shows them, without tags."""
    return [show_snapshot(call, snapshot) for snapshot in snapshots]


def show_snapshot(call: Call, snapshot: Resource) -> dict[str, Any]:
    """Return one snapshot as an answer shows it, without tags."""
    return {
        **snapshot.document,
        **show_tier(snapshot, call.now),
        "SnapshotId": snapshot.id,
        "State": snapshot.state,
        "OwnerId": snapshot.account,
        "StartTime": iso(snapshot.created),
    }


LISTING = Listing(
    kind="snapshot",
    ids="SnapshotIds",
    filters=FILTERS,
    show=show_snapshots,
    columns={"snapshot-id": "ids", "status": "states", "owner-id": "owners"},
    exclusive=True,
)


@ec2.operation()
def describe_snapshots(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the snapshots that the caller may make volumes of, or of the owners and users asked for."""
    grantees, given = _restorable_by(call, parameters.get("RestorableByUserIds") or ())
    owners = tuple(call.account.id if owner == "self" else owner for owner in parameters.get("OwnerIds") or ())
    items, more = describe(
        call,
        parameters,
        LISTING,
        owners=owners,
        grantees=grantees,
        given=given,
    )
    return {"Snapshots": items, **more}


@ec2.operation()
def create_snapshot(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin a snapshot of a volume as it is at this moment."""
    tags = parse_specifications(parameters.get("TagSpecifications"), ("snapshot",)).get("snapshot", {})
    volume = owned(call, "volume", parameters["VolumeId"])
    if parameters.get("OutpostArn"):
        raise AwsError("UnsupportedOperation", "There are no Outposts here.")
    snapshot = _begin(call, volume, parameters.get("Description") or "", tags)
    call.later(partial(capture_volumes, call.cloud, {volume.id: snapshot}))
    return {**show_snapshot(call, snapshot), "Tags": show_tags(tags)}


@ec2.operation()
def create_snapshots(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin snapshots of an instance's volumes, all of one moment."""
    tags = parse_specifications(parameters.get("TagSpecifications"), ("snapshot",)).get("snapshot", {})
    asked = parameters["InstanceSpecification"]
    instance = owned(call, "instance", asked["InstanceId"])
    if instance.state not in {"running", "stopping", "stopped"}:
        raise AwsError(
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is not in a state from which its volumes can be captured.",
        )
    snapshots = {}
    items = []
    for volume in _volumes(call, instance, asked):
        own = {**(call.catalog.tags(volume) if parameters.get("CopyTagsFromSource") == "volume" else {}), **tags}
        snapshot = _begin(call, volume, parameters.get("Description") or "", own)
        snapshots[volume.id] = snapshot
        items.append({**show_snapshot(call, snapshot), "Tags": show_tags(own)})
    call.later(partial(capture_volumes, call.cloud, snapshots))
    return {"Snapshots": items}


@ec2.operation()
def delete_snapshot(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete a snapshot that no AMI of the caller's uses and no lock keeps; others that share blocks stay whole."""
    snapshot = owned(call, "snapshot", parameters["SnapshotId"])
    discard(call, snapshot)
    return {"Return": True}


def discard(call: Call, snapshot: Resource) -> None:
    """Delete a snapshot of the caller's, into the recycle bin where a rule says so. Raises AwsError when it may not go.

    One that is still being made is given up; whoever makes it finds it gone.
    """
    require_unlocked(snapshot, call.now)
    if users := images_using(call, snapshot.id):
        raise AwsError("InvalidSnapshot.InUse", f"The snapshot {snapshot.id} is currently in use by {', '.join(users)}")
    if not keeps(call, snapshot):
        forget_blocks(call.catalog.connection, snapshot.id)
        call.catalog.remove(snapshot)


def _begin(call: Call, volume: Resource, description: str, tags: Mapping[str, str]) -> Resource:
    """Add a pending snapshot of a volume."""
    if volume.state not in {"available", "in-use"}:
        raise AwsError("IncorrectState", f"The volume '{volume.id}' is in the state {volume.state}.")
    require_room(call)
    pending = call.catalog.find(Query("snapshot", owners=(call.account.id,), states=("pending",)))
    if sum(1 for each in pending if each.document["VolumeId"] == volume.id) >= MOST_PER_VOLUME:
        raise AwsError(
            "ConcurrentSnapshotLimitExceeded",
            f"There are {MOST_PER_VOLUME} pending snapshots of {volume.id}, the most that there may be.",
        )
    snapshot = new_snapshot(
        call,
        int(volume.document["Size"]),
        description=description,
        volume=volume.id,
        inner={"capture": volume.id, "parent": volume.document.get("SnapshotId") or None},
    )
    return call.catalog.add(snapshot, tags)


def _volumes(call: Call, instance: Resource, asked: Mapping[str, Any]) -> list[Resource]:
    """Return an instance's volumes without those that a request leaves out."""
    root = instance.document.get("RootDeviceName")
    excluded = set(asked.get("ExcludeDataVolumeIds") or ())
    attached = {
        mapping["Ebs"]["VolumeId"]: mapping["DeviceName"] for mapping in instance.document["BlockDeviceMappings"]
    }
    if unknown := sorted(volume for volume in excluded if attached.get(volume) in {None, root}):
        raise AwsError(
            "InvalidParameterValue", f"{', '.join(unknown)}: no data volume of the instance '{instance.id}'."
        )
    wanted = [
        volume
        for volume, device in attached.items()
        if volume not in excluded and not (device == root and asked.get("ExcludeBootVolume"))
    ]
    if not wanted:
        raise AwsError("InvalidParameterValue", "No volume is left to make a snapshot of.")
    return [owned(call, "volume", volume) for volume in wanted]


def _restorable_by(call: Call, asked: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return whom RestorableByUserIds asks about: as shares with the caller name them, and other accounts.

    Of others the caller learns only whom it has given its own snapshots to.
    """
    grantees: list[str] = []
    given: list[str] = []
    for user in asked:
        if user in {"self", call.account.id}:
            grantees += call.account.grantees
        elif user == "all":
            grantees.append(EVERYBODY)
        else:
            given.append(user)
    return tuple(grantees), tuple(given)
