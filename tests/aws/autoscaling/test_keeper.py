"""Groups kept up by their keeper on a cloud whose instances a test moves: launched, replaced, rolled, rolled back."""

from __future__ import annotations

import pytest

from goldsmith.aws.autoscaling.keeper import reconcile
from goldsmith.aws.settings import InstanceType


def test_a_group_comes_up_in_its_zones_with_its_tags(fleet):
    image = fleet.image()
    name = fleet.group(
        fleet.template(image),
        3,
        Tags=[
            {"Key": "role", "Value": "web", "PropagateAtLaunch": True},
            {"Key": "mine", "Value": "own", "PropagateAtLaunch": False},
        ],
    )
    assert (
        fleet.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0][
            "Instances"
        ]
        == []
    )
    reconcile(fleet.world.cloud)
    members = fleet.shown(name)["Instances"]
    assert [each["LifecycleState"] for each in members] == ["Pending"] * 3
    assert sorted(each["AvailabilityZone"] for each in members) in (
        ["us-east-1a", "us-east-1a", "us-east-1b"],
        ["us-east-1a", "us-east-1b", "us-east-1b"],
    )
    fleet.turn(2)
    assert fleet.serving(name) == [image] * 3
    assert {each["HealthStatus"] for each in fleet.shown(name)["Instances"]} == {"Healthy"}
    [launched, *_] = fleet.world.call("DescribeInstances")["Reservations"]
    tags = {tag["Key"]: tag["Value"] for tag in launched["Instances"][0]["Tags"]}
    assert (tags["role"], tags["aws:autoscaling:groupName"], tags["aws:ec2launchtemplate:version"]) == (
        "web",
        name,
        "1",
    )
    assert "mine" not in tags
    activities = fleet.ask("DescribeScalingActivities", AutoScalingGroupName=name)["Activities"]
    assert [each["StatusCode"] for each in activities] == ["Successful"] * 3
    assert activities[0]["Description"].startswith("Launching a new EC2 instance: i-")
    before = [each["InstanceId"] for each in fleet.shown(name)["Instances"]]
    fleet.turn(5)
    assert [each["InstanceId"] for each in fleet.shown(name)["Instances"]] == before


def test_capacity_follows_what_is_desired(fleet):
    name = fleet.group(fleet.template(fleet.image(), DisableApiTermination=True), 1)
    fleet.turn(2)
    fleet.ask("SetDesiredCapacity", AutoScalingGroupName=name, DesiredCapacity=3)
    fleet.turn(2)
    assert len(fleet.serving(name)) == 3
    fleet.ask("UpdateAutoScalingGroup", AutoScalingGroupName=name, MaxSize=1)
    fleet.turn(3)
    assert len(fleet.shown(name)["Instances"]) == 1


@pytest.mark.parametrize("how", ["terminated by hand", "ill", "called unhealthy"])
def test_who_ends_or_sickens_is_replaced(fleet, how):
    name = fleet.group(fleet.template(fleet.image()), 2)
    fleet.turn(3)
    first, second = (each["InstanceId"] for each in fleet.shown(name)["Instances"])
    if how == "terminated by hand":
        fleet.world.call("TerminateInstances", InstanceIds=[first])
    elif how == "called unhealthy":
        fleet.ask("SetInstanceHealth", InstanceId=first, HealthStatus="Unhealthy")
    else:
        with fleet.world.cloud.catalog(fleet.world.account_id(), "us-east-1") as catalog:
            instance = catalog.own("instance", first)
            catalog.save(instance.having(ImageId="ami-ill"))
        fleet.ill.add("ami-ill")
    fleet.turn(5)
    there = {each["InstanceId"]: each["LifecycleState"] for each in fleet.shown(name)["Instances"]}
    assert first not in there
    assert there[second] == "InService"
    assert list(there.values()) == ["InService"] * 2


def test_a_launch_that_fails_is_told_and_tried_again_later(fleet, monkeypatch):
    settings = fleet.world.cloud.settings
    small = settings.model_copy(update={"instance_memory": 64})
    monkeypatch.setattr(fleet.world.cloud, "settings", small)
    name = fleet.group(fleet.template(fleet.image()), 2)
    fleet.turn(3)
    assert len(fleet.shown(name)["Instances"]) == 1
    failed = [
        each
        for each in fleet.ask("DescribeScalingActivities", AutoScalingGroupName=name)["Activities"]
        if each["StatusCode"] == "Failed"
    ]
    assert "Launching EC2 instance failed" in failed[0]["StatusMessage"]
    monkeypatch.setattr(fleet.world.cloud, "settings", settings)
    fleet.turn(4)
    assert len(fleet.serving(name)) == 2


def test_a_refresh_rolls_from_one_image_to_the_next_and_changes_the_group_then(fleet):
    old, new = fleet.image(), fleet.image()
    template = fleet.template(old, new)
    name = fleet.group(template, 3)
    fleet.turn(3)
    desired = {"LaunchTemplate": {"LaunchTemplateId": template, "Version": "2"}}
    started = fleet.ask(
        "StartInstanceRefresh",
        AutoScalingGroupName=name,
        DesiredConfiguration=desired,
        Preferences={"MinHealthyPercentage": 60, "InstanceWarmup": 0},
    )
    assert fleet.refresh(name)["Status"] == "Pending"
    fleet.turn()
    assert fleet.refresh(name)["Status"] == "InProgress"
    assert fleet.shown(name)["LaunchTemplate"]["Version"] == "1"
    assert fleet.serving(name).count(old) >= 2
    done = fleet.roll(name)
    assert (done["Status"], done["PercentageComplete"], done["InstancesToUpdate"]) == ("Successful", 100, 0)
    assert done["InstanceRefreshId"] == started["InstanceRefreshId"]
    assert done["EndTime"]
    assert fleet.serving(name) == [new] * 3
    assert fleet.shown(name)["LaunchTemplate"]["Version"] == "2"


def test_a_bad_image_is_rolled_back_and_the_group_is_as_it_was(fleet):
    old, bad = fleet.image(), fleet.image()
    fleet.ill.add(bad)
    template = fleet.template(old, bad)
    name = fleet.group(template, 3)
    fleet.turn(3)
    fleet.ask(
        "StartInstanceRefresh",
        AutoScalingGroupName=name,
        DesiredConfiguration={"LaunchTemplate": {"LaunchTemplateId": template, "Version": "2"}},
        Preferences={"AutoRollback": True, "MinHealthyPercentage": 60, "InstanceWarmup": 0},
    )
    done = fleet.roll(name)
    assert done["Status"] == "RollbackSuccessful"
    assert "did not come up healthy" in done["RollbackDetails"]["RollbackReason"]
    fleet.turn(3)
    assert fleet.serving(name) == [old] * 3
    assert fleet.shown(name)["LaunchTemplate"]["Version"] == "1"


def test_an_image_that_is_not_there_fails_the_refresh_and_nothing_is_lost(fleet):
    old = fleet.image()
    template = fleet.template(old, "ami-0123456789abcdef0")
    name = fleet.group(template, 2)
    fleet.turn(3)
    fleet.ask(
        "StartInstanceRefresh",
        AutoScalingGroupName=name,
        DesiredConfiguration={"LaunchTemplate": {"LaunchTemplateId": template, "Version": "2"}},
        Preferences={"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150},
    )
    done = fleet.roll(name)
    assert done["Status"] == "Failed"
    assert "InvalidAMIID.NotFound" in done["StatusReason"]
    assert fleet.serving(name) == [old] * 2


def test_skip_matching_replaces_only_what_is_of_another_version(fleet):
    old, new = fleet.image(), fleet.image()
    template = fleet.template(old, new)
    name = fleet.group(template, 1)
    fleet.turn(3)
    fleet.ask(
        "UpdateAutoScalingGroup",
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateId": template, "Version": "2"},
        DesiredCapacity=2,
    )
    fleet.turn(3)
    kept = next(each["InstanceId"] for each in fleet.shown(name)["Instances"] if each["ImageId"] == new)
    fleet.ask("StartInstanceRefresh", AutoScalingGroupName=name, Preferences={"SkipMatching": True})
    assert fleet.refresh(name)["InstancesToUpdate"] == 1
    assert fleet.roll(name)["Status"] == "Successful"
    assert fleet.serving(name) == [new] * 2
    assert kept in [each["InstanceId"] for each in fleet.shown(name)["Instances"]]


def test_a_refresh_is_cancelled_or_rolled_back_by_request(fleet):
    old, new = fleet.image(), fleet.image()
    template = fleet.template(old, new)
    for operation, status in (
        ("CancelInstanceRefresh", "Cancelled"),
        ("RollbackInstanceRefresh", "RollbackSuccessful"),
    ):
        name = fleet.group(template, 3)
        fleet.turn(3)
        fleet.ask(
            "StartInstanceRefresh",
            AutoScalingGroupName=name,
            DesiredConfiguration={"LaunchTemplate": {"LaunchTemplateId": template, "Version": "2"}},
            Preferences={"InstanceWarmup": 0},
        )
        fleet.turn(4)
        assert new in fleet.serving(name)
        fleet.ask(operation, AutoScalingGroupName=name)
        assert fleet.roll(name)["Status"] == status
        assert (new in fleet.serving(name)) is (status == "Cancelled")
        fleet.turn(3)
        assert len(fleet.serving(name)) == 3
        fleet.ask("DeleteAutoScalingGroup", AutoScalingGroupName=name, ForceDelete=True)


def test_a_group_that_is_deleted_by_force_goes_with_its_instances(fleet, refusal):
    name = fleet.group(fleet.template(fleet.image()), 2)
    fleet.turn(3)
    with pytest.raises(Exception, match="ResourceInUse"):
        fleet.ask("DeleteAutoScalingGroup", AutoScalingGroupName=name)
    fleet.ask("DeleteAutoScalingGroup", AutoScalingGroupName=name, ForceDelete=True)
    assert fleet.shown(name)["Status"] == "Delete in progress"
    fleet.turn(3)
    assert fleet.ask("DescribeAutoScalingGroups", AutoScalingGroupNames=[name])["AutoScalingGroups"] == []
    states = [
        each["State"]["Name"]
        for one in fleet.world.call("DescribeInstances")["Reservations"]
        for each in one["Instances"]
    ]
    assert states == ["terminated"] * 2


def test_a_mixed_policy_takes_the_next_type_where_the_first_has_no_room(fleet, monkeypatch):
    image = fleet.image()
    types = {"tiny.a": InstanceType(vcpus=1, memory=4096), "tiny.b": InstanceType(vcpus=1, memory=64)}
    small = fleet.world.cloud.settings.model_copy(update={"instance_memory": 128, "instance_types": types})
    monkeypatch.setattr(fleet.world.cloud, "settings", small)
    policy = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateId": fleet.template(image), "Version": "1"},
            "Overrides": [{"InstanceType": "tiny.a"}, {"InstanceType": "tiny.b"}],
        }
    }
    name = fleet.group("", 1, LaunchTemplate=None, MixedInstancesPolicy=policy)
    fleet.turn(3)
    assert [each["InstanceType"] for each in fleet.shown(name)["Instances"]] == ["tiny.b"]


def test_what_a_keeper_is_not_told_to_change_it_does_not_write(fleet):
    fleet.group(fleet.template(fleet.image()), 2)
    fleet.turn(4)
    opened = []
    writing = fleet.world.cloud.database.writing
    fleet.world.cloud.database.writing = lambda: (opened.append(1), writing())[1]
    reconcile(fleet.world.cloud)
    assert opened == []
