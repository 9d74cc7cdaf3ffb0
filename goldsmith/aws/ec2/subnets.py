"""Subnets: one for each zone of the default VPC, and the addresses that instances get of them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.default_network import DEVIATION, default_subnet, ensure_network
from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.ids import missing, owned
from goldsmith.aws.ec2.private_addresses import draw_address, require_address, usable_addresses
from goldsmith.aws.ec2.regions import zone_id
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.catalog.resources import Query, every

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource

ALIVE = ("pending", "running", "stopping", "stopped", "shutting-down")
"""States of instances that hold their address."""

NAMES = "PrivateDnsNameOptionsOnLaunch"

FILTERS = {
    "availability-zone": "AvailabilityZone",
    "availability-zone-id": "AvailabilityZoneId",
    "available-ip-address-count": "AvailableIpAddressCount",
    "cidr": "CidrBlock",
    "cidr-block": "CidrBlock",
    "customer-owned-ipv4-pool": "CustomerOwnedIpv4Pool",
    "default-for-az": "DefaultForAz",
    "enable-dns64": "EnableDns64",
    "enable-lni-at-device-index": "EnableLniAtDeviceIndex",
    "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet[].AssociationId",
    "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet[].Ipv6CidrBlock",
    "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet[].Ipv6CidrBlockState.State",
    "ipv6-native": "Ipv6Native",
    "map-customer-owned-ip-on-launch": "MapCustomerOwnedIpOnLaunch",
    "map-public-ip-on-launch": "MapPublicIpOnLaunch",
    "outpost-arn": "OutpostArn",
    "owner-id": "OwnerId",
    "private-dns-name-options-on-launch.enable-resource-name-dns-a-record": f"{NAMES}.EnableResourceNameDnsARecord",
    "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": (
        f"{NAMES}.EnableResourceNameDnsAAAARecord"
    ),
    "private-dns-name-options-on-launch.hostname-type": f"{NAMES}.HostnameType",
    "state": "State",
    "subnet-arn": "SubnetArn",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}


def show_subnets(call: Call, subnets: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return subnets as DescribeSubnets shows them, without tags."""
    return [
        {
            **subnet.document,
            "SubnetId": subnet.id,
            "SubnetArn": f"arn:aws:ec2:{subnet.region}:{subnet.account}:subnet/{subnet.id}",
            "State": subnet.state,
            "OwnerId": subnet.account,
            "AvailabilityZoneId": zone_id(subnet.region, subnet.document["AvailabilityZone"]),
            "AvailableIpAddressCount": free,
            "AssignIpv6AddressOnCreation": False,
            "EnableDns64": False,
            "Ipv6Native": False,
            "MapCustomerOwnedIpOnLaunch": False,
            "Ipv6CidrBlockAssociationSet": [],
            NAMES: {
                "HostnameType": "ip-name",
                "EnableResourceNameDnsARecord": False,
                "EnableResourceNameDnsAAAARecord": False,
            },
        }
        for subnet, free in zip(subnets, _free(call, subnets), strict=True)
    ]


LISTING = Listing("subnet", "SubnetIds", FILTERS, show_subnets, {"subnet-id": "ids", "state": "states"})


@ec2.operation(deviation=DEVIATION)
def describe_subnets(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's subnets."""
    ensure_network(call)
    items, more = describe(call, parameters, LISTING)
    return {"Subnets": items, **more}


@ec2.operation()
def create_default_subnet(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Refuse: every zone has its default subnet."""
    zone = parameters.get("AvailabilityZone") or call.cloud.zones(call.region)[0]
    subnet = default_subnet(call, zone)
    raise AwsError("DefaultSubnetAlreadyExistsInAvailabilityZone", f"'{subnet.id}' is already the default for {zone}.")


def choose_subnet(call: Call, subnet_id: str | None = None, zone: str | None = None) -> dict[str, Any]:
    """Return the subnet of that id, or the default one of a zone, as DescribeSubnets shows it. Raises AwsError."""
    ensure_network(call)
    subnet = owned(call, "subnet", subnet_id) if subnet_id else default_subnet(call, zone)
    there = subnet.document["AvailabilityZone"]
    if zone and zone != there:
        raise AwsError(
            "InvalidParameterValue", f"The subnet {subnet.id} is in the zone {there} and not in {zone[:64]}."
        )
    return show_subnets(call, [subnet])[0]


def subnet_of(catalog: Catalog, subnet_id: str) -> dict[str, Any]:
    """Return what a subnet of the catalogue's account is. Raises AwsError where there is none."""
    subnet = catalog.own("subnet", subnet_id)
    if subnet is None:
        raise missing("subnet", [subnet_id])
    return {**subnet.document, "SubnetId": subnet.id}


def allocate_address(call: Call, subnet: Mapping[str, Any], asked: str = "") -> str:
    """Return ``asked``, or else an address of ``subnet`` that no instance of this home has, of any account.

    Another account's instances never make an address that is asked for unavailable: each guest has a network of its
    own. Raises AwsError when ``asked`` is not in the subnet or an instance of the account has it, or none is free.
    """
    network = IPv4Network(subnet["CidrBlock"])
    taken = _taken(call)
    if asked:
        return require_address(asked, network, taken)
    return draw_address(network, taken, _addresses(every(call.catalog.connection, "instance", states=ALIVE)))


def _taken(call: Call) -> set[IPv4Address]:
    """Return the addresses of the caller's own instances in the call's region."""
    return _addresses(call.catalog.find(Query("instance", owners=(call.account.id,), states=ALIVE)))


def _addresses(instances: Iterable[Resource]) -> set[IPv4Address]:
    documents = (instance.document for instance in instances)
    return {IPv4Address(found) for document in documents if (found := document.get("PrivateIpAddress"))}


def _free(call: Call, subnets: Sequence[Resource]) -> list[int]:
    """Return for each subnet how many of its addresses the caller has no instance at."""
    taken = _taken(call)
    networks = [IPv4Network(subnet.document["CidrBlock"]) for subnet in subnets]
    return [len(usable_addresses(network)) - sum(address in network for address in taken) for network in networks]
