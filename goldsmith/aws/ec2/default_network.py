"""The default VPC that every account has in every region, made when it is first needed."""

from __future__ import annotations

import hashlib
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.errors import AwsError
from goldsmith.catalog.resources import Query, Resource, ResourceExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call
    from goldsmith.catalog.catalog import Catalog

NETWORK = IPv4Network("169.254.0.0/16")
"""What a guest's network truly is: instance metadata at 169.254.169.254 is on the same link."""

SUBNET_PREFIX = 20
EVERYWHERE = "0.0.0.0/0"

DEVIATION = (
    "Each account has its default VPC, 169.254.0.0/16, with a subnet for each zone, and no other; instances reach "
    "each other and are reached through this host."
)


def default_id(call: Call, prefix: str, detail: str = "") -> str:
    """Return the id that a part of the caller's default network has: always the same."""
    text = f"{prefix}\0{call.account.id}\0{call.region}\0{detail}"
    return f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:17]}"


def ensure_network(call: Call) -> None:
    """Make of the caller's default network in the call's region what is not there yet.

    A call that only reads makes it in a transaction of its own, before it sees anything.
    """
    subnets = tuple(default_id(call, "subnet", zone) for zone in call.cloud.zones(call.region))
    found = list(call.catalog.find(Query("subnet", ids=subnets, owners=(call.account.id,))))
    if len(found) == len(subnets):
        return
    connection = call.catalog.connection
    if connection.get_execution_options().get("goldsmith_writes"):
        _make(call, call.catalog)
        return
    connection.rollback()
    with call.cloud.catalog(call.account, call.region) as catalog:
        _make(call, catalog)


def default_vpc(call: Call) -> Resource:
    """Return the caller's VPC in the call's region."""
    ensure_network(call)
    return owned(call, "vpc", default_id(call, "vpc"))


def default_subnet(call: Call, zone: str | None = None) -> Resource:
    """Return the caller's subnet in ``zone``, by default the region's first. Raises AwsError for an unknown zone."""
    zones = call.cloud.zones(call.region)
    if zone and zone not in zones:
        raise AwsError("InvalidParameterValue", f"Invalid availability zone: [{zone[:64]}]")
    ensure_network(call)
    return owned(call, "subnet", default_id(call, "subnet", zone or zones[0]))


def default_group(call: Call) -> Resource:
    """Return the caller's security group "default"."""
    ensure_network(call)
    return owned(call, "security-group", default_id(call, "sg"))


def _make(call: Call, catalog: Catalog) -> None:
    for part in _parts(call):
        if catalog.own(part.kind, part.id) is None:
            try:
                catalog.add(part)
            except ResourceExistsError as clash:
                raise AwsError(
                    "RequestLimitExceeded", "The default VPC is being made; try again.", status=503
                ) from clash


def _parts(call: Call) -> Iterator[Resource]:
    """Yield everything of a default VPC (VPC user guide, "Default VPC components")."""
    vpc, group, table, acl = (default_id(call, prefix) for prefix in ("vpc", "sg", "rtb", "acl"))
    gateway, options = default_id(call, "igw"), default_id(call, "dopt")
    subnets = {zone: default_id(call, "subnet", zone) for zone in call.cloud.zones(call.region)}

    def part(identifier: str, kind: str, **document: object) -> Resource:
        return Resource(identifier, kind, call.account.id, call.region, "", "available", call.now, document)

    domain = "ec2.internal" if call.region == "us-east-1" else f"{call.region}.compute.internal"
    yield part(
        options,
        "dhcp-options",
        DhcpConfigurations=[
            {"Key": "domain-name", "Values": [{"Value": domain}]},
            {"Key": "domain-name-servers", "Values": [{"Value": "AmazonProvidedDNS"}]},
        ],
    )
    block = {"CidrBlock": str(NETWORK), "CidrBlockState": {"State": "associated"}}
    yield part(
        vpc,
        "vpc",
        CidrBlock=str(NETWORK),
        DhcpOptionsId=options,
        InstanceTenancy="default",
        IsDefault=True,
        CidrBlockAssociationSet=[{**block, "AssociationId": default_id(call, "vpc-cidr-assoc")}],
    )
    yield part(gateway, "internet-gateway", Attachments=[{"State": "available", "VpcId": vpc}])
    yield part(table, "route-table", **_routes(call, vpc, table, gateway))
    yield part(acl, "network-acl", **_entries(call, vpc, acl, list(subnets.values())))
    yield Resource(
        group,
        "security-group",
        call.account.id,
        call.region,
        "default",
        "available",
        call.now,
        {"Description": "default VPC security group", "VpcId": vpc},
    )
    yield from _group_rules(call, group)
    for (zone, subnet), network in zip(subnets.items(), NETWORK.subnets(new_prefix=SUBNET_PREFIX), strict=False):
        yield part(
            subnet,
            "subnet",
            VpcId=vpc,
            AvailabilityZone=zone,
            CidrBlock=str(network),
            DefaultForAz=True,
            MapPublicIpOnLaunch=True,
        )


def _group_rules(call: Call, group: str) -> Iterator[Resource]:
    """Yield the rules of the group "default": all from itself, and all out."""
    itself = {"ReferencedGroupInfo": {"GroupId": group, "UserId": call.account.id}}
    for side, egress, other in (("in", False, itself), ("out", True, {"CidrIpv4": EVERYWHERE})):
        yield Resource(
            default_id(call, "sgr", side),
            "security-group-rule",
            call.account.id,
            call.region,
            group,
            "",
            call.now,
            {"IsEgress": egress, "IpProtocol": "-1", "FromPort": -1, "ToPort": -1, **other},
        )


def _routes(call: Call, vpc: str, table: str, gateway: str) -> dict[str, object]:
    association = {
        "Main": True,
        "RouteTableAssociationId": default_id(call, "rtbassoc"),
        "RouteTableId": table,
        "AssociationState": {"State": "associated"},
    }
    local = {"DestinationCidrBlock": str(NETWORK), "GatewayId": "local", "Origin": "CreateRouteTable"}
    out = {"DestinationCidrBlock": EVERYWHERE, "GatewayId": gateway, "Origin": "CreateRoute"}
    return {
        "VpcId": vpc,
        "Associations": [association],
        "PropagatingVgws": [],
        "Routes": [{**route, "State": "active"} for route in (local, out)],
    }


def _entries(call: Call, vpc: str, acl: str, subnets: list[str]) -> dict[str, object]:
    """Return the network ACL that lets everything through, in and out."""
    numbers = {"allow": 100, "deny": 32767}
    return {
        "VpcId": vpc,
        "IsDefault": True,
        "Associations": [
            {
                "NetworkAclAssociationId": default_id(call, "aclassoc", subnet),
                "NetworkAclId": acl,
                "SubnetId": subnet,
            }
            for subnet in subnets
        ],
        "Entries": [
            {"CidrBlock": EVERYWHERE, "Egress": egress, "Protocol": "-1", "RuleAction": action, "RuleNumber": number}
            for egress in (True, False)
            for action, number in numbers.items()
        ],
    }
