"""Instances as DescribeInstances shows them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
"""Instance states and their codes (EC2 API reference, "InstanceState")."""

GONE = ("shutting-down", "terminated")
LIVING = ("pending", "running", "stopping", "stopped")

_CARD = "NetworkInterfaces[]"
FILTERS = {
    "affinity": "Placement.Affinity",
    "architecture": "Architecture",
    "availability-zone": "Placement.AvailabilityZone",
    "block-device-mapping.attach-time": "BlockDeviceMappings[].Ebs.AttachTime",
    "block-device-mapping.delete-on-termination": "BlockDeviceMappings[].Ebs.DeleteOnTermination",
    "block-device-mapping.device-name": "BlockDeviceMappings[].DeviceName",
    "block-device-mapping.status": "BlockDeviceMappings[].Ebs.Status",
    "block-device-mapping.volume-id": "BlockDeviceMappings[].Ebs.VolumeId",
    "boot-mode": "BootMode",
    "capacity-reservation-id": "CapacityReservationId",
    "client-token": "ClientToken",
    "current-instance-boot-mode": "CurrentInstanceBootMode",
    "dns-name": "PublicDnsName",
    "ebs-optimized": "EbsOptimized",
    "ena-support": "EnaSupport",
    "enclave-options.enabled": "EnclaveOptions.Enabled",
    "hibernation-options.configured": "HibernationOptions.Configured",
    "host-id": "Placement.HostId",
    "hypervisor": "Hypervisor",
    "iam-instance-profile.arn": "IamInstanceProfile.Arn",
    "iam-instance-profile.id": "IamInstanceProfile.Id",
    "image-id": "ImageId",
    "instance-id": "InstanceId",
    "instance-lifecycle": "InstanceLifecycle",
    "instance-state-code": "State.Code",
    "instance-state-name": "State.Name",
    "instance-type": "InstanceType",
    "instance.group-id": "SecurityGroups[].GroupId",
    "instance.group-name": "SecurityGroups[].GroupName",
    "group-id": "SecurityGroups[].GroupId",
    "group-name": "SecurityGroups[].GroupName",
    "ip-address": "PublicIpAddress",
    "ipv6-address": "Ipv6Address",
    "kernel-id": "KernelId",
    "key-name": "KeyName",
    "launch-index": "AmiLaunchIndex",
    "launch-time": "LaunchTime",
    "maintenance-options.auto-recovery": "MaintenanceOptions.AutoRecovery",
    "metadata-options.http-endpoint": "MetadataOptions.HttpEndpoint",
    "metadata-options.http-protocol-ipv4": "MetadataOptions.HttpProtocolIpv4",
    "metadata-options.http-protocol-ipv6": "MetadataOptions.HttpProtocolIpv6",
    "metadata-options.http-put-response-hop-limit": "MetadataOptions.HttpPutResponseHopLimit",
    "metadata-options.http-tokens": "MetadataOptions.HttpTokens",
    "metadata-options.instance-metadata-tags": "MetadataOptions.InstanceMetadataTags",
    "metadata-options.state": "MetadataOptions.State",
    "monitoring-state": "Monitoring.State",
    "network-interface.addresses.association.public-ip": f"{_CARD}.Association.PublicIp",
    "network-interface.addresses.primary": f"{_CARD}.PrivateIpAddresses[].Primary",
    "network-interface.addresses.private-ip-address": f"{_CARD}.PrivateIpAddress",
    "network-interface.association.public-ip": f"{_CARD}.Association.PublicIp",
    "network-interface.attachment.attachment-id": f"{_CARD}.Attachment.AttachmentId",
    "network-interface.attachment.delete-on-termination": f"{_CARD}.Attachment.DeleteOnTermination",
    "network-interface.attachment.device-index": f"{_CARD}.Attachment.DeviceIndex",
    "network-interface.attachment.instance-id": "InstanceId",
    "network-interface.attachment.status": f"{_CARD}.Attachment.Status",
    "network-interface.availability-zone": "Placement.AvailabilityZone",
    "network-interface.description": f"{_CARD}.Description",
    "network-interface.group-id": f"{_CARD}.Groups[].GroupId",
    "network-interface.group-name": f"{_CARD}.Groups[].GroupName",
    "network-interface.mac-address": f"{_CARD}.MacAddress",
    "network-interface.network-interface-id": f"{_CARD}.NetworkInterfaceId",
    "network-interface.owner-id": f"{_CARD}.OwnerId",
    "network-interface.private-dns-name": f"{_CARD}.PrivateDnsName",
    "network-interface.private-ip-address": f"{_CARD}.PrivateIpAddress",
    "network-interface.source-dest-check": f"{_CARD}.SourceDestCheck",
    "network-interface.status": f"{_CARD}.Status",
    "network-interface.subnet-id": f"{_CARD}.SubnetId",
    "network-interface.vpc-id": f"{_CARD}.VpcId",
    "owner-id": f"{_CARD}.OwnerId",
    "placement-group-name": "Placement.GroupName",
    "platform": "Platform",
    "platform-details": "PlatformDetails",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "product-code": "ProductCodes[].ProductCodeId",
    "product-code.type": "ProductCodes[].ProductCodeType",
    "ramdisk-id": "RamdiskId",
    "reason": "StateTransitionReason",
    "reservation-id": "ReservationId",
    "root-device-name": "RootDeviceName",
    "root-device-type": "RootDeviceType",
    "source-dest-check": "SourceDestCheck",
    "spot-instance-request-id": "SpotInstanceRequestId",
    "state-reason-code": "StateReason.Code",
    "state-reason-message": "StateReason.Message",
    "subnet-id": "SubnetId",
    "tenancy": "Placement.Tenancy",
    "tpm-support": "TpmSupport",
    "usage-operation": "UsageOperation",
    "virtualization-type": "VirtualizationType",
    "vpc-id": "VpcId",
}


def show_instances(call: Call, instances: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return instances as DescribeInstances shows them, without tags."""
    return [show_instance(instance) for instance in instances]


def show_instance(instance: Resource) -> dict[str, Any]:
    """Return one instance: what it has depends on whether it runs, is stopped, or is gone."""
    inner = instance.inner
    item = {
        **instance.document,
        "InstanceId": instance.id,
        "State": state_of(instance.state),
        "ReservationId": inner["reservation"],
        "PublicDnsName": "",
        "ProductCodes": instance.document.get("ProductCodes", []),
    }
    if instance.state in GONE:
        for name in ("PrivateIpAddress", "SubnetId", "VpcId"):
            item.pop(name, None)
        return {**item, "PrivateDnsName": "", "SecurityGroups": [], "NetworkInterfaces": [], "BlockDeviceMappings": []}
    if instance.state == "running":
        item["PublicIpAddress"] = inner["address"]
    item["NetworkInterfaces"] = [_interface(instance)]
    return item


def state_of(name: str) -> dict[str, Any]:
    """Return a state with its code."""
    return {"Code": CODES[name], "Name": name}


def _interface(instance: Resource) -> dict[str, Any]:
    document, inner = instance.document, instance.inner
    address = {
        "Primary": True,
        "PrivateDnsName": document["PrivateDnsName"],
        "PrivateIpAddress": document["PrivateIpAddress"],
    }
    public = {"Association": {"IpOwnerId": "amazon", "PublicDnsName": "", "PublicIp": inner["address"]}}
    if instance.state != "running":
        public = {}
    return {
        **public,
        "Attachment": {
            "AttachTime": document["LaunchTime"],
            "AttachmentId": inner["attachment"],
            "DeleteOnTermination": True,
            "DeviceIndex": 0,
            "NetworkCardIndex": 0,
            "Status": "attached",
        },
        "Description": "",
        "Groups": document["SecurityGroups"],
        "InterfaceType": "interface",
        "Ipv6Addresses": [],
        "MacAddress": inner["mac"],
        "NetworkInterfaceId": inner["interface"],
        "OwnerId": instance.account,
        "PrivateDnsName": document["PrivateDnsName"],
        "PrivateIpAddress": document["PrivateIpAddress"],
        "PrivateIpAddresses": [{**address, **public}],
        "SourceDestCheck": document["SourceDestCheck"],
        "Status": "in-use",
        "SubnetId": document["SubnetId"],
        "VpcId": document["VpcId"],
    }


LISTING = Listing(
    kind="instance",
    ids="InstanceIds",
    filters=FILTERS,
    show=show_instances,
    columns={"instance-id": "ids", "instance-state-name": "states"},
    exclusive=True,
)


@ec2.operation(deviation="Terminated instances show for an hour. PublicDnsName is empty: nobody would resolve it.")
def describe_instances(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's instances, by the reservations in which they were launched."""
    items, more = describe(call, parameters, LISTING)
    reservations = [
        {
            "ReservationId": reservation,
            "OwnerId": call.account.id,
            "Groups": [],
            "Instances": [
                {name: value for name, value in item.items() if name != "ReservationId"} for item in launched
            ],
        }
        for reservation, launched in groupby(items, key=lambda item: item["ReservationId"])
    ]
    return {"Reservations": reservations, **more}
