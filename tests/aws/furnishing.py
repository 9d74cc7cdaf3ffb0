"""A cloud whose owner has one of everything that can be made here."""

from __future__ import annotations

import hashlib

from goldsmith.aws.cloud import Cloud
from goldsmith.aws.dispatch import Dispatcher
from goldsmith.aws.models import find_operation
from goldsmith.blocks.block_map import BlockMap
from goldsmith.catalog.accounts import Account, Credential, create_account
from goldsmith.catalog.resources import Resource
from goldsmith.pipelines.home import Home
from tests.aws.imagebuilder.furnishing import furnish

NOW = 1_800_000_000.0
SECRET = "hush"
"""What stands in the names, tags and descriptions of what is private."""

BLANK = BlockMap(1 << 30, {})
BLANK_MAP = hashlib.sha256(BLANK.encode()).hexdigest()
OWNER = "100000000001"
OTHERS = ("100000000002", "100000000003", "100000000004")


def owner_of(cloud):
    """Return the owner's credential."""
    return Credential("AKIAOWNER", "", Account(OWNER, "owner"), "u", "admin")


def open_cloud(path):
    """Open a cloud in which no job ever runs, at a time that does not pass."""
    cloud = Cloud(Home(path).ready(), clock=lambda: NOW)
    cloud.submit = lambda job: None
    return cloud


def furnished(path):
    """Make a cloud with an owner that has one of everything, and with others that have nothing."""
    cloud = open_cloud(path)
    cloud.database.prepare()
    with cloud.database.writing() as connection:
        for number in (OWNER, *OTHERS):
            create_account(connection, f"account-{number}", number=number)
    dispatcher = Dispatcher(cloud)

    def ask(service, name, /, **parameters):
        return dispatcher.call(owner_of(cloud), "us-east-1", find_operation(service, name), parameters)

    tag = [{"Key": SECRET, "Value": SECRET}]
    ask("ec2", "DescribeVpcs")
    ask("ec2", "CreateKeyPair", KeyName=f"{SECRET}-key", KeyType="ed25519")
    ask("ec2", "CreateSecurityGroup", GroupName=f"{SECRET}-group", Description=SECRET)
    data = {"InstanceType": "t3.micro", "ImageId": "ami-00000000000000aaa"}
    ask("ec2", "CreateLaunchTemplate", LaunchTemplateName=f"{SECRET}-template", LaunchTemplateData=data)
    ask("ssm", "PutParameter", Name=f"/{SECRET}/parameter", Value=SECRET, Type="String")
    period = {"RetentionPeriodValue": 1, "RetentionPeriodUnit": "DAYS"}
    ask("rbin", "CreateRule", ResourceType="EC2_IMAGE", RetentionPeriod=period, Description=SECRET, Tags=tag)
    ask("iam", "CreateRole", RoleName=f"{SECRET}-role", AssumeRolePolicyDocument="{}")
    ask("iam", "CreateInstanceProfile", InstanceProfileName=f"{SECRET}-profile")
    for region in cloud.settings.regions:
        with cloud.blocks(region).writing() as writing:
            assert writing.save(BLANK) == BLANK_MAP
    image = an_image("ami-00000000000000aaa", "snap-00000000000000aaa")
    with cloud.catalog(OWNER, "us-east-1") as catalog:
        catalog.add(a_snapshot("snap-00000000000000aaa"), {SECRET: SECRET})
        catalog.add(image, {SECRET: SECRET})
        catalog.add(a_snapshot("snap-00000000000000bbb"), {SECRET: SECRET})
    ask("ec2", "CreateImageUsageReport", ImageId=image.id, ResourceTypes=[{"ResourceType": "ec2:Instance"}])
    launch = {"ImageId": image.id, "MinCount": 2, "MaxCount": 2, "InstanceType": "t3.nano"}
    launched = ask("ec2", "RunInstances", **launch, TagSpecifications=[{"ResourceType": "instance", "Tags": tag}])
    volume = ask("ec2", "CreateVolume", AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    with cloud.catalog(OWNER, "us-east-1") as catalog:
        catalog.save(catalog.own("volume", volume).having(state="available"))
        for instance, state in zip(launched["Instances"], ("running", "stopped"), strict=True):
            catalog.save(catalog.own("instance", instance["InstanceId"]).having(state=state))
    template = {"LaunchTemplateName": f"{SECRET}-template", "Version": "1"}
    ask(
        "autoscaling",
        "CreateAutoScalingGroup",
        AutoScalingGroupName=f"{SECRET}-scaling",
        LaunchTemplate=template,
        MinSize=0,
        MaxSize=2,
        AvailabilityZones=["us-east-1a"],
    )
    ask("ebs", "StartSnapshot", VolumeSize=1)
    furnish(cloud, OWNER, NOW, SECRET, ask)
    return cloud


def a_snapshot(identifier, account=OWNER):
    """Return a whole snapshot of no blocks."""
    document = {
        "VolumeSize": 1,
        "VolumeId": "vol-ffffffff",
        "Description": SECRET,
        "Encrypted": False,
        "Progress": "100%",
        "StorageTier": "standard",
    }
    return Resource(identifier, "snapshot", account, "us-east-1", "", "completed", NOW, document, {"map": BLANK_MAP})


def an_image(identifier, snapshot, account=OWNER, **more):
    """Return an available AMI of a snapshot."""
    ebs = {"SnapshotId": snapshot, "VolumeSize": 1, "VolumeType": "gp3", "DeleteOnTermination": True}
    document = {
        "Description": SECRET,
        "Architecture": "x86_64",
        "ImageType": "machine",
        "RootDeviceName": "/dev/xvda",
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "ProductCodes": [],
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {**ebs, "Encrypted": False}}],
        **more,
    }
    return Resource(identifier, "image", account, "us-east-1", f"{SECRET}-{identifier}", "available", NOW, document)
