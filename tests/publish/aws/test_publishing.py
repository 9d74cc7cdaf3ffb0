"""An image on AWS is the disk, block for block, whatever the wire does; what is there is neither sent nor made again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from goldsmith.blocks.block_map import BLOCK
from goldsmith.documents.distribution import (
    LaunchPermission,
    LaunchTemplateConfiguration,
    SsmParameterConfiguration,
)
from goldsmith.publish.aws.clients import AwsPublishError
from goldsmith.publish.aws.wanted import RegionWanted
from tests.publish.aws.wire import BLOCKS, OTHER, REGION, FileSource, client, disk, images, publish, read_back, written


def test_every_block_arrives_once_and_a_second_run_sends_nothing(raw, wire, tmp_path):
    made = publish(FileSource(raw), wire, tmp_path / "home")
    assert (made.sent, made.least, wire.taken) == (BLOCKS * BLOCK,) * 3
    assert read_back(wire, made.snapshot) == written(raw)
    (image,) = images(wire)
    assert (image["ImageId"], image["Name"]) == (made.images[REGION], "small/1.0.0/1")
    again = publish(FileSource(raw), wire, tmp_path / "another home")
    assert (again.unchanged, again.sent, wire.taken) == (True, 0, BLOCKS * BLOCK)
    assert len(images(wire)) == 1


def test_a_wire_that_throttles_breaks_and_cuts_is_borne(raw, wire, tmp_path):
    wire.each = 3
    made = publish(FileSource(raw), wire, tmp_path / "home")
    assert wire.calls > BLOCKS
    assert read_back(wire, made.snapshot) == written(raw)


def test_killed_in_its_midst_it_goes_on_with_the_same_snapshot(raw, wire, tmp_path):
    wire.hold_after = 10
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import wire as t; from pathlib import Path;"
        "t.publish(t.FileSource(Path(sys.argv[2])), type('W', (), {'clients': t.Clients(endpoint=sys.argv[3])}), Path(sys.argv[4]))"
    )
    argv = [sys.executable, "-c", script, str(Path(__file__).parent), str(raw), wire.url, str(tmp_path / "home")]
    process = subprocess.Popen(argv)
    assert wire.reached.wait(60)
    while sum(file.stat().st_size for file in tmp_path.glob("home/publishing/aws/*/*.blocks")) < 4 * wire.hold_after:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert images(wire) == []
    wire.hold_after, before = 0, wire.taken
    made = publish(FileSource(raw), wire, tmp_path / "home")
    assert 0 < before < BLOCKS * BLOCK
    assert made.sent == BLOCKS * BLOCK - before
    assert wire.taken == BLOCKS * BLOCK
    assert read_back(wire, made.snapshot) == written(raw)
    assert wire.asked["StartSnapshot"] == 1


def test_a_later_build_is_sent_as_its_changes(raw, wire, tmp_path):
    first = publish(FileSource(raw), wire, tmp_path / "home")
    with raw.open("r+b") as file:
        for index, data in {5: os.urandom(BLOCK), 7: bytes(BLOCK), 900: os.urandom(BLOCK)}.items():
            file.seek(index * BLOCK)
            file.write(data)
    before = wire.taken
    later = RegionWanted(REGION, "small/1.0.0/2")
    second = publish(FileSource(raw, 2), wire, tmp_path / "home", later)
    assert (second.sent, second.least, wire.taken - before) == (3 * BLOCK,) * 3
    assert read_back(wire, second.snapshot, first.snapshot) == written(raw)


def test_a_dry_run_says_all_and_does_nothing(raw, wire, tmp_path):
    said = publish(
        FileSource(raw),
        wire,
        tmp_path / "home",
        RegionWanted(REGION, "small"),
        RegionWanted(OTHER, "small"),
        dry_run=True,
    )
    assert said.sent == BLOCKS * BLOCK
    assert wire.taken == 0
    assert images(wire) == []
    assert [(step.region, step.there) for step in said.steps] == [(REGION, False), (REGION, False), (OTHER, False)]


def test_what_is_wanted_besides_is_made_and_mended_and_otherwise_left(raw, wire, tmp_path):
    ec2, ssm = client(wire, "ec2"), client(wire, "ssm")
    template = ec2.create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData={"ImageId": "ami-0", "InstanceType": "t3.small"}
    )["LaunchTemplate"]["LaunchTemplateId"]
    region = RegionWanted(
        REGION,
        "small",
        tags={"team": "platform"},
        permission=LaunchPermission(user_ids=("111122223333",)),
        templates=(LaunchTemplateConfiguration(launch_template_id=template),),
        parameters=(SsmParameterConfiguration(parameter_name="/golden/small"),),
    )
    other = RegionWanted(OTHER, "small", tags={"team": "platform"})

    def run():
        return publish(FileSource(raw), wire, tmp_path / "home", region, other)

    made = run()
    image = made.images[REGION]
    assert {tag["Key"]: tag["Value"] for tag in ec2.describe_images(ImageIds=[image])["Images"][0]["Tags"]}[
        "team"
    ] == "platform"
    shown = ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"]
    assert shown == [{"UserId": "111122223333"}]
    (default,) = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Default"])[
        "LaunchTemplateVersions"
    ]
    assert (default["LaunchTemplateData"]["ImageId"], default["VersionNumber"]) == (image, 2)
    assert ssm.get_parameter(Name="/golden/small")["Parameter"]["Value"] == image
    assert [each["ImageId"] for each in images(wire, OTHER)] == [made.images[OTHER]]
    ec2.modify_image_attribute(
        ImageId=image,
        LaunchPermission={"Add": [{"UserId": "444455556666"}], "Remove": [{"UserId": "111122223333"}]},
    )
    ssm.put_parameter(Name="/golden/small", Value="ami-0", Type="String", Overwrite=True)
    mended = run()
    words = " ".join(step.what for step in mended.steps if not step.there)
    assert "+111122223333 -444455556666" in words
    assert "/golden/small" in words
    assert "lt-" not in words
    assert mended.sent == 0


def test_a_name_that_is_another_disk_s_is_told(raw, wire, tmp_path):
    publish(FileSource(raw), wire, tmp_path / "home")
    disk(raw, [1])
    with pytest.raises(AwsPublishError, match="holds another disk"):
        publish(FileSource(raw), wire, tmp_path / "home")
