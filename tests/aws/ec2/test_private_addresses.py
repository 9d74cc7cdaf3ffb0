"""Addresses of instances: none that the guest's own network needs, none twice."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.aws.ec2.private_addresses import draw_address, require_address, usable_addresses
from goldsmith.aws.errors import AwsError

FIRST = IPv4Network("169.254.0.0/20")


def test_the_guests_gateway_and_name_server_are_nobodys():
    usable = {str(address) for address in usable_addresses(FIRST)}
    assert not usable & {"169.254.0.0", "169.254.0.9", "169.254.1.1", "169.254.1.3", "169.254.15.255"}
    assert "169.254.1.10" in usable


def test_instance_metadata_is_nobodys():
    assert not any(
        str(address).startswith("169.254.169.") for address in usable_addresses(IPv4Network("169.254.160.0/20"))
    )


@settings(deadline=None)
@given(st.integers(0, 5))
def test_every_subnet_has_room(number):
    network = list(IPv4Network("169.254.0.0/16").subnets(new_prefix=20))[number]
    assert len(usable_addresses(network)) > 3900


def test_an_address_is_drawn_that_nobody_has():
    small = IPv4Network("169.254.16.0/29")
    one, two, *rest = usable_addresses(small)
    assert draw_address(small, {one}, set(rest)) == str(two)


def test_others_make_room_rather_than_none():
    small = IPv4Network("169.254.16.0/30")
    one, two = usable_addresses(small)
    assert draw_address(small, {one}, {one, two}) == str(two)


def test_a_full_subnet_is_told():
    small = IPv4Network("169.254.16.0/30")
    with pytest.raises(AwsError, match="InsufficientFreeAddressesInSubnet"):
        draw_address(small, set(usable_addresses(small)), set())


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("169.254.20.1", "InvalidParameterValue"),
        ("169.254.1.1", "InvalidParameterValue"),
        ("nowhere", "InvalidParameterValue"),
        ("169.254.2.20", "InvalidIPAddress.InUse"),
    ],
)
def test_an_address_that_cannot_be_had_is_refused(asked, code):
    with pytest.raises(AwsError) as refused:
        require_address(asked, FIRST, {IPv4Address("169.254.2.20")})
    assert refused.value.code == code


def test_one_that_is_free_is_given():
    assert require_address("169.254.2.21", FIRST, {IPv4Address("169.254.2.20")}) == "169.254.2.21"
