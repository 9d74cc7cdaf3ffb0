"""Which addresses of a subnet instances can have: what the guests get by DHCP on their own small network."""

from __future__ import annotations

import secrets
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

HOST_NUMBERS = 10
"""In each /24 of the first subnet the first addresses are for the guest's gateway, name server and the like."""

FIRST = IPv4Address("169.254.0.0")
METADATA = IPv4Network("169.254.169.0/24")


def usable_addresses(network: IPv4Network) -> list[IPv4Address]:
    """Return the addresses of a subnet that an instance can have."""
    first = network.network_address == FIRST
    return [
        address
        for address in network.hosts()
        if not (first and int(address) % 256 < HOST_NUMBERS) and address not in METADATA
    ]


def draw_address(network: IPv4Network, taken: AbstractSet[IPv4Address], others: AbstractSet[IPv4Address]) -> str:
    """Return an address of none in ``taken`` and, if there is one left, of none in ``others``. Raises AwsError."""
    free = [address for address in usable_addresses(network) if address not in taken]
    if not free:
        raise AwsError(
            "InsufficientFreeAddressesInSubnet",
            f"There are not enough free addresses in {network} to satisfy the requested number of instances.",
        )
    return str(secrets.choice([address for address in free if address not in others] or free))


def require_address(asked: str, network: IPv4Network, taken: AbstractSet[IPv4Address]) -> str:
    """Return an address that was asked for. Raises AwsError where it is not in the subnet, or not free."""
    try:
        address = IPv4Address(asked)
    except ValueError as wrong:
        raise AwsError(
            "InvalidParameterValue", f"Value ({asked[:64]}) for parameter privateIpAddress is invalid."
        ) from wrong
    if address not in network:
        raise AwsError("InvalidParameterValue", f"Address {asked} does not fall within the subnet's address range")
    if address not in usable_addresses(network):
        raise AwsError("InvalidParameterValue", f"Address {asked} is in subnet's reserved address range")
    if address in taken:
        raise AwsError("InvalidIPAddress.InUse", f"Address {asked} is in use.")
    return str(address)
