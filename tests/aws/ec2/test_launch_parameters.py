"""What a launch is made with: the merging by itself, and whole with templates that boto3 made."""

from __future__ import annotations

import uuid
from contextlib import contextmanager

import pytest

from goldsmith.aws.call import Call
from goldsmith.aws.ec2.launch_parameters import effective, merge
from goldsmith.aws.errors import AwsError
from goldsmith.aws.models import find_operation

IMAGE = "ami-0123456789abcdef0"


@contextmanager
def calling(served, account: str = "acme"):
    caller = served.credential(account)
    with served.cloud.catalog(caller.account, "us-east-1") as catalog:
        operation = find_operation("ec2", "RunInstances")
        yield Call(operation, caller, "us-east-1", served.cloud, catalog, "", served.cloud.clock())


def make(served, data: dict, account: str = "acme") -> str:
    made = served.client(account=account).create_launch_template(
        LaunchTemplateName=f"web-{uuid.uuid4().hex[:12]}", LaunchTemplateData=data
    )
    return made["LaunchTemplate"]["LaunchTemplateId"]


def launch(served, reference: dict | None, **asked):
    with calling(served) as call:
        more = {"LaunchTemplate": reference} if reference is not None else {}
        return effective(call, {"MinCount": 1, "MaxCount": 1, **more, **asked})


def refused(served, reference: dict | None, **asked) -> tuple[str, str]:
    with pytest.raises(AwsError) as caught:
        launch(served, reference, **asked)
    return caught.value.code, caught.value.message


def test_without_a_template_the_request_is_as_it_is(served):
    assert launch(served, None, ImageId=IMAGE, InstanceType="t3.micro") == (
        {"MinCount": 1, "MaxCount": 1, "ImageId": IMAGE, "InstanceType": "t3.micro"},
        {},
    )
    assert refused(served, None) == ("MissingParameter", "The request must contain the parameter ImageId")


def test_the_version_is_the_default_the_latest_or_the_one_named(served):
    template = make(served, {"ImageId": IMAGE, "InstanceType": "t3.micro"})
    served.client().create_launch_template_version(
        LaunchTemplateId=template, LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.large"}
    )
    for version, kind, number in (
        (None, "t3.micro", "1"),
        ("$Default", "t3.micro", "1"),
        ("$Latest", "t3.large", "2"),
        ("2", "t3.large", "2"),
    ):
        reference = {"LaunchTemplateId": template, **({"Version": version} if version else {})}
        merged, tags = launch(served, reference)
        assert merged["InstanceType"] == kind
        assert "LaunchTemplate" not in merged
        assert tags == {"aws:ec2launchtemplate:id": template, "aws:ec2launchtemplate:version": number}
    assert refused(served, {"LaunchTemplateId": template, "Version": "3"}) == (
        "InvalidLaunchTemplateId.VersionNotFound",
        f"Could not find the specified version 3 for the launch template with ID {template}.",
    )
    assert refused(served, {"LaunchTemplateId": template, "Version": "newest"})[0] == "InvalidParameterValue"


def test_a_template_is_named_in_one_way_and_is_the_callers_own(served):
    theirs = make(served, {"ImageId": IMAGE}, account="other")
    assert refused(served, {"LaunchTemplateId": theirs})[0] == "InvalidLaunchTemplateId.NotFound"
    assert refused(served, {"LaunchTemplateName": "none"})[0] == "InvalidLaunchTemplateName.NotFoundException"
    assert refused(served, {"LaunchTemplateId": theirs, "LaunchTemplateName": "x"})[0] == "InvalidParameterCombination"
    assert refused(served, {"Version": "1"})[0] == "MissingParameter"


def test_members_that_are_named_otherwise_and_empty_user_data(served):
    template = make(served, {"ImageId": IMAGE, "RamDiskId": "ari-1", "UserData": ""})
    merged, _ = launch(served, {"LaunchTemplateId": template})
    assert merged == {"MinCount": 1, "MaxCount": 1, "ImageId": IMAGE, "RamdiskId": "ari-1"}


def test_interfaces_exclude_what_says_the_same_of_the_instance(served):
    template = make(served, {"ImageId": IMAGE, "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": "subnet-1"}]})
    assert refused(served, {"LaunchTemplateId": template}, SubnetId="subnet-2") == (
        "InvalidParameterCombination",
        "Network interfaces and an instance-level subnet ID may not be specified on the same request",
    )
    assert refused(served, {"LaunchTemplateId": template}, SecurityGroupIds=["sg-1"]) == (
        "InvalidParameterCombination",
        "Network interfaces and an instance-level security groups may not be specified on the same request",
    )


def test_instance_requirements_need_a_type_beside_them(served):
    template = make(
        served,
        {"ImageId": IMAGE, "InstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 512}}},
    )
    assert refused(served, {"LaunchTemplateId": template})[0] == "InvalidParameterCombination"
    merged, _ = launch(served, {"LaunchTemplateId": template}, InstanceType="t3.micro")
    assert merged["InstanceType"] == "t3.micro"
    assert "InstanceRequirements" not in merged


def test_an_image_id_may_name_a_parameter(served):
    served.client("ssm").put_parameter(Name="/golden/base", Value="ami-0123456789abcdef9", Type="String")
    template = make(served, {"ImageId": "resolve:ssm:/golden/base"})
    merged, _ = launch(served, {"LaunchTemplateId": template})
    assert merged["ImageId"] == "ami-0123456789abcdef9"
    merged, _ = launch(served, None, ImageId="resolve:ssm:/golden/base:1")
    assert merged["ImageId"] == "ami-0123456789abcdef9"


def test_tags_are_joined_by_type_and_key():
    template = [
        {"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}]},
        {"ResourceType": "volume", "Tags": [{"Key": "v", "Value": "1"}]},
    ]
    request = [
        {"ResourceType": "instance", "Tags": [{"Key": "b", "Value": "2"}]},
        {"ResourceType": "network-interface", "Tags": [{"Key": "n", "Value": "2"}]},
    ]
    merged = merge({"TagSpecifications": template}, {"TagSpecifications": request})["TagSpecifications"]
    assert {each["ResourceType"]: {tag["Key"]: tag["Value"] for tag in each["Tags"]} for each in merged} == {
        "instance": {"a": "1", "b": "2"},
        "volume": {"v": "1"},
        "network-interface": {"n": "2"},
    }


def test_devices_are_joined_by_name():
    template = [
        {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 8, "VolumeType": "gp3"}},
        {"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 1}},
        {"DeviceName": "/dev/sdc", "Ebs": {"VolumeSize": 2}},
    ]
    request = [
        {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 20}},
        {"DeviceName": "/dev/sdb", "NoDevice": ""},
        {"DeviceName": "/dev/sdd", "Ebs": {"VolumeSize": 3}},
    ]
    merged = merge({"BlockDeviceMappings": template}, {"BlockDeviceMappings": request})["BlockDeviceMappings"]
    assert {each["DeviceName"]: each for each in merged} == {
        "/dev/sda1": {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}},
        "/dev/sdb": {"DeviceName": "/dev/sdb", "NoDevice": ""},
        "/dev/sdc": {"DeviceName": "/dev/sdc", "Ebs": {"VolumeSize": 2}},
        "/dev/sdd": {"DeviceName": "/dev/sdd", "Ebs": {"VolumeSize": 3}},
    }


def test_interfaces_are_joined_by_index_and_all_else_is_replaced():
    template = {
        "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": "a", "Groups": ["g"]}, {"DeviceIndex": 1}],
        "Placement": {"AvailabilityZone": "a", "Tenancy": "default"},
        "SecurityGroupIds": ["sg-1"],
        "UserData": "b2xk",
    }
    request = {
        "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": "b"}],
        "Placement": {"AvailabilityZone": "b"},
        "SecurityGroups": ["web"],
        "UserData": "bmV3",
    }
    merged = merge(template, request)
    assert merged["NetworkInterfaces"] == [
        {"DeviceIndex": 1},
        {"DeviceIndex": 0, "SubnetId": "b", "Groups": ["g"]},
    ]
    assert merged["Placement"] == {"AvailabilityZone": "b"}
    assert merged["SecurityGroups"] == ["web"]
    assert "SecurityGroupIds" not in merged
    assert merged["UserData"] == "bmV3"
