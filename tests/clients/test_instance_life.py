"""An instance from its launch to its end, as boto3 and ssh see it: one boot walks through it all."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from .machines import describe, in_state, ssh, until

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Server

pytestmark = [pytest.mark.boots, pytest.mark.network]

USER_DATA = "#cloud-config\nwrite_files:\n- {path: /srv/told, content: by user data}\n"

ASK_NAME = """python3 - <<'END'
from urllib.request import Request, urlopen
base = "http://169.254.169.254/latest"
ask = Request(f"{base}/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
token = {"X-aws-ec2-metadata-token": urlopen(ask).read().decode()}
print(urlopen(Request(f"{base}/meta-data/tags/instance/Name", headers=token)).read().decode(), end="")
END"""


def is_open(address: str, port: int) -> bool:
    with socket.socket() as attempt:
        attempt.settimeout(5)
        return attempt.connect_ex((address, port)) == 0


def test_an_instance_lives_through_everything(  # noqa: PLR0915 - one boot for all of it
    server: Server, image: str, ssh_key: Path, open_group: str
):
    ec2 = server.client()
    launched = ec2.run_instances(
        ImageId=image,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        KeyName="tests",
        SecurityGroupIds=[open_group],
        UserData=USER_DATA,
        MetadataOptions={"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "life"}]}],
    )["Instances"][0]
    instance = launched["InstanceId"]
    assert launched["State"]["Name"] == "pending"
    running = in_state(ec2, instance, "running", 60)

    # what the guest finds
    assert ssh(ec2, instance, ssh_key, "cat /srv/told; cloud-id") == "by user dataaws\n"
    assert ssh(ec2, instance, ssh_key, ASK_NAME) == "life"
    address = ssh(ec2, instance, ssh_key, "ip -4 -o addr show scope global | awk '{print $4}'").split("/")[0]
    assert address == running["PrivateIpAddress"]

    # what the world reaches
    public = running["PublicIpAddress"]
    http = 8888
    ssh(ec2, instance, ssh_key, f"systemd-run --user python3 -m http.server {http} 2>/dev/null || true")
    assert not is_open(public, http)
    ec2.authorize_security_group_ingress(
        GroupId=open_group, IpProtocol="tcp", FromPort=http, ToPort=http, CidrIp="0.0.0.0/0"
    )
    until(lambda: is_open(public, http), 20)
    ec2.revoke_security_group_ingress(
        GroupId=open_group, IpProtocol="tcp", FromPort=http, ToPort=http, CidrIp="0.0.0.0/0"
    )
    until(lambda: not is_open(public, http), 20)

    # what the checks and the console say
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=[instance], WaiterConfig={"Delay": 2, "MaxAttempts": 60})
    assert "login:" in ec2.get_console_output(InstanceId=instance)["Output"]
    screen = ec2.get_console_screenshot(InstanceId=instance)["ImageData"]
    with Image.open(io.BytesIO(base64.b64decode(screen))) as picture:
        assert picture.format == "JPEG"

    # a volume comes and goes while it runs
    volume = ec2.create_volume(AvailabilityZone=running["Placement"]["AvailabilityZone"], Size=1)["VolumeId"]
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    serial = volume.replace("-", "")
    seen = "lsblk -dno SERIAL"
    until(lambda: serial in ssh(ec2, instance, ssh_key, seen), 60)
    ec2.detach_volume(VolumeId=volume)
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert serial not in ssh(ec2, instance, ssh_key, seen)

    # an image of it while it runs, holding what was written just before
    ssh(ec2, instance, ssh_key, "echo kept | sudo tee /etc/kept >/dev/null; sync")
    made = ec2.create_image(InstanceId=instance, Name="of-life", NoReboot=True)["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[made], WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    # the server is killed; the instance does not notice
    before = ssh(ec2, instance, ssh_key, "cat /proc/sys/kernel/random/boot_id")
    server.kill()
    server.start()
    assert describe(ec2, instance)["State"]["Name"] == "running"
    assert ssh(ec2, instance, ssh_key, "cat /proc/sys/kernel/random/boot_id") == before

    # it stops, changes its type, starts with its disk and its address
    ec2.stop_instances(InstanceIds=[instance])
    stopped = in_state(ec2, instance, "stopped")
    assert "PublicIpAddress" not in stopped
    ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.small"})
    ec2.start_instances(InstanceIds=[instance])
    again = in_state(ec2, instance, "running", 60)
    assert again["PublicIpAddress"] == public
    assert ssh(ec2, instance, ssh_key, "cat /etc/kept") == "kept\n"
    assert int(ssh(ec2, instance, ssh_key, "awk '/MemTotal/ {print $2}' /proc/meminfo")) > 1_500_000

    # the guest shuts itself down, which the server sees
    ssh(ec2, instance, ssh_key, "sudo systemctl poweroff --no-block")
    ended = in_state(ec2, instance, "stopped")
    assert ended["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"

    # protected, then gone with its root volume, without its other
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": True})
    with pytest.raises(ec2.exceptions.ClientError, match="disableApiTermination"):
        ec2.terminate_instances(InstanceIds=[instance])
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[instance])
    in_state(ec2, instance, "terminated", 60)
    left = [each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]]
    assert left == [volume]
    assert not (server.home / "instances" / instance).exists()
    assert sorted(path.name for path in (server.home / "volumes").glob("vol-*")) == [volume]


def test_what_was_captured_boots_as_another_instance(server: Server, image: str, ssh_key: Path, open_group: str):
    ec2 = server.client()
    made = ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": ["of-life"]}])["Images"][0]
    instance = ec2.run_instances(
        ImageId=made["ImageId"],
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        KeyName="tests",
        SecurityGroupIds=[open_group],
    )["Instances"][0]["InstanceId"]
    told = ssh(ec2, instance, ssh_key, "cat /etc/kept; cloud-init query instance_id")
    assert told.split() == ["kept", instance]
    ec2.terminate_instances(InstanceIds=[instance])
    in_state(ec2, instance, "terminated", 60)


def test_a_keeper_that_is_killed_leaves_a_stopped_instance(server: Server, image: str):
    ec2 = server.client()
    instance = ec2.run_instances(ImageId=image, InstanceType="t3.nano", MinCount=1, MaxCount=1)["Instances"][0][
        "InstanceId"
    ]
    in_state(ec2, instance, "running", 60)
    state = json.loads((server.home / "instances" / instance / "state.json").read_text())
    os.kill(state["keeper"], 9)
    found = in_state(ec2, instance, "stopped", 60)
    assert found["StateReason"]["Code"] == "Server.InternalError"
    ec2.start_instances(InstanceIds=[instance])
    in_state(ec2, instance, "running", 60)
    ec2.terminate_instances(InstanceIds=[instance])
    in_state(ec2, instance, "terminated", 60)


def test_the_host_has_only_so_much_memory(server: Server, image: str):
    ec2 = server.client()
    with pytest.raises(ec2.exceptions.ClientError, match="InsufficientInstanceCapacity"):
        ec2.run_instances(ImageId=image, InstanceType="r5.2xlarge", MinCount=4, MaxCount=4)
