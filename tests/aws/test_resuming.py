"""A server that was killed: what it had promised is done by the next one, or told as failed."""

from __future__ import annotations

import subprocess
import time

import pytest

from goldsmith.aws.resuming import resume
from goldsmith.machines.acceleration import Acceleration
from goldsmith.machines.instances.instances import Instances
from goldsmith.machines.instances.volumes import offline_node

pytestmark = pytest.mark.sandbox
EAST = "us-east-1"
BLOCK = 524288


@pytest.fixture
def upload(fresh):
    from .ebs.snapshot_tools import put

    def make(**contents):
        ebs = fresh.client("ebs")
        snapshot = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
        for place, letter in contents.items():
            put(ebs, snapshot, int(place[1:]), letter * BLOCK)
        ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=len(contents))
        return snapshot

    return make


@pytest.fixture
def world(fresh):
    """A cloud whose machines need no probing, as none is started."""
    home = fresh.cloud.home
    fresh.cloud.__dict__["instances"] = Instances(home.instances, home.volumes, Acceleration("tcg", "not probed"))
    return fresh


def await_state(look, *states):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if (found := look())["State"] in states:
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def snapshot_of(world, snapshot, **client):
    return world.client(**client).describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]


def unserved(world, monkeypatch, call):
    """Make a call whose job is never run, as when the server dies right after its answer."""
    with monkeypatch.context() as patched:
        patched.setattr(world.cloud, "submit", lambda job: None)
        return call()


def make_volume(world, snapshot):
    client = world.client()
    volume = client.create_volume(AvailabilityZone="us-east-1a", SnapshotId=snapshot, Size=1)["VolumeId"]
    await_state(lambda: client.describe_volumes(VolumeIds=[volume])["Volumes"][0], "available")
    return volume


def write(world, volume, *commands):
    """Write to a volume as its instance would."""
    volumes = world.cloud.instances.volumes
    claimed = volumes.claim(volume, "i-0123456789abcdef0")
    node = offline_node(volumes.path(volume), claimed.files[-1])
    arguments = [word for command in commands for word in ("-c", command)]
    subprocess.run(["qemu-io", *arguments, node], check=True, capture_output=True)
    volumes.release(volume, "i-0123456789abcdef0")


def letters(world, snapshot):
    ebs = world.client("ebs")
    blocks = ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
    data = {
        each["BlockIndex"]: ebs.get_snapshot_block(SnapshotId=snapshot, **each)["BlockData"].read() for each in blocks
    }
    return {index: bytes(sorted(set(block))) for index, block in data.items()}


def test_a_snapshot_of_a_volume_has_what_was_written(world, upload):
    volume = make_volume(world, upload(b0=b"a", b3=b"b"))
    write(world, volume, "write -P 0x63 1536k 4k", "write -P 0x64 2048k 512k")
    client = world.client()
    made = client.create_snapshot(VolumeId=volume, Description="later")
    assert (made["State"], made["VolumeId"]) == ("pending", volume)
    found = await_state(lambda: snapshot_of(world, made["SnapshotId"]), "completed", "error")
    assert found["State"] == "completed", found
    assert letters(world, made["SnapshotId"]) == {0: b"a", 3: b"bc", 4: b"d"}
    assert world.cloud.instances.volumes.captures() == {}


def test_a_capture_whose_moment_was_kept_is_stored(world, upload, monkeypatch):
    from goldsmith.aws.ec2 import snapshot_jobs

    volume = make_volume(world, upload(b0=b"a"))
    with monkeypatch.context() as patched:
        patched.setattr(snapshot_jobs, "store_capture", lambda *_: None)
        made = world.client().create_snapshot(VolumeId=volume)["SnapshotId"]
        end = time.monotonic() + 30
        while not world.cloud.instances.volumes.captures() and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.2)
    write(world, volume, "write -P 0x65 0 512k")
    resume(world.cloud)
    assert await_state(lambda: snapshot_of(world, made), "completed", "error")["State"] == "completed"
    assert letters(world, made) == {0: b"a"}


def test_a_capture_whose_moment_was_not_kept_is_failed(world, upload, monkeypatch):
    volume = make_volume(world, upload(b0=b"a"))
    made = unserved(world, monkeypatch, lambda: world.client().create_snapshot(VolumeId=volume)["SnapshotId"])
    resume(world.cloud)
    found = snapshot_of(world, made)
    assert (found["State"], "ended before" in found["StateMessage"]) == ("error", True)


def test_copies_and_uploads_go_on(world, upload, monkeypatch):
    source = upload(b0=b"a")
    image = world.client().register_image(
        Name="goes on",
        RootDeviceName="/dev/xvda",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": source}}],
    )["ImageId"]
    west = world.client(region="us-west-2")
    copy = unserved(
        world, monkeypatch, lambda: west.copy_snapshot(SourceRegion=EAST, SourceSnapshotId=source)["SnapshotId"]
    )
    copied = unserved(
        world,
        monkeypatch,
        lambda: west.copy_image(Name="too", SourceRegion=EAST, SourceImageId=image)["ImageId"],
    )
    pending = world.client("ebs").start_snapshot(VolumeSize=1)["SnapshotId"]
    resume(world.cloud)
    assert (
        await_state(lambda: snapshot_of(world, copy, region="us-west-2"), "completed", "error")["State"] == "completed"
    )
    found = await_state(lambda: west.describe_images(ImageIds=[copied])["Images"][0], "available", "failed")
    assert found["State"] == "available"
    assert snapshot_of(world, pending)["State"] == "pending"


def test_tasks_begin_anew_and_their_leftovers_go(world, monkeypatch):
    client = world.client()
    folder = world.cloud.home.buckets / world.account_id() / "disks"
    folder.mkdir(parents=True)
    (folder / "disk").write_bytes(b"x" * BLOCK)
    container = {"Format": "RAW", "UserBucket": {"S3Bucket": "disks", "S3Key": "disk"}}
    task, cancelled = (
        unserved(world, monkeypatch, lambda: client.import_snapshot(DiskContainer=container)["ImportTaskId"])
        for _ in range(2)
    )
    client.cancel_import_task(ImportTaskId=cancelled)
    left = world.cloud.home.path / "tasks" / "import-snap-00000000000000000"
    left.mkdir(parents=True)
    resume(world.cloud)
    assert not left.exists()

    def status(each):
        (found,) = client.describe_import_snapshot_tasks(ImportTaskIds=[each])["ImportSnapshotTasks"]
        return {"State": found["SnapshotTaskDetail"]["Status"]}

    assert await_state(lambda: status(task), "completed", "deleted")["State"] == "completed"
    assert await_state(lambda: status(cancelled), "completed", "deleted")["State"] == "deleted"
