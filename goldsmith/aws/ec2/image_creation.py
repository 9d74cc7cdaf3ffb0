"""CreateImage: an AMI of an instance as it is, of which only what changed since its own AMI is stored."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.block_devices import DEFAULT_TYPE, find_snapshot, require_device, whole_ebs
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.ec2.image_jobs import capture_image
from goldsmith.aws.ec2.images import image_document, require_name
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call

CAPTURABLE = ("running", "stopping", "stopped")
INHERITED = (
    "Architecture",
    "RootDeviceName",
    "BootMode",
    "EnaSupport",
    "PlatformDetails",
    "UsageOperation",
    "ProductCodes",
)
FROM_IMAGE = ("SriovNetSupport", "TpmSupport", "ImdsSupport", "InstanceTypeSpecification", "ImageWatermarks")


@ec2.operation(
    deviation="NoReboot freezes the guest's file systems where a QEMU guest agent runs in it, and else pauses its "
    "processors for the moment."
)
def create_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make an AMI of an instance, rebooting it first unless NoReboot is given."""
    tags = parse_specifications(parameters.get("TagSpecifications"), ("image", "snapshot"))
    instance = owned(call, "instance", parameters["InstanceId"])
    name = require_name(call, parameters["Name"])
    if instance.state not in CAPTURABLE:
        raise AwsError(
            "InvalidParameterValue",
            f"Invalid value '{instance.id}' for instanceId. "
            "Instance is not in state 'running' or 'stopping' or 'stopped'.",
        )
    image_id = new_id("ami")
    mappings, snapshots = _snapshots(call, instance, image_id, parameters, tags.get("snapshot", {}))
    source = call.catalog.get("image", instance.document["ImageId"])
    document = image_document(
        **{member: instance.document.get(member) for member in INHERITED},
        **{member: source.document.get(member) if source else None for member in FROM_IMAGE},
        Description=parameters.get("Description") or "",
        BlockDeviceMappings=mappings,
        SourceInstanceId=instance.id,
        SourceImageId=instance.document["ImageId"],
        SourceImageRegion=call.region,
    )
    if override := parameters.get("BootModeOverride"):
        document["BootMode"] = override
    inner = {"uefi_data": instance.inner["uefi_data"]} if instance.inner.get("uefi_data") else {}
    call.catalog.add(
        Resource(image_id, "image", call.account.id, call.region, name, "pending", call.now, document, inner),
        tags.get("image"),
    )
    reboot = not parameters.get("NoReboot") and instance.state == "running"
    call.later(partial(capture_image, call.cloud, call.account, call.region, image_id, snapshots, reboot=reboot))
    return {"ImageId": image_id}


def _snapshots(
    call: Call, instance: Resource, image_id: str, parameters: Mapping[str, Any], tags: Mapping[str, str]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Add a pending snapshot for each volume that the image gets; return its mappings, and snapshots by volume."""
    root = instance.document.get("RootDeviceName")
    asked = parameters.get("BlockDeviceMappings") or []
    seen: set[str] = set()
    changes = {require_device(mapping, seen): mapping for mapping in asked}
    if "NoDevice" in changes.get(str(root), {}):
        raise AwsError("InvalidBlockDeviceMapping", f"The root device {root} cannot be left out.")
    mappings: list[dict[str, Any]] = []
    snapshots: dict[str, str] = {}
    for mapping in instance.document["BlockDeviceMappings"]:
        change = changes.pop(mapping["DeviceName"], {})
        if "NoDevice" in change:
            continue
        volume = owned(call, "volume", mapping["Ebs"]["VolumeId"])
        snapshot = Resource(
            new_id("snap"),
            "snapshot",
            call.account.id,
            call.region,
            "",
            "pending",
            call.now,
            {
                "VolumeId": volume.id,
                "VolumeSize": volume.document["Size"],
                "Description": f"Created by CreateImage({instance.id}) for {image_id}",
                "Encrypted": volume.document["Encrypted"],
                "Progress": "0%",
                "StartTime": iso(call.now),
                "StorageTier": "standard",
            },
            {"image": image_id},
        )
        call.catalog.add(snapshot, tags)
        snapshots[volume.id] = snapshot.id
        kept = (change.get("Ebs") or {}).get("DeleteOnTermination")
        ebs = {
            "SnapshotId": snapshot.id,
            "VolumeSize": volume.document["Size"],
            "VolumeType": volume.document["VolumeType"],
            "Encrypted": volume.document["Encrypted"],
            "DeleteOnTermination": mapping["Ebs"]["DeleteOnTermination"] if kept is None else kept,
        }
        mappings.append({"DeviceName": mapping["DeviceName"], "Ebs": ebs})
    for device, mapping in changes.items():
        if "VirtualName" in mapping:
            mappings.append({"DeviceName": device, "VirtualName": mapping["VirtualName"]})
        elif "Ebs" in mapping:
            ebs = mapping["Ebs"]
            there = find_snapshot(call, ebs["SnapshotId"]) if ebs.get("SnapshotId") else None
            mappings.append(
                {"DeviceName": device, "Ebs": {"VolumeType": DEFAULT_TYPE, **whole_ebs(device, ebs, there)}}
            )
    return mappings, snapshots
