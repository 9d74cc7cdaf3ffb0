"""New instances as the catalogue keeps them, before anything of them runs."""

from __future__ import annotations

import base64
import binascii
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.subnets import allocate_address
from goldsmith.aws.errors import AwsError
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.aws.ec2.instance_types import InstanceType

LONGEST_USER_DATA = 16 * 1024


@dataclass(frozen=True)
class Network:
    """Where instances of a launch are: a subnet, security groups, an address that was asked for."""

    subnet: Mapping[str, Any]
    groups: tuple[Resource, ...]
    private_ip: str = ""


def common_document(
    call: Call, asked: Mapping[str, Any], image: Resource, kind: InstanceType, network: Network
) -> dict[str, Any]:
    """Return what all instances of a launch have alike in their documents."""
    placement = asked.get("Placement") or {}
    options = asked.get("MetadataOptions") or {}
    strict = image.document.get("ImdsSupport") == "v2.0"
    now = iso(call.now)
    return {
        "ImageId": image.id,
        "InstanceType": kind.name,
        "LaunchTime": now,
        "Placement": {
            "AvailabilityZone": network.subnet["AvailabilityZone"],
            "GroupName": "",
            "Tenancy": placement.get("Tenancy") or "default",
        },
        "Monitoring": {"State": "enabled" if (asked.get("Monitoring") or {}).get("Enabled") else "disabled"},
        "SubnetId": network.subnet["SubnetId"],
        "VpcId": network.subnet["VpcId"],
        "SecurityGroups": [{"GroupId": group.id, "GroupName": group.name} for group in network.groups],
        "Architecture": image.document["Architecture"],
        "RootDeviceName": image.document.get("RootDeviceName", ""),
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "ClientToken": asked.get("ClientToken") or "",
        "EbsOptimized": bool(asked.get("EbsOptimized")),
        "EnaSupport": bool(image.document.get("EnaSupport")),
        "SourceDestCheck": True,
        "ProductCodes": image.document.get("ProductCodes", []),
        "PlatformDetails": image.document.get("PlatformDetails", "Linux/UNIX"),
        "UsageOperation": image.document.get("UsageOperation", "RunInstances"),
        "UsageOperationUpdateTime": now,
        "BootMode": image.document.get("BootMode"),
        "CurrentInstanceBootMode": "uefi" if _firmware(image) == "uefi" else "legacy-bios",
        "CpuOptions": {"CoreCount": kind.vcpus, "ThreadsPerCore": 1},
        "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
        "HibernationOptions": {"Configured": False},
        "EnclaveOptions": {"Enabled": False},
        "MaintenanceOptions": {"AutoRecovery": "default"},
        "PrivateDnsNameOptions": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": False,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "MetadataOptions": {
            "State": "applied",
            "HttpTokens": options.get("HttpTokens") or ("required" if strict else "optional"),
            "HttpPutResponseHopLimit": options.get("HttpPutResponseHopLimit") or (2 if strict else 1),
            "HttpEndpoint": options.get("HttpEndpoint") or "enabled",
            "HttpProtocolIpv6": options.get("HttpProtocolIpv6") or "disabled",
            "InstanceMetadataTags": options.get("InstanceMetadataTags") or "disabled",
        },
        "StateReason": {"Code": "pending", "Message": "pending"},
        "StateTransitionReason": "",
    }


def new_instance(
    call: Call,
    asked: Mapping[str, Any],
    image: Resource,
    network: Network,
    shared: Mapping[str, Any],
    reservation: str,
    index: int,
) -> Resource:
    """Return an instance of a launch, pending, with an address of its own."""
    address = allocate_address(call, network.subnet, network.private_ip if index == 0 else "")
    domain = "ec2.internal" if call.region == "us-east-1" else f"{call.region}.compute.internal"
    document = {
        **shared,
        "AmiLaunchIndex": index,
        "PrivateIpAddress": address,
        "PrivateDnsName": f"ip-{address.replace('.', '-')}.{domain}",
        "BlockDeviceMappings": [],
    }
    inner = {
        "reservation": reservation,
        "user_data": _user_data(asked),
        "attributes": {
            "DisableApiTermination": bool(asked.get("DisableApiTermination")),
            "DisableApiStop": bool(asked.get("DisableApiStop")),
            "InstanceInitiatedShutdownBehavior": asked.get("InstanceInitiatedShutdownBehavior") or "stop",
        },
        "mac": f"02:{secrets.token_hex(1)}:{':'.join(secrets.token_hex(1) for _ in range(4))}",
        "uuid": str(uuid.UUID(f"ec2{secrets.token_hex(15)[1:]}")),
        "interface": new_id("eni"),
        "attachment": new_id("eni-attach"),
        "address": "",
        "groups": [group.id for group in network.groups],
        "firmware": _firmware(image),
        "uefi_data": image.inner.get("uefi_data", ""),
        "status": {"system": "initializing", "instance": "initializing"},
    }
    return Resource(
        new_id("i"),
        "instance",
        call.account.id,
        call.region,
        "",
        "pending",
        call.now,
        {name: value for name, value in document.items() if value is not None},
        inner,
    )


def _user_data(asked: Mapping[str, Any]) -> str:
    text = str(asked.get("UserData") or "")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise AwsError("InvalidParameterValue", "Invalid BASE64 encoding of user data") from wrong
    if len(data) > LONGEST_USER_DATA:
        raise AwsError("InvalidParameterValue", f"User data is limited to {LONGEST_USER_DATA} bytes")
    return text


def _firmware(image: Resource) -> str:
    return "uefi" if image.document.get("BootMode") in {"uefi", "uefi-preferred"} else "bios"
