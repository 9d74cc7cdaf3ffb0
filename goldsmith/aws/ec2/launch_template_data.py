"""Launch template data: what is refused, what is only warned of, what a version inherits, what an instance gives."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import owned, seen
from goldsmith.aws.ec2.instances import show_instance
from goldsmith.aws.ec2.launch_parameters import ALIAS
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import RESERVED, parse_specifications

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

    Data = dict[str, Any]

TAGGABLE = ("instance", "volume", "network-interface", "spot-instances-request", "elastic-gpu")
LONGEST_USER_DATA = 16384
"""Bytes before they are encoded."""

ALIKE = (
    "ImageId",
    "InstanceType",
    "KeyName",
    "EbsOptimized",
    "KernelId",
    "CpuOptions",
    "CapacityReservationSpecification",
    "HibernationOptions",
    "EnclaveOptions",
    "PrivateDnsNameOptions",
    "NetworkPerformanceOptions",
)
"""Members that an instance shows as a launch template takes them."""

PLACEMENT = (
    "AvailabilityZone",
    "Affinity",
    "GroupName",
    "HostId",
    "Tenancy",
    "HostResourceGroupArn",
    "PartitionNumber",
)
VOLUME = {
    "Encrypted": "Encrypted",
    "Iops": "Iops",
    "KmsKeyId": "KmsKeyId",
    "SnapshotId": "SnapshotId",
    "Size": "VolumeSize",
    "VolumeType": "VolumeType",
    "Throughput": "Throughput",
}
"""Members of a volume by their names in a block device mapping."""

METADATA = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "HttpProtocolIpv6", "InstanceMetadataTags")


def require_data(data: Mapping[str, Any] | None) -> Data:
    """Return launch template data as it was given. Raises AwsError for what no launch could ever take.

    As on AWS nobody looks at ids: what they lead to may come into being later.
    """
    if not data:
        raise AwsError("MissingParameter", "The request must contain the parameter LaunchTemplateData")
    if data.get("InstanceType") and data.get("InstanceRequirements"):
        raise AwsError(
            "InvalidParameterCombination", "Specify either InstanceType or InstanceRequirements, but not both."
        )
    parse_specifications(data.get("TagSpecifications"), TAGGABLE)
    _require_user_data(data.get("UserData") or "")
    return dict(data)


def inherit(source: Mapping[str, Any], given: Mapping[str, Any]) -> Data:
    """Return a new version's data: what is given over the source version's, whose snapshots are left out."""
    inherited = dict(source)
    if "BlockDeviceMappings" in inherited:
        inherited["BlockDeviceMappings"] = [_without_snapshot(each) for each in inherited["BlockDeviceMappings"]]
    if "InstanceType" in given:
        inherited.pop("InstanceRequirements", None)
    if "InstanceRequirements" in given:
        inherited.pop("InstanceType", None)
    return {**inherited, **given}


def warn(call: Call, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return {"Warning": …} that tells why a launch with this data would fail now, or {}."""
    faults = [{"Code": fault.code, "Message": fault.message} for fault in _faults(call, data)]
    return {"Warning": {"Errors": faults}} if faults else {}


@ec2.operation(
    deviation="The network interface's id and private address are left out, so that what is returned can be launched."
)
def get_launch_template_data(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the launch template data that would launch an instance like an existing one."""
    instance = owned(call, "instance", parameters["InstanceId"])
    return {"LaunchTemplateData": data_of(call, instance)}


def data_of(call: Call, instance: Resource) -> Data:
    """Return an instance's launch template data."""
    shown = show_instance(instance)
    attributes = instance.inner.get("attributes") or {}
    tags = [
        {"Key": key, "Value": value}
        for key, value in call.catalog.tags(instance).items()
        if not key.startswith(RESERVED)
    ]
    data: Data = {
        **{name: shown[name] for name in ALIKE if name in shown},
        "Monitoring": {"Enabled": (shown.get("Monitoring") or {}).get("State") in {"enabled", "pending"}},
        "Placement": _picked(shown.get("Placement") or {}, PLACEMENT),
        "MetadataOptions": _picked(shown.get("MetadataOptions") or {}, METADATA),
        "MaintenanceOptions": _picked(shown.get("MaintenanceOptions") or {}, ("AutoRecovery",)),
        "IamInstanceProfile": _picked(shown.get("IamInstanceProfile") or {}, ("Arn",)),
        "RamDiskId": shown.get("RamdiskId"),
        "LicenseSpecifications": shown.get("Licenses"),
        "BlockDeviceMappings": [_mapping(call, each) for each in shown.get("BlockDeviceMappings") or ()],
        "NetworkInterfaces": [_interface(each) for each in shown.get("NetworkInterfaces") or ()],
        "DisableApiTermination": attributes.get("DisableApiTermination"),
        "DisableApiStop": attributes.get("DisableApiStop"),
        "InstanceInitiatedShutdownBehavior": attributes.get("InstanceInitiatedShutdownBehavior"),
        "UserData": instance.inner.get("user_data"),
        "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}] if tags else [],
    }
    return {name: value for name, value in data.items() if value not in (None, "", [], {})}


def _require_user_data(text: str) -> None:
    try:
        size = len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as wrong:
        raise AwsError("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from wrong
    if size > LONGEST_USER_DATA:
        raise AwsError("InvalidParameterValue", f"User data is limited to {LONGEST_USER_DATA} bytes")


def _without_snapshot(mapping: Mapping[str, Any]) -> Data:
    if "Ebs" not in mapping:
        return dict(mapping)
    return {**mapping, "Ebs": {name: value for name, value in mapping["Ebs"].items() if name != "SnapshotId"}}


def _faults(call: Call, data: Mapping[str, Any]) -> Iterator[AwsError]:
    image = str(data.get("ImageId") or "")
    if image and not image.startswith(ALIAS):
        yield from _refusals(seen, call, "image", image)
    for mapping in data.get("BlockDeviceMappings") or ():
        if snapshot := (mapping.get("Ebs") or {}).get("SnapshotId"):
            yield from _refusals(seen, call, "snapshot", snapshot)
    groups = [
        *(data.get("SecurityGroupIds") or ()),
        *(group for card in data.get("NetworkInterfaces") or () for group in card.get("Groups") or ()),
    ]
    for group in dict.fromkeys(groups):
        yield from _refusals(owned, call, "security-group", group)
    key = data.get("KeyName")
    if key and call.catalog.named("key-pair", key) is None:
        yield AwsError("InvalidKeyPair.NotFound", f"The key pair '{key}' does not exist")


def _refusals(find: Callable[[Call, str, str], Resource], call: Call, kind: str, identifier: str) -> Iterator[AwsError]:
    try:
        find(call, kind, identifier)
    except AwsError as refusal:
        yield refusal


def _picked(shown: Mapping[str, Any], names: tuple[str, ...]) -> Data:
    return {name: shown[name] for name in names if shown.get(name) not in (None, "")}


def _mapping(call: Call, mapping: Mapping[str, Any]) -> Data:
    attached = mapping.get("Ebs") or {}
    volume = call.catalog.own("volume", str(attached.get("VolumeId") or ""))
    facts = volume.document if volume else {}
    ebs = {name: facts[member] for member, name in VOLUME.items() if facts.get(member) not in (None, "")}
    if ebs.get("SnapshotId"):
        ebs.pop("Encrypted", None)
    if "DeleteOnTermination" in attached:
        ebs["DeleteOnTermination"] = attached["DeleteOnTermination"]
    return {"DeviceName": mapping["DeviceName"], "Ebs": ebs}


def _interface(shown: Mapping[str, Any]) -> Data:
    attachment = shown.get("Attachment") or {}
    return {
        "DeviceIndex": attachment.get("DeviceIndex", 0),
        "DeleteOnTermination": attachment.get("DeleteOnTermination", True),
        "SubnetId": shown.get("SubnetId"),
        "Groups": [group["GroupId"] for group in shown.get("Groups") or ()],
        "AssociatePublicIpAddress": "Association" in shown,
        **_picked(shown, ("Description", "InterfaceType")),
    }
