"""What a publish that was cut short left at AWS is shown, gone on with or deleted, and by nobody at once."""

from __future__ import annotations

import threading

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from goldsmith.blocks.block_map import BLOCK
from goldsmith.publish.aws.clients import AwsPublishError
from goldsmith.publish.aws.publishing import abandon_at_aws
from goldsmith.publish.aws.wanted import RegionWanted
from tests.publish.aws.wire import OTHER, REGION, FileSource, client, disk, images, publish, read_back, written

IMAGE = "small/1.0.0/1"


@pytest.fixture
def cut(few, wire, tmp_path):
    """Publish and be refused at the end; give the function that publishes, and the snapshot that is left."""

    def run(home="home", **more):
        return publish(FileSource(few), wire, tmp_path / home, RegionWanted(REGION, "small"), **more)

    wire.refuse("CompleteSnapshot", "AccessDeniedException", "not authorized to perform: ebs:CompleteSnapshot", times=1)
    with pytest.raises(AwsPublishError):
        run()
    (left,) = pending()
    return run, left


def pending():
    snapshots = ec2_backends[DEFAULT_ACCOUNT_ID][REGION].snapshots.values()
    return [each.id for each in snapshots if each.status == "pending"]


def abandon(wire, home, **more):
    return abandon_at_aws(wire.clients, REGION, home, IMAGE, **more)


def test_a_dry_run_shows_what_it_would_go_on_with_and_abandoning_deletes_it(cut, wire, tmp_path):
    run, left = cut
    said = run(dry_run=True)
    assert (said.sent, said.steps[0].what.count(left)) == (0, 1)
    (would,) = abandon(wire, tmp_path / "home", dry_run=True)
    assert would.what.startswith(f"snapshot {left}, pending, in no AMI, begun 20")
    assert pending() == [left]
    (done,) = abandon(wire, tmp_path / "home")
    assert (done.what, pending()) == (would.what, [])
    assert abandon(wire, tmp_path / "home") == ()
    run()
    assert wire.asked["StartSnapshot"] == 2


def test_what_this_run_has_no_use_for_is_shown(cut, wire, few, tmp_path):
    _, left = cut
    disk(few, [1, 2])
    other = publish(FileSource(few), wire, tmp_path / "home", RegionWanted(REGION, "small"))
    (told,) = [step for step in other.steps if left in step.what]
    assert told.there
    assert "--abandon deletes it" in told.what
    abandon(wire, tmp_path / "home")
    assert pending() == []
    assert [image["ImageId"] for image in images(wire)] == [other.images[REGION]]
    assert other.snapshot in ec2_backends[DEFAULT_ACCOUNT_ID][REGION].snapshots


def test_a_whole_snapshot_that_no_ami_has_is_left_over_too(few, wire, tmp_path):
    wire.refuse("RegisterImage", "UnauthorizedOperation", "no", times=1)
    with pytest.raises(AwsPublishError):
        publish(FileSource(few), wire, tmp_path / "home")
    (told,) = abandon(wire, tmp_path / "home")
    assert ", completed, in no AMI" in told.what
    assert publish(FileSource(few), wire, tmp_path / "home").sent > 0


def test_a_snapshot_that_two_builds_share_is_not_left_over_when_one_ami_is_gone(few, wire, tmp_path):
    first = publish(FileSource(few), wire, tmp_path / "home")
    second = publish(FileSource(few, 2), wire, tmp_path / "home", RegionWanted(REGION, "small 2"))
    assert (second.snapshot, second.sent) == (first.snapshot, 0)
    client(wire, "ec2").deregister_image(ImageId=first.images[REGION])
    assert abandon(wire, tmp_path / "home") == ()
    client(wire, "ec2").deregister_image(ImageId=second.images[REGION])
    assert [first.snapshot in step.what for step in abandon(wire, tmp_path / "home")] == [True]


def test_the_snapshot_of_a_disabled_ami_is_none(few, wire, tmp_path):
    made = publish(FileSource(few), wire, tmp_path / "home")
    client(wire, "ec2").disable_image(ImageId=made.images[REGION])
    assert abandon(wire, tmp_path / "home") == ()


def test_one_that_is_gone_meanwhile_is_begun_anew_and_forgotten(cut, wire, few, tmp_path):
    run, left = cut
    ec2_backends[DEFAULT_ACCOUNT_ID][REGION].snapshots.pop(left)
    assert abandon(wire, tmp_path / "home") == ()
    made = run()
    assert made.snapshot != left
    assert read_back(wire, made.snapshot) == written(few)


@pytest.mark.parametrize("state", ["error", "gone"])
def test_one_that_aws_gave_up_is_begun_anew(cut, wire, few, state):
    run, left = cut
    snapshots = ec2_backends[DEFAULT_ACCOUNT_ID][REGION].snapshots
    if state == "gone":
        snapshots.pop(left)
    else:
        snapshots[left].status = state
    made = run()
    assert (made.snapshot != left, made.sent) == (True, made.least)
    assert [left in step.what for step in made.steps].count(True) == (state == "error")


def test_what_another_home_sends_is_told_and_left(cut, wire, tmp_path):
    _, left = cut
    (told,) = abandon(wire, tmp_path / "another home")
    assert told.there
    assert "sent from another home" in told.what
    assert f"aws ec2 delete-snapshot --region {REGION} --snapshot-id {left}" in told.what
    assert pending() == [left]


def test_what_was_left_in_another_region_is_not_touched(cut, wire, tmp_path):
    run, left = cut
    assert abandon_at_aws(wire.clients, OTHER, tmp_path / "home", IMAGE) == ()
    assert run().snapshot == left


def test_two_at_once_the_second_is_told_who_it_is(few, wire, tmp_path):
    wire.hold_after = 1
    made = []

    def run():
        return publish(FileSource(few), wire, tmp_path / "home")

    first = threading.Thread(target=lambda: made.append(run()))
    first.start()
    assert wire.reached.wait(60)
    with pytest.raises(AwsPublishError, match=rf"\(process \d+, with {IMAGE} since \d\d:\d\d UTC\) publishes"):
        run()
    with pytest.raises(AwsPublishError, match=f"with {IMAGE} since"):
        abandon(wire, tmp_path / "home")
    assert publish(FileSource(few), wire, tmp_path / "home", dry_run=True).least == 3 * BLOCK
    wire.go_on.set()
    first.join(60)
    assert made[0].images
    assert run().unchanged
