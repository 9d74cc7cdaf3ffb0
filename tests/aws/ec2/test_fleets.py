"""Fleets through boto3, on a cloud whose jobs are not run: what is launched where there is room, and what is told."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from goldsmith.aws.errors import AwsError
from goldsmith.aws.settings import InstanceType
from tests.aws.ec2.amis import register

MEMORY = 64


@pytest.fixture
def cloud(fresh, monkeypatch):
    """A cloud with room for four tiny instances, which stay pending."""
    monkeypatch.setattr(fresh.cloud, "submit", lambda job: None)
    types = {name: InstanceType(vcpus=1, memory=MEMORY) for name in ("tiny.a", "tiny.b")}
    settings = fresh.cloud.settings.model_copy(update={"instance_memory": 4 * MEMORY, "instance_types": types})
    monkeypatch.setattr(fresh.cloud, "settings", settings)
    return fresh


@pytest.fixture
def ec2(cloud):
    return cloud.client()


@pytest.fixture
def template(cloud, ec2) -> str:
    made = ec2.create_launch_template(
        LaunchTemplateName="packer-fleet",
        LaunchTemplateData={
            "ImageId": register(cloud),
            "InstanceType": "tiny.a",
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "from", "Value": "template"}]}],
        },
    )
    return made["LaunchTemplate"]["LaunchTemplateId"]


def fleet(ec2, template, target, overrides=None, **more) -> dict:
    config = {"LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "1"}}
    return ec2.create_fleet(
        LaunchTemplateConfigs=[config | ({"Overrides": overrides} if overrides else {})],
        TargetCapacitySpecification={"TotalTargetCapacity": target, "DefaultTargetCapacityType": "on-demand"},
        **{"Type": "instant", **more},
    )


def instances(ec2) -> list[dict]:
    return [each for one in ec2.describe_instances()["Reservations"] for each in one["Instances"]]


def test_packers_fleet_of_one_spot_instance(ec2, template):
    answer = ec2.create_fleet(
        Type="instant",
        LaunchTemplateConfigs=[
            {
                "LaunchTemplateSpecification": {"LaunchTemplateName": "packer-fleet", "Version": "1"},
                "Overrides": [{"InstanceType": "tiny.b"}],
            }
        ],
        TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "spot"},
        ReplaceUnhealthyInstances=False,
    )
    assert answer["Errors"] == []
    [made] = answer["Instances"]
    [launched] = instances(ec2)
    assert made["InstanceIds"] == [launched["InstanceId"]]
    assert (made["InstanceType"], made["Lifecycle"]) == ("tiny.b", "spot")
    assert made["LaunchTemplateAndOverrides"]["LaunchTemplateSpecification"] == {
        "LaunchTemplateId": template,
        "Version": "1",
    }
    assert {tag["Key"]: tag["Value"] for tag in launched["Tags"]} == {
        "aws:ec2:fleet-id": answer["FleetId"],
        "aws:ec2launchtemplate:id": template,
        "aws:ec2launchtemplate:version": "1",
        "from": "template",
    }


def test_what_there_is_no_room_for_is_told_beside_what_was_launched(ec2, template):
    answer = fleet(
        ec2, template, 6, [{"InstanceType": "tiny.a", "Priority": 2.0}, {"InstanceType": "tiny.b", "Priority": 1.0}]
    )
    assert [(each["InstanceType"], len(each["InstanceIds"])) for each in answer["Instances"]] == [("tiny.b", 4)]
    assert [each["ErrorCode"] for each in answer["Errors"]] == ["InsufficientInstanceCapacity"] * 2
    assert len(instances(ec2)) == 4
    [shown] = ec2.describe_fleets(FleetIds=[answer["FleetId"]])["Fleets"]
    assert (shown["FulfilledCapacity"], shown["ActivityStatus"], shown["FleetState"]) == (4.0, "error", "active")
    assert shown["TargetCapacitySpecification"]["OnDemandTargetCapacity"] == 6


def test_less_than_the_minimum_is_nothing(ec2, template):
    answer = fleet(ec2, template, 6, OnDemandOptions={"MinTargetCapacity": 5})
    assert answer["Instances"] == []
    assert answer["Errors"]
    assert instances(ec2) == []


def test_weights_and_a_fault_of_one_override(ec2, template):
    overrides = [
        {"ImageId": "ami-0123456789abcdef0", "InstanceType": "tiny.a"},
        {"InstanceType": "tiny.b", "WeightedCapacity": 2.0},
    ]
    answer = fleet(ec2, template, 3, overrides)
    assert [each["ErrorCode"] for each in answer["Errors"]] == ["InvalidAMIID.NotFound"]
    assert [(each["InstanceType"], len(each["InstanceIds"])) for each in answer["Instances"]] == [("tiny.b", 2)]


def test_requirements_mean_the_smallest_type_that_meets_them(ec2, template):
    needs = {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1, "Max": MEMORY}, "BurstablePerformance": "included"}
    [made] = fleet(ec2, template, 1, [{"InstanceRequirements": needs}])["Instances"]
    assert made["InstanceType"] == "tiny.a"
    with pytest.raises(ClientError) as caught:
        fleet(ec2, template, 1, [{"InstanceRequirements": {**needs, "VCpuCount": {"Min": 4096}}}])
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_fleets_are_described_and_deleted_with_their_instances(cloud, ec2, template):
    tags = [{"ResourceType": "fleet", "Tags": [{"Key": "is", "Value": "mine"}]}]
    instant = fleet(ec2, template, 2, TagSpecifications=tags)["FleetId"]
    asked = fleet(ec2, template, 1, Type="request")
    assert "Instances" not in asked
    assert [each["FleetId"] for each in ec2.describe_fleets()["Fleets"]] == [asked["FleetId"]]
    [shown] = ec2.describe_fleets(FleetIds=[instant])["Fleets"]
    assert shown["Tags"] == [{"Key": "is", "Value": "mine"}]
    active = ec2.describe_fleet_instances(FleetId=instant)["ActiveInstances"]
    assert sorted(each["InstanceId"] for each in active) == sorted(shown["Instances"][0]["InstanceIds"])
    kinds = [
        each["EventType"]
        for each in ec2.describe_fleet_history(FleetId=instant, StartTime="2020-01-01T00:00:00Z")["HistoryRecords"]
    ]
    assert kinds == ["fleet-change", "instance-change", "instance-change"]
    refused = ec2.delete_fleets(FleetIds=[instant, "fleet-0123456789abcdef0", "x"], TerminateInstances=False)
    assert [each["Error"]["Code"] for each in refused["UnsuccessfulFleetDeletions"]] == [
        "fleetNotInDeletableState",
        "fleetIdDoesNotExist",
        "fleetIdMalformed",
    ]
    done = ec2.delete_fleets(FleetIds=[instant], TerminateInstances=True)["SuccessfulFleetDeletions"]
    assert done == [{"FleetId": instant, "CurrentFleetState": "deleted_terminating", "PreviousFleetState": "active"}]
    assert sorted(each["State"]["Name"] for each in instances(ec2)) == ["pending", "shutting-down", "shutting-down"]
    assert (
        cloud.client(account="other").delete_fleets(FleetIds=[asked["FleetId"]], TerminateInstances=True)[
            "UnsuccessfulFleetDeletions"
        ][0]["Error"]["Code"]
        == "fleetIdDoesNotExist"
    )


def test_what_is_refused(cloud, ec2, template):
    with pytest.raises(ClientError) as caught:
        fleet(ec2, template, 1, [{"WeightedCapacity": 0.0}])
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValue"
    made = fleet(ec2, template, 1)["FleetId"]
    with pytest.raises(AwsError, match="StartTime"):
        cloud.call("DescribeFleetHistory", FleetId=made, StartTime="yesterday")
    ec2.terminate_instances(InstanceIds=[each["InstanceId"] for each in instances(ec2)])
    for more, code in (
        ({"Type": "maintain"}, "UnsupportedOperation"),
        (
            {"TagSpecifications": [{"ResourceType": "image", "Tags": [{"Key": "a", "Value": "b"}]}]},
            "InvalidParameterValue",
        ),
    ):
        with pytest.raises(ClientError) as caught:
            fleet(ec2, template, 1, **more)
        assert caught.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError) as caught:
        fleet(ec2, "lt-0123456789abcdef0", 1)
    assert caught.value.response["Error"]["Code"] == "InvalidLaunchTemplateId.NotFound"
    assert [each["State"]["Name"] for each in instances(ec2)] == ["shutting-down"]


@pytest.mark.parametrize("strategy", ["lowest-price", "lowestPrice"])
def test_strategies_are_taken_in_camel_case_too(ec2, template, strategy):
    assert fleet(ec2, template, 1, OnDemandOptions={"AllocationStrategy": strategy})["Errors"] == []


def test_a_strategy_that_is_none_is_refused(ec2, template):
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        fleet(ec2, template, 1, SpotOptions={"AllocationStrategy": "cheapest"})
