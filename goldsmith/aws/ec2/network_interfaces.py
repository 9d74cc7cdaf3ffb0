"""Network interfaces: each instance has one, made and removed with it."""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import missing, require_form
from goldsmith.aws.ec2.instances import GONE, show_instance
from goldsmith.aws.ec2.regions import zone_id
from goldsmith.aws.filters import Filters
from goldsmith.aws.operations import ec2
from goldsmith.aws.pagination import paginate
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

KIND = "network-interface"
FILTERS = {
    "addresses.association.owner-id": "PrivateIpAddresses[].Association.IpOwnerId",
    "addresses.association.public-ip": "PrivateIpAddresses[].Association.PublicIp",
    "addresses.primary": "PrivateIpAddresses[].Primary",
    "addresses.private-ip-address": "PrivateIpAddresses[].PrivateIpAddress",
    "association.allocation-id": "Association.AllocationId",
    "association.association-id": "Association.AssociationId",
    "association.ip-owner-id": "Association.IpOwnerId",
    "association.public-dns-name": "Association.PublicDnsName",
    "association.public-ip": "Association.PublicIp",
    "attachment.attach-time": "Attachment.AttachTime",
    "attachment.attachment-id": "Attachment.AttachmentId",
    "attachment.delete-on-termination": "Attachment.DeleteOnTermination",
    "attachment.device-index": "Attachment.DeviceIndex",
    "attachment.instance-id": "Attachment.InstanceId",
    "attachment.instance-owner-id": "Attachment.InstanceOwnerId",
    "attachment.status": "Attachment.Status",
    "availability-zone": "AvailabilityZone",
    "availability-zone-id": "AvailabilityZoneId",
    "description": "Description",
    "group-id": "Groups[].GroupId",
    "group-name": "Groups[].GroupName",
    "interface-type": "InterfaceType",
    "ipv6-addresses.ipv6-address": "Ipv6Addresses[].Ipv6Address",
    "mac-address": "MacAddress",
    "network-interface-id": "NetworkInterfaceId",
    "operator.managed": "Operator.Managed",
    "operator.principal": "Operator.Principal",
    "owner-id": "OwnerId",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "requester-id": "RequesterId",
    "requester-managed": "RequesterManaged",
    "source-dest-check": "SourceDestCheck",
    "status": "Status",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}


@ec2.operation(deviation="Interfaces come and go with their instances, and have no tags.")
def describe_network_interfaces(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the interfaces of the caller's instances."""
    filters = Filters(parameters.get("Filters"), FILTERS)
    ids = parameters.get("NetworkInterfaceIds") or ()
    require_form(KIND, *ids)
    found = [card for card in _all(call) if not ids or card["NetworkInterfaceId"] in ids]
    if gone := set(ids) - {card["NetworkInterfaceId"] for card in found}:
        raise missing(KIND, sorted(gone))
    cards = [card for card in found if filters.match(card)]

    def following(after: Any) -> Iterator[dict[str, Any]]:
        if after is None:
            return iter(cards)
        rest = dropwhile(lambda card: card["NetworkInterfaceId"] != after, cards)
        next(rest, None)
        return rest

    page, more = paginate(call, parameters, following, lambda card: card["NetworkInterfaceId"])
    return {"NetworkInterfaces": page, **more}


def _all(call: Call) -> list[dict[str, Any]]:
    instances = call.catalog.find(Query("instance", owners=(call.account.id,)))
    return [
        _show(call, instance, card)
        for instance in instances
        if instance.state not in GONE
        for card in show_instance(instance)["NetworkInterfaces"]
    ]


def _show(call: Call, instance: Resource, card: dict[str, Any]) -> dict[str, Any]:
    """Return an instance's interface as it is shown by itself."""
    zone = instance.document["Placement"]["AvailabilityZone"]
    holder = {"InstanceId": instance.id, "InstanceOwnerId": instance.account}
    return {
        **card,
        "Attachment": {**card["Attachment"], **holder},
        "AvailabilityZone": zone,
        "AvailabilityZoneId": zone_id(call.region, zone),
        "RequesterManaged": False,
        "TagSet": [],
    }
