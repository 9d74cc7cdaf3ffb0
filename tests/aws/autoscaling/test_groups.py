"""The Auto Scaling API through boto3: what is kept and shown, and refusals in its words."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError


def refusal(method, **asked) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        method(**asked)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def api(fleet):
    return fleet.autoscaling


def test_a_group_is_shown_as_it_was_made_and_changed(fleet, api):
    template = fleet.template(fleet.image())
    name = fleet.group(template, 0, MaxSize=3, HealthCheckGracePeriod=60, Tags=[{"Key": "a", "Value": "b"}])
    [group] = api.describe_auto_scaling_groups(AutoScalingGroupNames=[name, "none"])["AutoScalingGroups"]
    account = fleet.world.account_id()
    assert group["AutoScalingGroupARN"].startswith(f"arn:aws:autoscaling:us-east-1:{account}:autoScalingGroup:")
    assert group["AutoScalingGroupARN"].endswith(f":autoScalingGroupName/{name}")
    assert group["LaunchTemplate"]["LaunchTemplateId"] == template
    assert group["LaunchTemplate"]["Version"] == "1"
    assert group["AvailabilityZones"] == ["us-east-1a", "us-east-1b"]
    assert (group["HealthCheckType"], group["DefaultCooldown"], group["Instances"]) == ("EC2", 300, [])
    assert group["Tags"] == [
        {
            "ResourceId": name,
            "ResourceType": "auto-scaling-group",
            "Key": "a",
            "Value": "b",
            "PropagateAtLaunch": False,
        }
    ]
    subnets = fleet.ec2.describe_subnets()["Subnets"][:2]
    api.update_auto_scaling_group(
        AutoScalingGroupName=name, MinSize=1, VPCZoneIdentifier=",".join(each["SubnetId"] for each in subnets)
    )
    [group] = api.describe_auto_scaling_groups(Filters=[{"Name": "tag:a", "Values": ["b"]}])["AutoScalingGroups"]
    assert (group["MinSize"], group["DesiredCapacity"]) == (1, 1)
    assert group["AvailabilityZones"] == sorted(each["AvailabilityZone"] for each in subnets)
    assert fleet.world.client("autoscaling", account="other").describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_pages_of_groups_instances_and_activities(fleet, api):
    template = fleet.template(fleet.image())
    names = [fleet.group(template, size) for size in (2, 0, 1)]
    pages = list(api.get_paginator("describe_auto_scaling_groups").paginate(PaginationConfig={"PageSize": 2}))
    assert [[each["AutoScalingGroupName"] for each in page["AutoScalingGroups"]] for page in pages] == [
        names[:2],
        names[2:],
    ]
    fleet.turn(seconds=0)
    listed = [
        each
        for page in api.get_paginator("describe_auto_scaling_instances").paginate(PaginationConfig={"PageSize": 2})
        for each in page["AutoScalingInstances"]
    ]
    assert sorted(each["AutoScalingGroupName"] for each in listed) == [names[0], names[0], names[2]]
    assert {each["HealthStatus"] for each in listed} == {"HEALTHY"}
    activities = [
        each
        for page in api.get_paginator("describe_scaling_activities").paginate(PaginationConfig={"PageSize": 1})
        for each in page["Activities"]
    ]
    assert [each["AutoScalingGroupName"] for each in activities] == [names[2], names[0], names[0]]
    assert (
        api.describe_scaling_activities(
            AutoScalingGroupName=names[0], Filters=[{"Name": "Status", "Values": ["Successful"]}]
        )["Activities"]
        == []
    )


def test_what_a_group_cannot_be(fleet, api):
    template = fleet.template(fleet.image())
    name = fleet.group(template, 0)
    usual = {
        "AutoScalingGroupName": "another",
        "MinSize": 0,
        "MaxSize": 1,
        "AvailabilityZones": ["us-east-1a"],
        "LaunchTemplate": {"LaunchTemplateId": template},
    }
    for change, expected in (
        (
            {"AutoScalingGroupName": name},
            (
                "AlreadyExists",
                f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
            ),
        ),
        (
            {"MinSize": 2},
            ("ValidationError", "Max bound, 1, must be greater than or equal to min bound, 2"),
        ),
        (
            {"DesiredCapacity": 5},
            ("ValidationError", "Desired capacity:5 must be between the specified min size:0 and max size:1"),
        ),
        ({"LaunchTemplate": {"LaunchTemplateName": "none"}}, ("ValidationError", None)),
        ({"LaunchTemplate": {"LaunchTemplateId": template, "Version": "7"}}, ("ValidationError", None)),
        ({"LaunchTemplate": {}}, ("ValidationError", None)),
        ({"AvailabilityZones": ["us-east-9z"]}, ("ValidationError", None)),
        ({"AvailabilityZones": []}, ("ValidationError", "At least one Availability Zone or VPC Subnet is required.")),
        ({"VPCZoneIdentifier": ","}, ("ValidationError", None)),
        ({"VPCZoneIdentifier": "subnet-0123456789abcdef0"}, ("ValidationError", None)),
        ({"LaunchConfigurationName": "old"}, ("ValidationError", None)),
        ({"TargetGroupARNs": ["arn:x"]}, ("ValidationError", None)),
        ({"TerminationPolicies": ["Youngest"]}, ("ValidationError", None)),
        ({"Tags": [{"Key": "aws:mine", "Value": "x"}]}, ("ValidationError", None)),
    ):
        code, message = refusal(api.create_auto_scaling_group, **{**usual, **change})
        assert (code, message if expected[1] else None) == expected, change
    assert len(api.describe_auto_scaling_groups()["AutoScalingGroups"]) == 1
    assert refusal(api.set_desired_capacity, AutoScalingGroupName=name, DesiredCapacity=11) == (
        "ValidationError",
        "New SetDesiredCapacity value 11 is above max value 10 for the AutoScalingGroup.",
    )
    assert refusal(api.update_auto_scaling_group, AutoScalingGroupName="none", MinSize=1) == (
        "ValidationError",
        "AutoScalingGroup name not found - null",
    )


def test_tags_of_groups(fleet, api):
    name = fleet.group(fleet.template(fleet.image()), 0)
    tag = {"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": "k"}
    api.create_or_update_tags(Tags=[{**tag, "Value": "1", "PropagateAtLaunch": True}])
    api.create_or_update_tags(
        Tags=[{**tag, "Value": "2", "PropagateAtLaunch": False}, {**tag, "Key": "l", "Value": ""}]
    )
    found = api.describe_tags(Filters=[{"Name": "auto-scaling-group", "Values": [name]}])["Tags"]
    assert [(each["Key"], each["Value"], each["PropagateAtLaunch"]) for each in found] == [
        ("k", "2", False),
        ("l", "", False),
    ]
    api.delete_tags(Tags=[{**tag}])
    assert [each["Key"] for each in api.describe_tags()["Tags"]] == ["l"]


def test_processes_are_suspended_and_resumed(fleet, api):
    name = fleet.group(fleet.template(fleet.image()), 1)
    api.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["Launch"])
    fleet.turn(seconds=0)
    [group] = api.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert group["Instances"] == []
    assert group["SuspendedProcesses"] == [{"ProcessName": "Launch", "SuspensionReason": "User suspended"}]
    api.resume_processes(AutoScalingGroupName=name)
    fleet.turn(seconds=0)
    assert len(api.describe_auto_scaling_groups()["AutoScalingGroups"][0]["Instances"]) == 1
    assert refusal(api.suspend_processes, AutoScalingGroupName=name, ScalingProcesses=["Sleep"])[0] == "ValidationError"


def test_instances_are_ended_detached_attached_and_protected(fleet, api):
    name = fleet.group(fleet.template(fleet.image()), 2, MinSize=1)
    fleet.turn(2, seconds=0)
    first, second = (each["InstanceId"] for each in fleet.shown(name)["Instances"])
    api.set_instance_protection(AutoScalingGroupName=name, InstanceIds=[second], ProtectedFromScaleIn=True)
    activity = api.terminate_instance_in_auto_scaling_group(InstanceId=first, ShouldDecrementDesiredCapacity=True)[
        "Activity"
    ]
    assert activity["Description"] == f"Terminating EC2 instance: {first}"
    code, message = refusal(
        api.terminate_instance_in_auto_scaling_group, InstanceId=second, ShouldDecrementDesiredCapacity=True
    )
    assert (code, message.startswith("Currently, desiredSize equals minSize (1).")) == ("ValidationError", True)
    fleet.turn(2, seconds=0)
    assert [(each["InstanceId"], each["ProtectedFromScaleIn"]) for each in fleet.shown(name)["Instances"]] == [
        (second, True)
    ]
    api.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=0)
    api.detach_instances(AutoScalingGroupName=name, InstanceIds=[second], ShouldDecrementDesiredCapacity=True)
    assert fleet.shown(name)["Instances"] == []
    assert fleet.shown(name)["DesiredCapacity"] == 0
    api.attach_instances(AutoScalingGroupName=name, InstanceIds=[second])
    fleet.turn(seconds=0)
    [member] = fleet.shown(name)["Instances"]
    assert (member["InstanceId"], member["LifecycleState"]) == (second, "InService")
    assert refusal(api.attach_instances, AutoScalingGroupName=name, InstanceIds=[second])[0] == "ValidationError"
    assert refusal(api.set_instance_health, InstanceId=first, HealthStatus="Unhealthy")[0] == "ValidationError"


def test_a_refresh_is_refused_where_it_makes_no_sense(fleet, api):
    template = fleet.template(fleet.image(), fleet.image())
    name = fleet.group(template, 1)
    latest = fleet.group(template, 1, version="$Latest")
    fleet.turn(seconds=0)
    desired = {"LaunchTemplate": {"LaunchTemplateId": template, "Version": "2"}}
    for group, asked in (
        (name, {"Strategy": "ReplaceRootVolume"}),
        (name, {"Preferences": {"MaxHealthyPercentage": 150}}),
        (name, {"Preferences": {"MinHealthyPercentage": 20, "MaxHealthyPercentage": 150}}),
        (name, {"Preferences": {"MinHealthyPercentage": 101}}),
        (name, {"Preferences": {"CheckpointDelay": 5}}),
        (name, {"Preferences": {"CheckpointPercentages": [50, 20]}}),
        (name, {"Preferences": {"AutoRollback": True}}),
        (name, {"Preferences": {"AlarmSpecification": {"Alarms": ["a"]}}}),
        (name, {"DesiredConfiguration": {"LaunchTemplate": {"LaunchTemplateId": template, "Version": "9"}}}),
        (latest, {"Preferences": {"AutoRollback": True}, "DesiredConfiguration": desired}),
        ("none", {}),
    ):
        assert refusal(api.start_instance_refresh, AutoScalingGroupName=group, **asked)[0] == "ValidationError", asked
    assert refusal(api.cancel_instance_refresh, AutoScalingGroupName=name) == (
        "ActiveInstanceRefreshNotFound",
        f"No in progress or pending Instance Refresh found for Auto Scaling group {name}",
    )
    api.start_instance_refresh(AutoScalingGroupName=name, DesiredConfiguration=desired)
    assert refusal(api.start_instance_refresh, AutoScalingGroupName=name)[0] == "InstanceRefreshInProgress"
    assert refusal(
        api.update_auto_scaling_group, AutoScalingGroupName=name, LaunchTemplate={"LaunchTemplateId": template}
    )[1].startswith("An active instance refresh with a desired configuration exists.")
    api.start_instance_refresh(AutoScalingGroupName=latest)
    assert refusal(api.rollback_instance_refresh, AutoScalingGroupName=latest)[0] == "IrreversibleInstanceRefresh"
    [shown] = api.describe_instance_refreshes(AutoScalingGroupName=name)["InstanceRefreshes"]
    assert (shown["Status"], shown["InstancesToUpdate"]) == ("Pending", 1)
    assert shown["Preferences"]["MinHealthyPercentage"] == 90
    assert shown["DesiredConfiguration"]["LaunchTemplate"]["Version"] == "2"


def test_deleting_a_group_that_is_empty_and_not_protected(fleet, api):
    name = fleet.group(fleet.template(fleet.image()), 0)
    api.update_auto_scaling_group(AutoScalingGroupName=name, DeletionProtection="prevent-all-deletion")
    assert refusal(api.delete_auto_scaling_group, AutoScalingGroupName=name)[0] == "ResourceInUse"
    api.update_auto_scaling_group(AutoScalingGroupName=name, DeletionProtection="none")
    api.delete_auto_scaling_group(AutoScalingGroupName=name)
    assert api.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"] == []


def test_look_ups(fleet, api):
    assert api.describe_account_limits()["NumberOfAutoScalingGroups"] == 0
    assert "OldestInstance" in api.describe_termination_policy_types()["TerminationPolicyTypes"]
    assert {"ProcessName": "Launch"} in api.describe_scaling_process_types()["Processes"]
    assert len(api.describe_adjustment_types()["AdjustmentTypes"]) == 3
    assert api.describe_launch_configurations()["LaunchConfigurations"] == []
    assert api.describe_policies()["ScalingPolicies"] == []
    assert api.describe_warm_pool(AutoScalingGroupName="x")["Instances"] == []
    reader = fleet.world.client("autoscaling", role="reader")
    assert refusal(reader.set_desired_capacity, AutoScalingGroupName="x", DesiredCapacity=1)[0] == "AccessDenied"


@pytest.mark.parametrize("asked", [None, {"SpotAllocationStrategy": "capacity-optimized"}])
def test_a_mixed_instances_policy_shows_what_it_does_not_say(fleet, api, asked):
    template = fleet.template(fleet.image())
    policy = {"LaunchTemplate": {"LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "1"}}}
    given = {"InstancesDistribution": asked} if asked else {}
    name = fleet.group(template, 0, LaunchTemplate=None, MixedInstancesPolicy={**policy, **given})
    [group] = api.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    assert group["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"] == []
    assert group["MixedInstancesPolicy"]["InstancesDistribution"] == {
        "OnDemandAllocationStrategy": "prioritized",
        "OnDemandBaseCapacity": 0,
        "OnDemandPercentageAboveBaseCapacity": 100,
        **(asked or {"SpotAllocationStrategy": "lowest-price", "SpotInstancePools": 2}),
    }


def test_a_template_needs_a_name(fleet, api):
    nameless = {"LaunchTemplate": {"Version": "1"}}
    assert refusal(api.create_auto_scaling_group, AutoScalingGroupName="n", MinSize=0, MaxSize=1, **nameless) == (
        "ValidationError",
        "Valid requests must contain either launchTemplateId or LaunchTemplateName",
    )
