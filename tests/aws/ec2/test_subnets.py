"""Subnets: how full they are, and which one and which address a launch gets."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from goldsmith.aws.call import Call
from goldsmith.aws.ec2.subnets import allocate_address, choose_subnet
from goldsmith.aws.errors import AwsError
from goldsmith.aws.models import find_operation
from goldsmith.catalog.catalog import Catalog


@contextmanager
def calling(served, account: str):
    """Give a call as RunInstances gets one."""
    caller = served.credential(account)
    with served.cloud.database.writing() as connection:
        catalog = Catalog(connection, caller.account, "us-east-1")
        operation = find_operation("ec2", "RunInstances")
        yield Call(operation, caller, "us-east-1", served.cloud, catalog, "-", served.cloud.clock())


def test_instances_take_addresses_and_gone_ones_give_them_back(served, place_instance):
    def free() -> int:
        return served.client(account="full").describe_subnets()["Subnets"][0]["AvailableIpAddressCount"]

    before = free()
    place_instance(served, [], account="full", address="169.254.3.30")
    place_instance(served, [], account="full", address="169.254.3.31", state="terminated")
    assert free() == before - 1


def test_other_accounts_do_not_show_in_the_count(served, place_instance):
    before = served.client(account="quiet").describe_subnets()["Subnets"][0]["AvailableIpAddressCount"]
    place_instance(served, [], account="busy", address="169.254.4.40")
    assert served.client(account="quiet").describe_subnets()["Subnets"][0]["AvailableIpAddressCount"] == before


def test_an_address_that_another_account_has_can_be_asked_for(served, place_instance):
    place_instance(served, [], account="theirs", address="169.254.5.50")
    with calling(served, "mine") as call:
        subnet = choose_subnet(call)
        assert allocate_address(call, subnet, "169.254.5.50") == "169.254.5.50"
        assert allocate_address(call, subnet) != "169.254.5.50"


def test_an_address_that_the_account_has_cannot(served, place_instance):
    place_instance(served, [], account="twice", address="169.254.6.60")
    with calling(served, "twice") as call, pytest.raises(AwsError, match=r"InvalidIPAddress\.InUse"):
        allocate_address(call, choose_subnet(call), "169.254.6.60")


def test_a_launch_gets_the_subnet_of_its_zone(served):
    with calling(served, "acme") as call:
        chosen = choose_subnet(call, None, "us-east-1b")
        assert chosen["AvailabilityZone"] == "us-east-1b"
        assert choose_subnet(call, chosen["SubnetId"])["SubnetId"] == chosen["SubnetId"]
        with pytest.raises(AwsError, match="InvalidParameterValue"):
            choose_subnet(call, chosen["SubnetId"], "us-east-1a")
        with pytest.raises(AwsError, match="InvalidParameterValue"):
            choose_subnet(call, None, "us-east-1z")
        with pytest.raises(AwsError, match=r"InvalidSubnetID\.NotFound"):
            choose_subnet(call, "subnet-0123456789abcdef0")
