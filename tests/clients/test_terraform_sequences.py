"""What the Terraform provider for AWS calls, in its order and with its empty texts, replayed with boto3."""

from __future__ import annotations

import base64
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Server

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

GONE = {"InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"}
TEMPLATE_GONE = {
    "InvalidLaunchTemplateId.Malformed",
    "InvalidLaunchTemplateId.NotFound",
    "InvalidLaunchTemplateName.NotFoundException",
    "InvalidLaunchTemplateId.VersionNotFound",
}


def image_of(ec2: Any, image: str) -> dict[str, Any] | None:
    """Read an AMI as the provider does: an empty list, or a refusal that says so, is one that is gone."""
    try:
        found = ec2.describe_images(ImageIds=[image])["Images"]
    except ec2.exceptions.ClientError as refused:
        if refused.response["Error"]["Code"] in GONE:
            return None
        raise
    return found[0] if found and found[0]["State"] != "deregistered" else None


def available(ec2: Any, image: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = image_of(ec2, image)
        if found and found["State"] == "available":
            return found
        time.sleep(0.2)
    raise TimeoutError(image)


@pytest.fixture(scope="module")
def snapshot(server: Server, image: str) -> str:
    found = server.client().describe_images(ImageIds=[image])["Images"][0]
    return found["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]


def test_the_provider_starts(server: Server):
    assert len(server.client("sts").get_caller_identity()["Account"]) == 12


def test_aws_ami_from_its_creation_to_its_end(server: Server, snapshot: str):
    ec2 = server.client()
    made = ec2.register_image(
        Name="terraform-ami",
        Description="",
        Architecture="x86_64",
        ImageLocation="",
        RootDeviceName="/dev/xvda",
        SriovNetSupport="simple",
        VirtualizationType="hvm",
        EnaSupport=True,
        BlockDeviceMappings=[
            {
                "DeviceName": "/dev/xvda",
                "Ebs": {"DeleteOnTermination": True, "SnapshotId": snapshot, "VolumeSize": 8, "VolumeType": "gp3"},
            }
        ],
        TagSpecifications=[{"ResourceType": "image", "Tags": [{"Key": "Name", "Value": "terraform"}]}],
    )["ImageId"]
    available(ec2, made)
    when = (datetime.now(UTC) + timedelta(days=30)).replace(second=0, microsecond=0)
    ec2.enable_image_deprecation(ImageId=made, DeprecateAt=when)
    read = available(ec2, made)
    assert read["DeprecationTime"] == when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for member in (
        *("Architecture", "Description", "EnaSupport", "Hypervisor", "ImageLocation", "ImageType", "Name", "OwnerId"),
        *("PlatformDetails", "Public", "RootDeviceName", "RootDeviceType", "SriovNetSupport", "UsageOperation"),
        *("VirtualizationType", "Tags", "BlockDeviceMappings", "CreationDate"),
    ):
        assert member in read, member
    datetime.fromisoformat(read["CreationDate"])
    with pytest.raises(ec2.exceptions.ClientError):
        ec2.get_instance_uefi_data(InstanceId=made)
    ec2.modify_image_attribute(ImageId=made, Description={"Value": "changed"})
    assert image_of(ec2, made)["Description"] == "changed"  # type: ignore[index]
    ec2.disable_image_deprecation(ImageId=made)
    assert "DeprecationTime" not in (image_of(ec2, made) or {})
    ec2.deregister_image(ImageId=made)
    assert image_of(ec2, made) is None


def test_aws_ami_copy(server: Server, image: str):
    west = server.client(region="us-west-2")
    made = west.copy_image(
        ClientToken=str(uuid.uuid4()),
        Description="",
        Encrypted=False,
        Name="terraform-copy",
        SourceImageId=image,
        SourceRegion="us-east-1",
        TagSpecifications=[{"ResourceType": "image", "Tags": [{"Key": "copied", "Value": "yes"}]}],
    )["ImageId"]
    read = available(west, made)
    assert read["SourceImageId"] == image
    assert read["SourceImageRegion"] == "us-east-1"
    kept = read["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    west.deregister_image(ImageId=made)
    west.delete_snapshot(SnapshotId=kept)
    assert image_of(west, made) is None


def test_aws_ami_launch_permission(server: Server, image: str):
    ec2 = server.client()
    grant = {"UserId": "111122223333"}
    ec2.modify_image_attribute(ImageId=image, Attribute="launchPermission", LaunchPermission={"Add": [grant]})
    read = ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")
    assert read["LaunchPermissions"] == [grant]
    ec2.modify_image_attribute(ImageId=image, Attribute="launchPermission", LaunchPermission={"Remove": [grant]})
    assert ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"] == []


def test_data_aws_ami(server: Server, image: str):
    pages = (
        server.client()
        .get_paginator("describe_images")
        .paginate(IncludeDeprecated=False, Owners=["self"], Filters=[{"Name": "name", "Values": ["debian-12-*"]}])
    )
    found = [each["ImageId"] for page in pages for each in page["Images"]]
    assert image in found


def test_aws_launch_template_from_its_creation_to_its_end(server: Server, image: str):
    ec2 = server.client()
    data = {
        "ImageId": image,
        "InstanceType": "t3.micro",
        "UserData": "",
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 9, "VolumeType": "gp3"}}],
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": ""}]}],
    }
    made = ec2.create_launch_template(
        ClientToken=str(uuid.uuid4()),
        LaunchTemplateName="terraform",
        LaunchTemplateData=data,
        VersionDescription="first",
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "Name", "Value": "terraform"}]}],
    )["LaunchTemplate"]
    identifier = made["LaunchTemplateId"]
    read = ec2.describe_launch_templates(LaunchTemplateIds=[identifier])["LaunchTemplates"][0]
    assert read["Tags"] == [{"Key": "Name", "Value": "terraform"}]
    latest = str(read["LatestVersionNumber"])
    version = ec2.describe_launch_template_versions(LaunchTemplateId=identifier, Versions=[latest])
    kept = version["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    assert {name: kept[name] for name in data if name != "UserData"} == {
        name: value for name, value in data.items() if name != "UserData"
    }
    changed = {**data, "InstanceType": "t3.small", "UserData": base64.b64encode(b"#!/bin/sh\n").decode()}
    ec2.create_launch_template_version(
        ClientToken=str(uuid.uuid4()), LaunchTemplateId=identifier, LaunchTemplateData=changed
    )
    ec2.modify_launch_template(LaunchTemplateId=identifier, DefaultVersion="2")
    numbers = [
        each["VersionNumber"]
        for each in ec2.describe_launch_template_versions(LaunchTemplateId=identifier)["LaunchTemplateVersions"]
    ]
    assert numbers == [1, 2]
    ec2.delete_launch_template(LaunchTemplateId=identifier)
    with pytest.raises(ec2.exceptions.ClientError) as gone:
        ec2.describe_launch_templates(LaunchTemplateIds=[identifier])
    assert gone.value.response["Error"]["Code"] in TEMPLATE_GONE


def test_aws_security_group_and_key_pair(server: Server):
    ec2 = server.client()
    vpc = ec2.describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="terraform", Description="Managed by Terraform", VpcId=vpc)["GroupId"]
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[everything])
    read = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert read["IpPermissionsEgress"] == []
    ec2.delete_security_group(GroupId=group)
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFL5V39OdCSUSvwEJtLPk00+uYdUttKGRfY3uIZKcEf/ terraform"
    ec2.import_key_pair(KeyName="terraform", PublicKeyMaterial=key.encode())
    assert ec2.describe_key_pairs(KeyNames=["terraform"])["KeyPairs"][0]["KeyType"] == "ed25519"
    ec2.delete_key_pair(KeyName="terraform")


def test_image_block_public_access(server: Server):
    ec2 = server.client()
    ec2.enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")
    state = ec2.get_image_block_public_access_state()["ImageBlockPublicAccessState"]
    assert state == "block-new-sharing"
    ec2.disable_image_block_public_access()
    assert ec2.get_image_block_public_access_state()["ImageBlockPublicAccessState"] == "unblocked"


def test_aws_instance_is_read_whole(server: Server, image: str):
    """The instance need not boot for the provider: what it reads is there as soon as it runs."""
    ec2 = server.client()
    token = str(uuid.uuid4())
    asked = {
        "ImageId": image,
        "InstanceType": "t3.nano",
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": token,
        "DisableApiTermination": False,
        "EbsOptimized": False,
        "Monitoring": {"Enabled": False},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "terraform"}]}],
    }
    instance = ec2.run_instances(**asked)["Instances"][0]["InstanceId"]
    assert ec2.run_instances(**asked)["Instances"][0]["InstanceId"] == instance
    ec2.get_waiter("instance_running").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    read = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert read["MetadataOptions"]["State"] == "applied"
    for member in (
        *("CpuOptions", "EnclaveOptions", "MaintenanceOptions", "PrivateDnsNameOptions", "HibernationOptions"),
        *("CapacityReservationSpecification", "Monitoring", "Placement", "NetworkInterfaces", "EbsOptimized"),
        *("RootDeviceName", "RootDeviceType", "SourceDestCheck", "SecurityGroups", "Tags"),
    ):
        assert member in read, member
    for attribute in ("instanceInitiatedShutdownBehavior", "disableApiStop", "disableApiTermination", "userData"):
        ec2.describe_instance_attribute(InstanceId=instance, Attribute=attribute)
    kind = ec2.describe_instance_types(InstanceTypes=["t3.nano"])["InstanceTypes"][0]
    if kind["BurstablePerformanceSupported"]:
        ec2.describe_instance_credit_specifications(InstanceIds=[instance])
    tags = ec2.describe_tags(
        Filters=[{"Name": "resource-id", "Values": [instance]}, {"Name": "key", "Values": ["aws:ec2launchtemplate:id"]}]
    )["Tags"]
    assert tags == []
    volumes = [each["Ebs"]["VolumeId"] for each in read["BlockDeviceMappings"]]
    disk = ec2.describe_volumes(VolumeIds=volumes)["Volumes"][0]
    assert disk["Attachments"][0]["DeleteOnTermination"] is True
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
