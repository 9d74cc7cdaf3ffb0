"""EBS volumes: made, described, attached, changed and deleted; their data is a folder of this host."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.block_devices import DEFAULT_TYPE, find_snapshot, whole_ebs
from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.ec2.volume_jobs import attach_volume as attach_later
from goldsmith.aws.ec2.volume_jobs import delete_volume as delete_later
from goldsmith.aws.ec2.volume_jobs import detach_volume as detach_later
from goldsmith.aws.ec2.volume_jobs import make_volume
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications, show_tags
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.aws.call import Call

IOPS = {"gp2": 100, "gp3": 3000}
THROUGHPUT = {"gp3": 125}
MULTI_ATTACHED = {"io1", "io2"}

FILTERS = {
    "attachment.attach-time": "Attachments[].AttachTime",
    "attachment.delete-on-termination": "Attachments[].DeleteOnTermination",
    "attachment.device": "Attachments[].Device",
    "attachment.instance-id": "Attachments[].InstanceId",
    "attachment.status": "Attachments[].State",
    "availability-zone": "AvailabilityZone",
    "create-time": "CreateTime",
    "encrypted": "Encrypted",
    "fast-restored": "FastRestored",
    "multi-attach-enabled": "MultiAttachEnabled",
    "size": "Size",
    "snapshot-id": "SnapshotId",
    "status": "State",
    "volume-id": "VolumeId",
    "volume-type": "VolumeType",
}


def volume_document(
    settings: Mapping[str, Any], *, zone: str, created: float, attachment: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a volume's document from whole EBS settings."""
    kind = settings["VolumeType"]
    document = {
        "Size": settings["VolumeSize"],
        "SnapshotId": settings.get("SnapshotId") or "",
        "VolumeType": kind,
        "Iops": settings.get("Iops") or IOPS.get(kind),
        "Throughput": settings.get("Throughput") or THROUGHPUT.get(kind),
        "AvailabilityZone": zone,
        "Encrypted": bool(settings.get("Encrypted")),
        "KmsKeyId": settings.get("KmsKeyId"),
        "MultiAttachEnabled": False,
        "CreateTime": iso(created),
        "Attachments": [dict(attachment)] if attachment else [],
    }
    return {name: value for name, value in document.items() if value is not None}


def show_volumes(call: Call, volumes: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return volumes as DescribeVolumes shows them, without tags."""
    return [show_volume(volume) for volume in volumes]


def show_volume(volume: Resource) -> dict[str, Any]:
    """Return one volume with what its record says apart."""
    attachments = [{**each, "VolumeId": volume.id} for each in volume.document.get("Attachments", [])]
    return {**volume.document, "VolumeId": volume.id, "State": volume.state, "Attachments": attachments}


LISTING = Listing(
    kind="volume",
    ids="VolumeIds",
    filters=FILTERS,
    show=show_volumes,
    columns={"volume-id": "ids", "status": "states"},
    exclusive=True,
)


MODIFICATIONS = Listing(
    kind="volume",
    ids="VolumeIds",
    filters={
        "volume-id": "VolumeId",
        "modification-state": "ModificationState",
        "original-size": "OriginalSize",
        "original-volume-type": "OriginalVolumeType",
        "target-size": "TargetSize",
        "target-volume-type": "TargetVolumeType",
        "start-time": "StartTime",
    },
    show=lambda _, volumes: [{"VolumeId": volume.id, **volume.inner["modification"]} for volume in volumes],
    columns={"volume-id": "ids"},
)


@ec2.operation()
def describe_volumes(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's volumes."""
    items, more = describe(call, parameters, LISTING)
    return {"Volumes": items, **more}


@ec2.operation(
    role="launcher", deviation="Volume types, IOPS and throughput are kept and told; the disk is the host's."
)
def create_volume(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a volume, blank or of a snapshot."""
    tags = parse_specifications(parameters.get("TagSpecifications"), ("volume",)).get("volume", {})
    zone = parameters.get("AvailabilityZone")
    if not zone:
        raise AwsError("MissingParameter", "The request must contain the parameter AvailabilityZone")
    if zone not in call.cloud.zones(call.region):
        raise AwsError("InvalidZone.NotFound", f"The zone '{zone}' does not exist.")
    if not (parameters.get("Size") or parameters.get("SnapshotId")):
        raise AwsError("MissingParameter", "The request must contain the parameter size/snapshot")
    _require_sense(parameters)
    snapshot = find_snapshot(call, parameters["SnapshotId"]) if parameters.get("SnapshotId") else None
    asked = {**parameters, "VolumeSize": parameters.get("Size")}
    settings = whole_ebs("the volume", asked, snapshot)
    document = volume_document(settings, zone=zone, created=call.now)
    made = Resource(
        new_id("vol"),
        "volume",
        call.account.id,
        call.region,
        "",
        "creating",
        call.now,
        document,
        {"map": str(snapshot.inner["map"]) if snapshot else ""},
    )
    call.catalog.add(made, tags)
    call.later(partial(make_volume, call.cloud, call.account, call.region, made.id))
    return {**show_volume(made), "Tags": show_tags(tags)}


def _require_sense(parameters: Mapping[str, Any]) -> None:
    """Raise AwsError for members that take others with them, and for a volume on several instances at once."""
    kind = parameters.get("VolumeType") or DEFAULT_TYPE
    for member, fits, what in (
        ("KmsKeyId", bool(parameters.get("Encrypted")), "Encrypted to be set"),
        ("Throughput", kind in THROUGHPUT, "the volume type gp3"),
        ("MultiAttachEnabled", kind in MULTI_ATTACHED, "the volume type io1 or io2"),
    ):
        if parameters.get(member) and not fits:
            raise AwsError("InvalidParameterDependency", f"The parameter {member} requires {what}.")
    if parameters.get("MultiAttachEnabled"):
        raise AwsError("UnsupportedOperation", "A volume is attached to one instance at a time here.")


@ec2.operation(role="launcher")
def delete_volume(call: Call, parameters: dict[str, Any]) -> None:
    """Delete a volume that nothing uses."""
    volume = owned(call, "volume", parameters["VolumeId"])
    if volume.state == "in-use":
        instance = volume.document["Attachments"][0]["InstanceId"]
        raise AwsError("VolumeInUse", f"Volume {volume.id} is currently attached to {instance}")
    if volume.state not in {"available", "error"}:
        raise AwsError("IncorrectState", f"The volume '{volume.id}' is '{volume.state}'")
    call.catalog.save(volume.having(state="deleting"))
    call.later(partial(delete_later, call.cloud, call.account, call.region, volume.id))


@ec2.operation(role="launcher")
def attach_volume(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Attach an available volume to an instance, running or stopped."""
    volume = owned(call, "volume", parameters["VolumeId"])
    instance = owned(call, "instance", parameters["InstanceId"])
    device = parameters["Device"]
    if volume.state == "in-use":
        raise AwsError("VolumeInUse", f"{volume.id} is already attached to an instance")
    if volume.state != "available":
        raise AwsError("IncorrectState", f"Volume '{volume.id}' is '{volume.state}', not 'available'.")
    if instance.state not in {"running", "stopped"}:
        raise AwsError("IncorrectState", f"Instance '{instance.id}' is not 'running' or 'stopped'.")
    if volume.document["AvailabilityZone"] != instance.document["Placement"]["AvailabilityZone"]:
        raise AwsError(
            "InvalidVolume.ZoneMismatch",
            f"The volume '{volume.id}' is not in the same availability zone as the instance.",
        )
    mappings = list(instance.document["BlockDeviceMappings"])
    if any(mapping["DeviceName"] == device for mapping in mappings):
        raise AwsError(
            "InvalidParameterValue",
            f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use",
        )
    attached = {"AttachTime": iso(int(call.now)), "DeleteOnTermination": False}
    ebs = {**attached, "Status": "attaching", "VolumeId": volume.id}
    call.catalog.save(instance.having(BlockDeviceMappings=[*mappings, {"DeviceName": device, "Ebs": ebs}]))
    attachment = {**attached, "Device": device, "InstanceId": instance.id, "State": "attaching"}
    call.catalog.save(volume.having(state="in-use", Attachments=[attachment]))
    call.later(partial(attach_later, call.cloud, call.account, call.region, volume.id))
    return {**attachment, "VolumeId": volume.id}


@ec2.operation(role="launcher")
def detach_volume(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Detach a volume from its instance; a running guest's root is refused."""
    volume = owned(call, "volume", parameters["VolumeId"])
    attachments = volume.document.get("Attachments", [])
    if not attachments:
        raise AwsError("IncorrectState", f"Volume '{volume.id}' is in the 'available' state.")
    attachment = attachments[0]
    wanted = (("InstanceId", "InstanceId"), ("Device", "Device"))
    if any(parameters.get(asked) not in {None, attachment[member]} for asked, member in wanted):
        raise AwsError(
            "InvalidAttachment.NotFound", f"'{volume.id}' is not attached to {parameters.get('InstanceId')}."
        )
    instance = owned(call, "instance", attachment["InstanceId"])
    if attachment["Device"] == instance.document.get("RootDeviceName") and instance.state != "stopped":
        raise AwsError(
            "OperationNotPermitted", f"Unable to detach root volume '{volume.id}' from instance '{instance.id}'"
        )
    going = {**attachment, "State": "detaching"}
    call.catalog.save(volume.having(Attachments=[going]))
    force = bool(parameters.get("Force"))
    call.later(partial(detach_later, call.cloud, call.account, call.region, volume.id, force=force))
    return {**going, "VolumeId": volume.id}


@ec2.operation(
    role="launcher", deviation="A volume grows while nothing runs on it; type, IOPS and throughput are told."
)
def modify_volume(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Change what is told of a volume's type and speed."""
    volume = owned(call, "volume", parameters["VolumeId"])
    size = int(parameters.get("Size") or volume.document["Size"])
    if size != int(volume.document["Size"]):
        raise AwsError(
            "UnsupportedOperation",
            "A volume's size cannot be changed here: make a larger one of its snapshot, or launch with a larger size.",
        )
    old = volume.document
    new = {
        "VolumeType": parameters.get("VolumeType") or old["VolumeType"],
        "Iops": parameters.get("Iops") or old.get("Iops"),
        "Throughput": parameters.get("Throughput") or old.get("Throughput"),
    }
    modification = {
        "ModificationState": "completed",
        "TargetSize": size,
        "TargetIops": new["Iops"],
        "TargetVolumeType": new["VolumeType"],
        "TargetThroughput": new["Throughput"],
        "OriginalSize": old["Size"],
        "OriginalIops": old.get("Iops"),
        "OriginalVolumeType": old["VolumeType"],
        "OriginalThroughput": old.get("Throughput"),
        "Progress": 100,
        "StartTime": iso(call.now),
        "EndTime": iso(call.now),
    }
    call.catalog.save(volume.having(**new).knowing(modification=modification))
    return {"VolumeModification": {"VolumeId": volume.id, **modification}}


@ec2.operation()
def describe_volumes_modifications(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell the last change of each volume that was ever changed; it was done at once."""
    items, more = describe(call, parameters, MODIFICATIONS, keep=lambda volume: "modification" in volume.inner)
    return {"VolumesModifications": [{k: v for k, v in item.items() if k != "Tags"} for item in items], **more}


@ec2.operation()
def describe_volume_status(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell that volumes are well: a block that is damaged shows when it is read, as a fault of the guest's disk."""
    items, more = describe(call, {**parameters, "Filters": None}, LISTING)
    statuses = [
        {
            "VolumeId": item["VolumeId"],
            "AvailabilityZone": item["AvailabilityZone"],
            "VolumeStatus": {
                "Status": "impaired" if item["State"] == "error" else "ok",
                "Details": [{"Name": "io-enabled", "Status": "passed"}],
            },
            "Actions": [],
            "Events": [],
        }
        for item in items
    ]
    return {"VolumeStatuses": statuses, **more}


@ec2.operation()
def describe_volume_attribute(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell one attribute of a volume."""
    volume = owned(call, "volume", parameters["VolumeId"])
    if parameters["Attribute"] == "productCodes":
        return {"VolumeId": volume.id, "ProductCodes": volume.document.get("ProductCodes", [])}
    return {"VolumeId": volume.id, "AutoEnableIO": {"Value": False}}
