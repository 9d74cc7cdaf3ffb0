"""What there is none of here, for clients that look: elastic addresses, NAT gateways, placement groups and more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.aws.call import Call

ABSENT = {
    "describe_addresses": (
        "Addresses",
        {"AllocationIds": "InvalidAllocationID.NotFound", "PublicIps": "InvalidAddress.NotFound"},
    ),
    "describe_placement_groups": (
        "PlacementGroups",
        {"GroupNames": "InvalidPlacementGroup.Unknown", "GroupIds": "InvalidPlacementGroup.Unknown"},
    ),
    "describe_nat_gateways": ("NatGateways", {"NatGatewayIds": "NatGatewayNotFound"}),
    "describe_egress_only_internet_gateways": (
        "EgressOnlyInternetGateways",
        {"EgressOnlyInternetGatewayIds": "InvalidGatewayID.NotFound"},
    ),
    "describe_vpc_endpoints": ("VpcEndpoints", {"VpcEndpointIds": "InvalidVpcEndpointId.NotFound"}),
    "describe_vpc_peering_connections": (
        "VpcPeeringConnections",
        {"VpcPeeringConnectionIds": "InvalidVpcPeeringConnectionID.NotFound"},
    ),
    "describe_managed_prefix_lists": ("PrefixLists", {"PrefixListIds": "InvalidPrefixListID.NotFound"}),
    "describe_prefix_lists": ("PrefixLists", {"PrefixListIds": "InvalidPrefixListID.NotFound"}),
    "describe_capacity_reservations": (
        "CapacityReservations",
        {"CapacityReservationIds": "InvalidCapacityReservationId.NotFound"},
    ),
    "describe_hosts": ("Hosts", {"HostIds": "InvalidHostID.NotFound"}),
    "describe_spot_instance_requests": (
        "SpotInstanceRequests",
        {"SpotInstanceRequestIds": "InvalidSpotInstanceRequestID.NotFound"},
    ),
    "describe_reserved_instances": ("ReservedInstances", {"ReservedInstancesIds": "InvalidReservedInstancesId"}),
}
"""By operation: the list of its answer, and the codes for ids that lead nowhere."""


def _nothing(name: str, listed: str, codes: dict[str, str]) -> Callable[[Call, dict[str, Any]], dict[str, Any]]:
    def answer(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
        for member, code in codes.items():
            if asked := parameters.get(member):
                raise AwsError(code, f"There is no {str(asked[0])[:64]} here: {listed} are not kept.")
        return {listed: []}

    answer.__name__ = name
    answer.__doc__ = f"List nothing: there are no {listed} here."
    return answer


for _name, (_listed, _codes) in ABSENT.items():
    ec2.operation(deviation="There are none here.")(_nothing(_name, _listed, _codes))
