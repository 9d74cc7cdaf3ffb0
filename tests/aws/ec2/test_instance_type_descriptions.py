"""Instance types as clients ask for them."""

from __future__ import annotations

import pytest


@pytest.fixture
def ec2(served):
    return served.client()


def test_a_type_is_told_as_terraform_reads_it(ec2):
    [kind] = ec2.describe_instance_types(InstanceTypes=["t3.micro"])["InstanceTypes"]
    assert (kind["VCpuInfo"]["DefaultVCpus"], kind["MemoryInfo"]["SizeInMiB"]) == (2, 1024)
    assert kind["BurstablePerformanceSupported"] is True
    assert kind["ProcessorInfo"]["SupportedArchitectures"] == ["x86_64"]
    assert kind["SupportedBootModes"] == ["legacy-bios", "uefi"]


def test_unknown_types_are_named(ec2, refusal):
    assert refusal(ec2.describe_instance_types, InstanceTypes=["t3.micro", "t9.huge"]) == "InvalidInstanceType"


def test_filters_are_alternatives_and_all_hold(ec2):
    wanted = [
        {"Name": "instance-type", "Values": ["t3.*", "m5.*"]},
        {"Name": "memory-info.size-in-mib", "Values": ["8192"]},
    ]
    found = ec2.describe_instance_types(Filters=wanted)["InstanceTypes"]
    assert [kind["InstanceType"] for kind in found] == ["m5.large", "t3.large"]


@pytest.mark.parametrize(
    ("operation", "listed", "more"),
    [
        ("describe_instance_types", "InstanceTypes", {}),
        ("describe_instance_type_offerings", "InstanceTypeOfferings", {"LocationType": "availability-zone"}),
    ],
)
def test_pages_together_are_the_whole(ec2, operation, listed, more):
    whole = getattr(ec2, operation)(**more)[listed]
    pages = ec2.get_paginator(operation).paginate(**more, PaginationConfig={"PageSize": 7})
    assert list(pages.search(f"{listed}[]")) == whole


def test_every_type_is_offered_in_every_zone(ec2):
    found = ec2.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["t3.micro"]}]
    )["InstanceTypeOfferings"]
    assert [each["Location"] for each in found] == ["us-east-1a", "us-east-1b", "us-east-1c"]


def test_requirements_choose_types(ec2):
    asked = {
        "VCpuCount": {"Min": 2, "Max": 2},
        "MemoryMiB": {"Min": 8192, "Max": 8192},
        "InstanceGenerations": ["current"],
        "CpuManufacturers": ["amd"],
        "BurstablePerformance": "included",
        "ExcludedInstanceTypes": ["t3*"],
    }
    found = ec2.get_instance_types_from_instance_requirements(
        ArchitectureTypes=["x86_64"], VirtualizationTypes=["hvm"], InstanceRequirements=asked
    )["InstanceTypes"]
    assert "m6a.large" in [kind["InstanceType"] for kind in found]
    assert not any(kind["InstanceType"].startswith(("t3", "m6i", "c")) for kind in found)
