"""Copies of snapshots and AMIs, from another region or the same: CopySnapshot, CopyImage."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.copy_jobs import copy_image as copy_image_later
from goldsmith.aws.ec2.copy_jobs import copy_snapshot as copy_snapshot_later
from goldsmith.aws.ec2.ids import missing, require_form
from goldsmith.aws.ec2.images import require_name
from goldsmith.aws.ec2.marketplace import require_copyable
from goldsmith.aws.ec2.snapshot_records import new_snapshot, require_unencrypted
from goldsmith.aws.ec2.snapshot_tiers import require_standard
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications, require_room, show_tags
from goldsmith.catalog.resources import Query, Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.catalog import Catalog

NOT_COPIED = ("DeprecationTime", "LastLaunchedTime", "StateReason", "SourceInstanceId")
"""What an AMI has by itself, and its copy has not (EC2 user guide, "Copy an Amazon EC2 AMI")."""

NO_STORAGE = "You do not have permission to access the storage of this ami"
UNENCRYPTED = "Encrypted is refused: there is no key management here."


@ec2.operation(deviation=UNENCRYPTED)
def copy_snapshot(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin a copy of a snapshot; only blocks that are not in this region yet travel."""
    tags = parse_specifications(parameters.get("TagSpecifications"), ("snapshot",)).get("snapshot", {})
    require_unencrypted(encrypted=parameters.get("Encrypted"), key=parameters.get("KmsKeyId"))
    region = parameters["SourceRegion"]
    require_form("snapshot", parameters["SourceSnapshotId"])
    source = _there(call, region).get("snapshot", parameters["SourceSnapshotId"])
    if source is None:
        raise missing("snapshot", [parameters["SourceSnapshotId"]])
    _require_few(call, 1)
    description = parameters.get("Description") or f"[Copied {source.id} from {region}]"
    copy = _copy(call, source, description)
    call.catalog.add(copy, tags)
    call.queue(partial(copy_snapshot_later, call.cloud, copy))
    return {"SnapshotId": copy.id, "Tags": show_tags(tags)}


@ec2.operation(deviation=UNENCRYPTED)
def copy_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin a copy of an AMI that the caller may launch and whose snapshots it may read."""
    tags = parse_specifications(parameters.get("TagSpecifications"), ("image", "snapshot"))
    require_unencrypted(encrypted=parameters.get("Encrypted"), key=parameters.get("KmsKeyId"))
    region = parameters["SourceRegion"]
    there = _there(call, region)
    source = require_copyable(call, there, parameters["SourceImageId"])
    name = require_name(call, parameters["Name"])
    image_id = new_id("ami")
    mappings: list[dict[str, Any]] = []
    snapshots: list[Resource] = []
    for mapping in source.document.get("BlockDeviceMappings", []):
        ebs = mapping.get("Ebs")
        if ebs and ebs.get("SnapshotId"):
            snapshot = there.get("snapshot", str(ebs["SnapshotId"]))
            if snapshot is None:
                raise AwsError("InvalidRequest", NO_STORAGE)
            snapshots.append(_copy(call, snapshot, _description(call, image_id, source.id, snapshot.id)))
            ebs = {**ebs, "SnapshotId": snapshots[-1].id}
        mappings.append({**mapping, **({"Ebs": ebs} if ebs else {})})
    _require_few(call, len(snapshots))
    for copied in snapshots:
        call.catalog.add(copied, tags.get("snapshot"))
    image = Resource(
        image_id,
        "image",
        call.account.id,
        call.region,
        name,
        "pending",
        call.now,
        _document(source, parameters, mappings),
        {**{key: source.inner[key] for key in ("uefi_data",) if key in source.inner}, "copying": True},
    )
    own = there.tags(source) if parameters.get("CopyImageTags") else {}
    whole = {**own, **tags.get("image", {})}
    require_room(whole)
    call.catalog.add(image, whole)
    call.queue(partial(copy_image_later, call.cloud, image))
    return {"ImageId": image.id}


def _there(call: Call, region: str) -> Catalog:
    if region not in call.cloud.settings.regions:
        raise AwsError("InvalidParameterValue", f"There is no region {region[:64]} here.")
    return call.catalog.elsewhere(region)


def _copy(call: Call, source: Resource, description: str) -> Resource:
    """Return a pending snapshot with the contents of another one."""
    if source.state != "completed":
        raise AwsError("IncorrectState", f"Snapshot '{source.id}' is not 'completed'.")
    require_standard(source, call.now)
    return new_snapshot(
        call,
        int(source.document["VolumeSize"]),
        description=description,
        inner={"copy": {"region": source.region, "snapshot": source.id, "map": source.inner["map"]}},
    )


def _description(call: Call, image: str, source: str, snapshot: str) -> str:
    return (
        f"Copied for DestinationAmi {image} from SourceAmi {source} for SourceSnapshot {snapshot}. "
        f"Task created on {int(call.now * 1000):,}."
    )


def _document(source: Resource, parameters: Mapping[str, Any], mappings: list[dict[str, Any]]) -> dict[str, Any]:
    kept = {key: value for key, value in source.document.items() if key not in NOT_COPIED}
    return {
        **kept,
        "Description": parameters.get("Description") or "",
        "BlockDeviceMappings": mappings,
        "DeregistrationProtection": "disabled",
        "SourceImageId": source.id,
        "SourceImageRegion": source.region,
    }


def _require_few(call: Call, more: int) -> None:
    """Raise AwsError when the caller has as many copies under way in this region as it may."""
    most = call.cloud.settings.snapshot_concurrency
    pending = call.catalog.find(Query("snapshot", owners=(call.account.id,), states=("pending",)))
    if sum(1 for each in pending if "copy" in each.inner) + more > most:
        raise AwsError("ResourceLimitExceeded", f"You have reached the maximum of {most} snapshot copies in progress.")
