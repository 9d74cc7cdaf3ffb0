"""VPCs: the caller's default one, and what clients ask of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.default_network import DEVIATION, default_vpc, ensure_network
from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

FILTERS = {
    "cidr": "CidrBlock",
    "cidr-block": "CidrBlock",
    "cidr-block-association.association-id": "CidrBlockAssociationSet[].AssociationId",
    "cidr-block-association.cidr-block": "CidrBlockAssociationSet[].CidrBlock",
    "cidr-block-association.state": "CidrBlockAssociationSet[].CidrBlockState.State",
    "dhcp-options-id": "DhcpOptionsId",
    "instance-tenancy": "InstanceTenancy",
    "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet[].AssociationId",
    "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet[].Ipv6CidrBlock",
    "ipv6-cidr-block-association.ipv6-pool": "Ipv6CidrBlockAssociationSet[].Ipv6Pool",
    "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet[].Ipv6CidrBlockState.State",
    "is-default": "IsDefault",
    "owner-id": "OwnerId",
    "state": "State",
    "vpc-id": "VpcId",
}


def show_vpcs(call: Call, vpcs: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return VPCs as DescribeVpcs shows them, without tags."""
    return [
        {
            **vpc.document,
            "VpcId": vpc.id,
            "State": vpc.state,
            "OwnerId": vpc.account,
            "Ipv6CidrBlockAssociationSet": [],
            "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        }
        for vpc in vpcs
    ]


LISTING = Listing("vpc", "VpcIds", FILTERS, show_vpcs, {"vpc-id": "ids", "state": "states"})


@ec2.operation(deviation=DEVIATION)
def describe_vpcs(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's VPC."""
    ensure_network(call)
    items, more = describe(call, parameters, LISTING)
    return {"Vpcs": items, **more}


@ec2.operation()
def describe_vpc_attribute(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell one attribute of a VPC: names are resolved in it, and instances have some."""
    ensure_network(call)
    vpc = owned(call, "vpc", parameters["VpcId"])
    asked = parameters["Attribute"]
    values = {"enableDnsSupport": True, "enableDnsHostnames": True, "enableNetworkAddressUsageMetrics": False}
    return {"VpcId": vpc.id, asked[0].upper() + asked[1:]: {"Value": values[asked]}}


@ec2.operation()
def create_default_vpc(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Refuse: every account has its default VPC."""
    vpc = default_vpc(call)
    raise AwsError("DefaultVpcAlreadyExists", f"A Default VPC already exists for this account in this region: {vpc.id}")


@ec2.operation()
def describe_vpc_classic_link(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List nothing: no VPC is linked to EC2-Classic, which is no more."""
    return {"Vpcs": []}


@ec2.operation()
def describe_vpc_classic_link_dns_support(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List nothing, as DescribeVpcClassicLink does."""
    return {"Vpcs": []}
