"""GetLaunchTemplateData of an instance that the catalogue holds: what it gives can be put in a template as it is."""

from __future__ import annotations

import base64

import pytest
from botocore.exceptions import ClientError

from goldsmith.aws.ec2.launch_template_data import inherit
from goldsmith.catalog.resources import Resource, new_id

USER_DATA = base64.b64encode(b"#!/bin/sh\n").decode()


def add_instance(served, account: str = "acme") -> str:
    owner = served.credential(account).account
    common = (owner.id, "us-east-1", "")
    volume = Resource(
        new_id("vol"),
        "volume",
        *common,
        "in-use",
        0.0,
        {"Size": 9, "SnapshotId": "snap-0123456789abcdef0", "VolumeType": "gp3", "Encrypted": False, "Iops": 3000},
    )
    instance = Resource(
        new_id("i"),
        "instance",
        *common,
        "running",
        0.0,
        {
            "ImageId": "ami-0123456789abcdef0",
            "InstanceType": "t3.micro",
            "KeyName": "mine",
            "LaunchTime": "2024-05-01T12:00:00.000Z",
            "Placement": {"AvailabilityZone": "us-east-1a", "GroupName": "", "Tenancy": "default"},
            "Monitoring": {"State": "disabled"},
            "EbsOptimized": False,
            "SubnetId": "subnet-0123456789abcdef0",
            "VpcId": "vpc-0123456789abcdef0",
            "PrivateIpAddress": "169.254.1.2",
            "PrivateDnsName": "ip-169-254-1-2.ec2.internal",
            "SecurityGroups": [{"GroupId": "sg-0123456789abcdef0", "GroupName": "web"}],
            "SourceDestCheck": True,
            "IamInstanceProfile": {"Arn": "arn:aws:iam::1:instance-profile/p", "Id": "AIPA"},
            "MetadataOptions": {"State": "applied", "HttpTokens": "required", "HttpEndpoint": "enabled"},
            "MaintenanceOptions": {"AutoRecovery": "default"},
            "BlockDeviceMappings": [
                {
                    "DeviceName": "/dev/sda1",
                    "Ebs": {"VolumeId": volume.id, "DeleteOnTermination": True, "Status": "attached"},
                }
            ],
        },
        {
            "reservation": "r-1",
            "address": "127.0.0.2",
            "attachment": "eni-attach-1",
            "interface": "eni-1",
            "mac": "02:00:00:00:00:01",
            "user_data": USER_DATA,
            "attributes": {
                "DisableApiTermination": True,
                "DisableApiStop": False,
                "InstanceInitiatedShutdownBehavior": "terminate",
            },
        },
    )
    with served.cloud.catalog(owner, "us-east-1") as catalog:
        catalog.add(volume)
        catalog.add(instance, {"Name": "web", "aws:autoscaling:groupName": "g"})
    return instance.id


def test_an_instance_as_launch_template_data(served):
    ec2 = served.client()
    data = ec2.get_launch_template_data(InstanceId=add_instance(served))["LaunchTemplateData"]
    assert data == {
        "ImageId": "ami-0123456789abcdef0",
        "InstanceType": "t3.micro",
        "KeyName": "mine",
        "EbsOptimized": False,
        "Placement": {"AvailabilityZone": "us-east-1a", "Tenancy": "default"},
        "Monitoring": {"Enabled": False},
        "IamInstanceProfile": {"Arn": "arn:aws:iam::1:instance-profile/p"},
        "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
        "MaintenanceOptions": {"AutoRecovery": "default"},
        "BlockDeviceMappings": [
            {
                "DeviceName": "/dev/sda1",
                "Ebs": {
                    "DeleteOnTermination": True,
                    "Iops": 3000,
                    "SnapshotId": "snap-0123456789abcdef0",
                    "VolumeSize": 9,
                    "VolumeType": "gp3",
                },
            }
        ],
        "NetworkInterfaces": [
            {
                "AssociatePublicIpAddress": True,
                "DeleteOnTermination": True,
                "DeviceIndex": 0,
                "Groups": ["sg-0123456789abcdef0"],
                "InterfaceType": "interface",
                "SubnetId": "subnet-0123456789abcdef0",
            }
        ],
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web"}]}],
        "UserData": USER_DATA,
        "DisableApiTermination": True,
        "DisableApiStop": False,
        "InstanceInitiatedShutdownBehavior": "terminate",
    }
    made = ec2.create_launch_template(LaunchTemplateName="from-an-instance", LaunchTemplateData=data)
    [version] = ec2.describe_launch_template_versions(LaunchTemplateId=made["LaunchTemplate"]["LaunchTemplateId"])[
        "LaunchTemplateVersions"
    ]
    assert version["LaunchTemplateData"] == data


def test_another_accounts_instance_is_none(served):
    with pytest.raises(ClientError) as caught:
        served.client().get_launch_template_data(InstanceId=add_instance(served, "other"))
    assert caught.value.response["Error"]["Code"] == "InvalidInstanceID.NotFound"


def test_a_type_and_requirements_for_one_take_each_others_place():
    needs = {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 512}}
    assert inherit({"InstanceType": "t3.micro"}, {"InstanceRequirements": needs}) == {"InstanceRequirements": needs}
    assert inherit({"InstanceRequirements": needs}, {"InstanceType": "t3.micro"}) == {"InstanceType": "t3.micro"}
