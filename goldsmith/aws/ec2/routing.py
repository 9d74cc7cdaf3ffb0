"""How the default VPC is wired: its internet gateway, route table, DHCP options and network ACL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.default_network import DEVIATION, ensure_network
from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.call import Call
    from goldsmith.aws.ec2.describing import Show
    from goldsmith.catalog.resources import Resource

GATEWAY_FILTERS = {
    "attachment.state": "Attachments[].State",
    "attachment.vpc-id": "Attachments[].VpcId",
    "internet-gateway-id": "InternetGatewayId",
    "owner-id": "OwnerId",
}
TABLE_FILTERS = {
    "association.gateway-id": "Associations[].GatewayId",
    "association.main": "Associations[].Main",
    "association.route-table-association-id": "Associations[].RouteTableAssociationId",
    "association.route-table-id": "Associations[].RouteTableId",
    "association.subnet-id": "Associations[].SubnetId",
    "owner-id": "OwnerId",
    "route-table-id": "RouteTableId",
    "route.destination-cidr-block": "Routes[].DestinationCidrBlock",
    "route.destination-ipv6-cidr-block": "Routes[].DestinationIpv6CidrBlock",
    "route.destination-prefix-list-id": "Routes[].DestinationPrefixListId",
    "route.egress-only-internet-gateway-id": "Routes[].EgressOnlyInternetGatewayId",
    "route.gateway-id": "Routes[].GatewayId",
    "route.instance-id": "Routes[].InstanceId",
    "route.nat-gateway-id": "Routes[].NatGatewayId",
    "route.origin": "Routes[].Origin",
    "route.state": "Routes[].State",
    "route.transit-gateway-id": "Routes[].TransitGatewayId",
    "route.vpc-peering-connection-id": "Routes[].VpcPeeringConnectionId",
    "vpc-id": "VpcId",
}
OPTIONS_FILTERS = {
    "dhcp-options-id": "DhcpOptionsId",
    "key": "DhcpConfigurations[].Key",
    "owner-id": "OwnerId",
    "value": "DhcpConfigurations[].Values[].Value",
}
ACL_FILTERS = {
    "association.association-id": "Associations[].NetworkAclAssociationId",
    "association.network-acl-id": "Associations[].NetworkAclId",
    "association.subnet-id": "Associations[].SubnetId",
    "default": "IsDefault",
    "entry.cidr": "Entries[].CidrBlock",
    "entry.egress": "Entries[].Egress",
    "entry.icmp.code": "Entries[].IcmpTypeCode.Code",
    "entry.icmp.type": "Entries[].IcmpTypeCode.Type",
    "entry.ipv6-cidr": "Entries[].Ipv6CidrBlock",
    "entry.port-range.from": "Entries[].PortRange.From",
    "entry.port-range.to": "Entries[].PortRange.To",
    "entry.protocol": "Entries[].Protocol",
    "entry.rule-action": "Entries[].RuleAction",
    "entry.rule-number": "Entries[].RuleNumber",
    "network-acl-id": "NetworkAclId",
    "owner-id": "OwnerId",
    "vpc-id": "VpcId",
}


def _showing(member: str) -> Show:
    def show(call: Call, resources: Sequence[Resource]) -> list[dict[str, Any]]:
        return [{**each.document, member: each.id, "OwnerId": each.account} for each in resources]

    return show


GATEWAYS = Listing("internet-gateway", "InternetGatewayIds", GATEWAY_FILTERS, _showing("InternetGatewayId"), {})
TABLES = Listing("route-table", "RouteTableIds", TABLE_FILTERS, _showing("RouteTableId"), {})
OPTIONS = Listing("dhcp-options", "DhcpOptionsIds", OPTIONS_FILTERS, _showing("DhcpOptionsId"), {})
ACLS = Listing("network-acl", "NetworkAclIds", ACL_FILTERS, _showing("NetworkAclId"), {})


@ec2.operation(deviation=DEVIATION)
def describe_internet_gateways(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the default VPC's internet gateway."""
    ensure_network(call)
    items, more = describe(call, parameters, GATEWAYS)
    return {"InternetGateways": items, **more}


@ec2.operation(deviation=DEVIATION)
def describe_route_tables(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the default VPC's main route table."""
    ensure_network(call)
    items, more = describe(call, parameters, TABLES)
    return {"RouteTables": items, **more}


@ec2.operation(deviation=DEVIATION)
def describe_dhcp_options(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the default VPC's DHCP options."""
    ensure_network(call)
    items, more = describe(call, parameters, OPTIONS)
    return {"DhcpOptions": items, **more}


@ec2.operation(deviation="The network ACL lets everything through; security groups decide what is reachable.")
def describe_network_acls(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the default VPC's network ACL."""
    ensure_network(call)
    items, more = describe(call, parameters, ACLS)
    return {"NetworkAcls": items, **more}
