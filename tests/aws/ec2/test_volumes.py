"""Volumes through boto3: what is refused at once, and what launches make of their mappings."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.aws.ec2.amis import register

ZONE = "us-east-1a"


@pytest.fixture
def ec2(served, monkeypatch):
    monkeypatch.setattr(served.cloud, "submit", lambda job: None)
    return served.client()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "MissingParameter"),
        ({"Size": 1, "KmsKeyId": "key"}, "InvalidParameterDependency"),
        ({"Size": 1, "VolumeType": "gp2", "Throughput": 200}, "InvalidParameterDependency"),
        ({"Size": 1, "VolumeType": "gp3", "MultiAttachEnabled": True}, "InvalidParameterDependency"),
        ({"Size": 4, "VolumeType": "io2", "Iops": 100, "MultiAttachEnabled": True}, "UnsupportedOperation"),
        ({"Size": 1, "AvailabilityZone": "us-east-1"}, "InvalidZone.NotFound"),
    ],
)
def test_volumes_that_cannot_be(ec2, refusal, asked, code):
    assert refusal(ec2.create_volume, **{"AvailabilityZone": ZONE, **asked}) == code


def test_a_volume_without_tags_shows_an_empty_list(ec2):
    made = ec2.create_volume(AvailabilityZone=ZONE, Size=1, VolumeType="gp3", Throughput=200)
    assert made["Tags"] == []
    [shown] = ec2.describe_volumes(VolumeIds=[made["VolumeId"]])["Volumes"]
    assert shown["Tags"] == []
    assert shown["Throughput"] == 200


def test_volumes_that_a_launch_adds_outlive_its_instance(served, ec2):
    mappings = [
        {"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 1}},
        {"DeviceName": "/dev/sdc", "Ebs": {"VolumeSize": 1, "DeleteOnTermination": True}},
    ]
    launched = ec2.run_instances(
        ImageId=register(served), InstanceType="t3.nano", MinCount=1, MaxCount=1, BlockDeviceMappings=mappings
    )["Instances"][0]
    shown = ec2.describe_instances(InstanceIds=[launched["InstanceId"]])["Reservations"][0]["Instances"][0]
    root = shown["RootDeviceName"]
    kept = {each["DeviceName"]: each["Ebs"]["DeleteOnTermination"] for each in shown["BlockDeviceMappings"]}
    assert kept == {root: True, "/dev/sdb": False, "/dev/sdc": True}


def test_nothing_only_says_that_it_is_encrypted(served):
    client = served.client()
    with pytest.raises(ClientError, match="UnsupportedOperation"):
        client.create_volume(AvailabilityZone="us-east-1a", Size=1, Encrypted=True)


def test_a_change_of_type_is_told_afterwards(ec2):
    untouched, made = (ec2.create_volume(AvailabilityZone=ZONE, Size=1)["VolumeId"] for _ in range(2))
    ec2.modify_volume(VolumeId=made, VolumeType="gp3")
    told = ec2.describe_volumes_modifications(VolumeIds=[untouched, made])["VolumesModifications"]
    assert [(each["VolumeId"], each["OriginalVolumeType"], each["TargetVolumeType"]) for each in told] == [
        (made, "gp2", "gp3")
    ]
