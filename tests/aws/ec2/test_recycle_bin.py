"""What is deleted and brought back: rules, the bin, the end of its time."""

from __future__ import annotations

import pytest

from goldsmith.aws.ec2.expiry import expire
from tests.aws.ec2.amis import refusal, register, share, shown, snapshot

DAY = 24 * 3600


def add_rule(world, kind, days=7, account="acme", **more):
    period = {"RetentionPeriodValue": days, "RetentionPeriodUnit": "DAYS"}
    return world.client("rbin", account=account).create_rule(ResourceType=kind, RetentionPeriod=period, **more)


@pytest.fixture
def binned(fresh):
    """A cloud of its own in which AMIs are kept for a week."""
    add_rule(fresh, "EC2_IMAGE")
    return fresh


def test_an_image_comes_back_as_it_was(binned):
    client = binned.client()
    image = register(binned, name="treasure", Description="old")
    client.create_tags(Resources=[image], Tags=[{"Key": "k", "Value": "v"}])
    share(binned, image, "friend")
    before = shown(binned, ImageIds=[image])[image]
    client.deregister_image(ImageId=image)
    assert image not in shown(binned)
    assert image not in shown(binned, "friend")
    assert client.describe_images(ImageIds=[image])["Images"] == []
    assert refusal(client.deregister_image, ImageId=image) == "InvalidAMIID.Unavailable"
    assert refusal(client.create_tags, Resources=[image], Tags=[{"Key": "a", "Value": "b"}]) == "InvalidAMIID.NotFound"
    assert client.describe_tags()["Tags"] == []
    (told,) = client.list_images_in_recycle_bin()["Images"]
    assert (told["ImageId"], told["Name"], told["Description"]) == (image, "treasure", "old")
    assert (told["RecycleBinExitTime"] - told["RecycleBinEnterTime"]).days == 7
    assert binned.client(account="friend").list_images_in_recycle_bin()["Images"] == []
    assert client.restore_image_from_recycle_bin(ImageId=image)["Return"] is True
    assert shown(binned, ImageIds=[image])[image] == before
    assert image in shown(binned, "friend")
    assert refusal(client.restore_image_from_recycle_bin, ImageId=image) == "InvalidAMIID.NotFound"


def test_its_snapshot_stays_as_long_as_it_is_in_the_bin(binned):
    client = binned.client()
    image = register(binned)
    kept = shown(binned, ImageIds=[image])[image]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    results = client.deregister_image(ImageId=image, DeleteAssociatedSnapshots=True)["DeleteSnapshotResults"]
    assert results == [{"SnapshotId": kept, "ReturnCode": "skipped"}]
    assert refusal(client.delete_snapshot, SnapshotId=kept) == "InvalidSnapshot.InUse"


def test_a_name_that_was_taken_meanwhile_keeps_it_out(binned):
    client = binned.client()
    image = register(binned, name="popular")
    client.deregister_image(ImageId=image)
    register(binned, name="popular")
    assert refusal(client.restore_image_from_recycle_bin, ImageId=image) == "InvalidAMIName.Duplicate"


def test_snapshots_come_back_too(fresh):
    client = fresh.client()
    add_rule(fresh, "EBS_SNAPSHOT", days=1)
    kept = snapshot(fresh)
    client.delete_snapshot(SnapshotId=kept)
    assert refusal(client.describe_snapshots, SnapshotIds=[kept]) == "InvalidSnapshot.NotFound"
    (told,) = client.list_snapshots_in_recycle_bin(SnapshotIds=[kept])["Snapshots"]
    assert told["VolumeId"] == "vol-ffffffff"
    answer = client.restore_snapshot_from_recycle_bin(SnapshotId=kept)
    assert (answer["SnapshotId"], answer["State"], answer["VolumeSize"]) == (kept, "completed", 8)
    assert client.describe_snapshots(SnapshotIds=[kept])["Snapshots"]


def test_rules_by_tag_come_first_and_exclusions_count(fresh):
    client = fresh.client()
    add_rule(fresh, "EC2_IMAGE", days=2, ExcludeResourceTags=[{"ResourceTagKey": "scratch"}])
    add_rule(fresh, "EC2_IMAGE", days=1, ResourceTags=[{"ResourceTagKey": "keep", "ResourceTagValue": "short"}])

    def days(**tags):
        image = register(fresh)
        client.create_tags(Resources=[image], Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
        client.deregister_image(ImageId=image)
        there = {each["ImageId"]: each for each in client.list_images_in_recycle_bin()["Images"]}
        if image not in there:
            return None
        return (there[image]["RecycleBinExitTime"] - there[image]["RecycleBinEnterTime"]).days

    assert days(some="tag") == 2
    assert days(keep="short") == 1
    assert days(keep="long") == 2
    assert days(scratch="yes") is None


def test_time_ends_it(binned):
    client = binned.client()
    image = register(binned)
    client.deregister_image(ImageId=image)
    assert expire(binned.cloud) == 0
    binned.ahead = 8 * DAY
    assert expire(binned.cloud) == 1
    assert binned.call("ListImagesInRecycleBin")["Images"] == []
    with pytest.raises(Exception, match=r"InvalidAMIID\.NotFound"):
        binned.call("DescribeImages", ImageIds=[image])


def test_a_deregistered_image_is_forgotten_after_a_day(fresh):
    image = register(fresh)
    fresh.client().deregister_image(ImageId=image)
    assert expire(fresh.cloud) == 0
    fresh.ahead = 2 * DAY
    assert expire(fresh.cloud) == 1
    with pytest.raises(Exception, match=r"InvalidAMIID\.NotFound"):
        fresh.call("DescribeImages", ImageIds=[image])


def test_the_bin_has_pages(binned):
    client = binned.client()
    made = [register(binned) for _ in range(3)]
    for image in made:
        client.deregister_image(ImageId=image)
    first = client.list_images_in_recycle_bin(MaxResults=2)
    second = client.list_images_in_recycle_bin(MaxResults=2, NextToken=first["NextToken"])
    assert [each["ImageId"] for each in (*first["Images"], *second["Images"])] == made
    assert refusal(client.list_images_in_recycle_bin, ImageIds=["ami-0123456789abcdef0"]) == "InvalidAMIID.NotFound"
