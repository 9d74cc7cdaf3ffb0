"""The recycle bin: AMIs and snapshots that were deleted and can be brought back as they were.

What is in it is of another kind in the catalogue, so that nothing finds it that does not look in the bin: its blocks
are live, its name is free, whom it was shared with has lost it until it is restored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import missing, require_form
from goldsmith.aws.ec2.images import require_name
from goldsmith.aws.ec2.retention_rules import retention
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.pagination import paginate
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query
from goldsmith.catalog.uses import RECYCLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

WHOLE = {"image": ("available", "disabled"), "snapshot": ("completed",)}
"""States from which a resource goes into the bin; one that is not whole is not worth keeping."""


def keeps(call: Call, resource: Resource) -> bool:
    """Put a resource that its owner deletes into the bin if a rule says so; tell whether it did."""
    seconds = retention(call, resource) if resource.state in WHOLE[resource.kind] else 0
    if not seconds:
        return False
    recycled = call.catalog.rename_kind(resource, f"{RECYCLED}{resource.kind}")
    call.catalog.save(recycled.knowing(recycled={"entered": call.now, "exits": call.now + seconds}))
    return True


@ec2.operation()
def list_images_in_recycle_bin(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the AMIs in the bin, and until when they are."""
    page, more = _list(call, parameters, "image", "ImageIds")
    images = [
        {"ImageId": each.id, "Name": each.name, "Description": each.document["Description"], **_times(each)}
        for each in page
    ]
    return {"Images": images, **more}


@ec2.operation()
def list_snapshots_in_recycle_bin(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the snapshots in the bin, and until when they are."""
    page, more = _list(call, parameters, "snapshot", "SnapshotIds")
    snapshots = [
        {
            "SnapshotId": each.id,
            "Description": each.document.get("Description", ""),
            "VolumeId": each.document.get("VolumeId"),
            **_times(each),
        }
        for each in page
    ]
    return {"Snapshots": snapshots, **more}


@ec2.operation()
def restore_image_from_recycle_bin(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Bring an AMI back with its tags and launch permissions, if its name is free and its snapshots are there."""
    image = _recycled(call, "image", parameters["ImageId"])
    require_name(call, image.name)
    for mapping in image.document["BlockDeviceMappings"]:
        snapshot = mapping.get("Ebs", {}).get("SnapshotId")
        if snapshot and call.catalog.own(f"{RECYCLED}snapshot", snapshot):
            raise AwsError(
                "InvalidSnapshot.NotFound",
                f"The snapshot '{snapshot}' of the image '{image.id}' is in the Recycle Bin. Restore it first.",
            )
    _restore(call, image)
    return {"Return": True}


@ec2.operation()
def restore_snapshot_from_recycle_bin(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Bring a snapshot back with its tags and permissions."""
    snapshot = _restore(call, _recycled(call, "snapshot", parameters["SnapshotId"]))
    shown = ("Description", "Encrypted", "Progress", "VolumeId", "VolumeSize", "SseType")
    return {
        **{name: snapshot.document.get(name) for name in shown},
        "SnapshotId": snapshot.id,
        "OwnerId": snapshot.account,
        "StartTime": iso(snapshot.created),
        "State": snapshot.state,
    }


def _list(call: Call, parameters: dict[str, Any], kind: str, member: str) -> tuple[list[Resource], dict[str, str]]:
    ids = tuple(dict.fromkeys(parameters.get(member) or ()))
    require_form(kind, *ids)
    query = Query(f"{RECYCLED}{kind}", ids=ids, owners=(call.account.id,))

    def resources(after: Any) -> Iterator[Resource]:
        return call.catalog.find(query, after=after or 0)

    if ids:
        there = {resource.id for resource in resources(0)}
        if gone := [identifier for identifier in ids if identifier not in there]:
            raise missing(kind, gone)
    return paginate(call, parameters, resources, lambda each: each.position)


def _times(resource: Resource) -> dict[str, str]:
    facts = resource.inner["recycled"]
    return {"RecycleBinEnterTime": iso(facts["entered"]), "RecycleBinExitTime": iso(facts["exits"])}


def _recycled(call: Call, kind: str, identifier: str) -> Resource:
    require_form(kind, identifier)
    found = call.catalog.own(f"{RECYCLED}{kind}", identifier)
    if found is None:
        raise missing(kind, [identifier])
    return found


def _restore(call: Call, resource: Resource) -> Resource:
    restored = call.catalog.rename_kind(resource, resource.kind.removeprefix(RECYCLED))
    return call.catalog.save(restored.knowing(recycled=None))
