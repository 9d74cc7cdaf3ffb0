"""An Auto Scaling group rolls a real instance to the next image, and back when that one does not come up."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from .machines import describe, in_state, until

if TYPE_CHECKING:
    from .conftest import Server

pytestmark = [pytest.mark.boots, pytest.mark.long, pytest.mark.network]

OVER = {"Successful", "Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed"}


POWERS_OFF = bytes.fromhex("ba0406b80020eff4")
"""Real-mode code: mov dx, 0x604; mov ax, 0x2000; out dx, ax; hlt. That is ACPI's power button on QEMU's q35."""


def dying_image(server: Server) -> str:
    """An AMI of a disk whose boot sector switches the machine off: it never comes up."""
    ec2, ebs = server.client(), server.client("ebs")
    sector = POWERS_OFF.ljust(510, b"\0") + b"\x55\xaa"
    block = sector.ljust(512 * 1024, b"\0")
    snapshot = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    ebs.put_snapshot_block(
        SnapshotId=snapshot,
        BlockIndex=0,
        BlockData=block,
        DataLength=len(block),
        Checksum=base64.b64encode(hashlib.sha256(block).digest()).decode(),
        ChecksumAlgorithm="SHA256",
    )
    ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=1)
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return ec2.register_image(
        Name="dying",
        Architecture="x86_64",
        VirtualizationType="hvm",
        RootDeviceName="/dev/xvda",
        BootMode="legacy-bios",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}],
    )["ImageId"]


def group_of(scaling: Any) -> dict[str, Any]:
    return scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["web"])["AutoScalingGroups"][0]


def in_service(scaling: Any) -> list[str]:
    return [each["InstanceId"] for each in group_of(scaling)["Instances"] if each["LifecycleState"] == "InService"]


def refreshed(scaling: Any, version: str) -> dict[str, Any]:
    """Refresh the group to a version of its template; return how that ended."""
    refresh = scaling.start_instance_refresh(
        AutoScalingGroupName="web",
        DesiredConfiguration={"LaunchTemplate": {"LaunchTemplateName": "web", "Version": version}},
        Preferences={"MinHealthyPercentage": 0, "InstanceWarmup": 0, "AutoRollback": True},
    )["InstanceRefreshId"]

    def over() -> dict[str, Any] | None:
        found = scaling.describe_instance_refreshes(AutoScalingGroupName="web", InstanceRefreshIds=[refresh])
        last = found["InstanceRefreshes"][0]
        return last if last["Status"] in OVER else None

    return until(over, 900)


def test_a_group_is_refreshed_and_goes_back_when_the_new_image_does_not_come_up(server: Server, image: str):
    ec2, scaling = server.client(), server.client("autoscaling")
    good = {"ImageId": image, "InstanceType": "t3.micro"}
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=good)
    ec2.create_launch_template_version(
        LaunchTemplateName="web", LaunchTemplateData={**good, "InstanceType": "t3.small"}
    )
    bad = {**good, "ImageId": dying_image(server)}
    ec2.create_launch_template_version(LaunchTemplateName="web", LaunchTemplateData=bad)
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=1,
        MaxSize=2,
        DesiredCapacity=1,
        LaunchTemplate={"LaunchTemplateName": "web", "Version": "1"},
        AvailabilityZones=["us-east-1a"],
        HealthCheckGracePeriod=150,
    )
    first = until(lambda: in_service(scaling), 300)[0]

    assert refreshed(scaling, "2")["Status"] == "Successful"
    second = in_service(scaling)[0]
    assert second != first
    assert describe(ec2, second)["InstanceType"] == "t3.small"
    assert group_of(scaling)["LaunchTemplate"]["Version"] == "2"

    ended = refreshed(scaling, "3")
    assert ended["Status"] == "RollbackSuccessful", ended
    last = in_service(scaling)[0]
    assert describe(ec2, last)["ImageId"] == image
    assert group_of(scaling)["LaunchTemplate"]["Version"] == "2"

    scaling.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    in_state(ec2, last, "terminated", 120)
