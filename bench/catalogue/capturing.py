"""CreateImage of a running instance in which 10 MB changed, on a small and on a large disk."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from bench.catalogue.world import GIB, served

if TYPE_CHECKING:
    from pathlib import Path

    from bench.catalogue.__main__ import Table
    from bench.catalogue.world import World

MIB = 1 << 20
GOAL = 16 * MIB
CHANGE = "sudo dd if=/dev/urandom of=/var/tmp/changed bs=1M count=10 status=none; sync"


def measure(table: Table, folder: Path, disk: Path) -> None:
    """Boot, let everything settle into a first capture, change 10 MB over SSH, capture."""
    for size in (0, 64 * GIB):
        with served(folder / str(size)) as world:
            stored, seconds, first = _capture_change(world, world.store(disk, size=size), folder / str(size))
        what = "64 GiB" if size else "4 GiB"
        table.add(
            f"capture of a running instance, 10 MB changed, disk of {what}",
            f"{stored / MIB:.1f} MiB stored in {seconds:.2f} s (the boot before: {first / MIB:.1f} MiB)",
            f"under {GOAL // MIB} MB",
            met=stored < GOAL,
        )


def _capture_change(world: World, image: str, folder: Path) -> tuple[int, float, int]:
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    world.ec2.import_key_pair(KeyName="bench", PublicKeyMaterial=key.with_suffix(".pub").read_bytes())
    group = world.ec2.create_security_group(GroupName="ssh", Description="ssh")["GroupId"]
    world.ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="127.0.0.0/8"
    )
    answer = world.ec2.run_instances(
        ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, KeyName="bench", SecurityGroupIds=[group]
    )
    instance = answer["Instances"][0]["InstanceId"]
    _ssh(world, instance, key, "cloud-init status --wait; sync")
    before = world.stored_bytes()
    _capture(world, instance, "first")
    settled = world.stored_bytes()
    _ssh(world, instance, key, CHANGE)
    seconds = _capture(world, instance, "second")
    return world.stored_bytes() - settled, seconds, settled - before


def _capture(world: World, instance: str, name: str) -> float:
    begun = time.perf_counter()
    image = world.ec2.create_image(InstanceId=instance, Name=name, NoReboot=True)["ImageId"]
    while world.ec2.describe_images(ImageIds=[image])["Images"][0]["State"] != "available":
        time.sleep(0.02)
    return time.perf_counter() - begun


def _ssh(world: World, instance: str, key: Path, command: str) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        found = world.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        address = found.get("PublicIpAddress")
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5"]
        if address:
            done = subprocess.run(
                ["ssh", "-q", "-i", key, *options, f"admin@{address}", command],
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
            )
            if done.returncode != 255:
                return
        time.sleep(1)
    raise TimeoutError(f"{instance} lets nobody in")
