"""Operations that suites only use to get to what they test: here they answer with the default network.

Goldsmith has one VPC to an account and region, and answers neither CreateVpc nor CreateSubnet. A suite that makes a
VPC for its security groups or its instances has them in the default one instead. Importing this answers them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.default_network import default_subnet, default_vpc
from goldsmith.aws.ec2.describing import tagged
from goldsmith.aws.ec2.subnets import show_subnets
from goldsmith.aws.ec2.vpcs import show_vpcs
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from goldsmith.aws.call import Call


@ec2.operation()
def create_vpc(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"Vpc": tagged(call, [default_vpc(call)], show_vpcs)[0]}


@ec2.operation()
def create_subnet(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    zones = call.cloud.zones(call.region)
    zone = parameters.get("AvailabilityZone")
    zone = zone if zone in zones else zones[0]
    return {"Subnet": tagged(call, [default_subnet(call, zone)], show_subnets)[0]}


@ec2.operation()
def delete_vpc(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    return {}


@ec2.operation()
def delete_subnet(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    return {}
