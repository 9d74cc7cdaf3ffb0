"""Copies between regions: what they become, who may, what travels, and how they end when something is wrong."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

from goldsmith.aws.ec2 import copy_jobs

BLOCK = 524288


def code(function, **arguments):
    with pytest.raises(ClientError) as refused:
        function(**arguments)
    return refused.value.response["Error"]["Code"]


def await_state(look, *states):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = look()
        if found["State"] in states:
            return found
        time.sleep(0.02)
    raise AssertionError(f"still {found['State']}")


def snapshot_of(client, snapshot):
    return client.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]


def image_of(client, image):
    return client.describe_images(ImageIds=[image])["Images"][0]


@pytest.fixture
def make_snapshot(served, upload_blocks):
    def make(account="acme", **contents):
        return upload_blocks(served.client("ebs", account=account), contents)

    return make


def register(client, snapshot, name, **more):
    mappings = [
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot, "VolumeType": "gp3"}},
        {"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 2}},
    ]
    return client.register_image(
        Name=name,
        RootDeviceName="/dev/xvda",
        Architecture="x86_64",
        VirtualizationType="hvm",
        BootMode="uefi-preferred",
        BlockDeviceMappings=mappings,
        **more,
    )["ImageId"]


def read_all(served, snapshot, region):
    ebs = served.client("ebs", region=region)
    return {
        block["BlockIndex"]: ebs.get_snapshot_block(SnapshotId=snapshot, **block)["BlockData"].read()
        for block in ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
    }


def test_a_snapshot_goes_to_another_region(served, make_snapshot):
    source = make_snapshot(b0=b"a", b9=b"b")
    west = served.client(region="us-west-2")
    tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "k", "Value": "v"}]}]
    answer = west.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=source, TagSpecifications=tags)
    assert answer["Tags"] == [{"Key": "k", "Value": "v"}]
    found = await_state(lambda: snapshot_of(west, answer["SnapshotId"]), "completed", "error")
    assert (found["State"], found["VolumeId"], found["Progress"]) == ("completed", "vol-ffffffff", "100%")
    assert found["Description"] == f"[Copied {source} from us-east-1]"
    assert read_all(served, answer["SnapshotId"], "us-west-2") == {0: b"a" * BLOCK, 9: b"b" * BLOCK}


def test_only_missing_blocks_travel(served, make_snapshot, caplog):
    west = served.client(region="us-west-2")
    for contents, told in (({"b1": b"x", "b2": b"y"}, "2 of 2"), ({"b1": b"x", "b2": b"z"}, "1 of 2")):
        source = make_snapshot(**contents)
        with caplog.at_level("INFO", "goldsmith.aws.ec2.copy_jobs"):
            copy = west.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=source)["SnapshotId"]
            await_state(lambda copy=copy: snapshot_of(west, copy), "completed")
        assert f"Copied {copy}: {told} blocks travelled" in caplog.text


def test_an_image_goes_to_another_region(served, make_snapshot):
    east, west = served.client(), served.client(region="us-west-2")
    source = register(east, make_snapshot(b3=b"c"), "travels", Description="at home")
    east.create_tags(Resources=[source], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    copy = west.copy_image(
        Name="travels",
        SourceRegion="us-east-1",
        SourceImageId=source,
        CopyImageTags=True,
        TagSpecifications=[{"ResourceType": "image", "Tags": [{"Key": "b", "Value": "3"}]}],
    )["ImageId"]
    found = await_state(lambda: image_of(west, copy), "available", "failed")
    assert found["State"] == "available"
    assert (found["SourceImageId"], found["SourceImageRegion"]) == (source, "us-east-1")
    assert (found["BootMode"], found["Architecture"], found["Description"]) == ("uefi-preferred", "x86_64", "")
    assert {tag["Key"]: tag["Value"] for tag in found["Tags"]} == {"a": "1", "b": "3"}
    root, data = found["BlockDeviceMappings"]
    assert (root["Ebs"]["VolumeType"], data["Ebs"]["VolumeSize"]) == ("gp3", 2)
    snapshot = snapshot_of(west, root["Ebs"]["SnapshotId"])
    assert snapshot["Description"].startswith(f"Copied for DestinationAmi {copy} from SourceAmi {source} for")
    assert read_all(served, snapshot["SnapshotId"], "us-west-2") == {3: b"c" * BLOCK}


def test_a_copy_in_the_same_region_is_a_new_image_with_snapshots_of_its_own(served, make_snapshot):
    client = served.client()
    first = make_snapshot(b0=b"s")
    source = register(client, first, "same one")
    copy = client.copy_image(Name="same two", SourceRegion="us-east-1", SourceImageId=source)["ImageId"]
    found = await_state(lambda: image_of(client, copy), "available", "failed")
    assert found["State"] == "available"
    assert "Tags" not in found or found["Tags"] == []
    assert found["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"] != first


def test_who_may_copy_a_shared_image(served, make_snapshot):
    owner, other = served.client(), served.client(account="copier")
    snapshot = make_snapshot(b0=b"t")
    image = register(owner, snapshot, "shared for copying")
    asked = {"Name": "mine", "SourceRegion": "us-east-1", "SourceImageId": image}
    assert code(other.copy_image, **asked) == "InvalidAMIID.NotFound"
    number = served.account_id("copier")
    with served.cloud.catalog(served.account_id(), "us-east-1") as catalog:
        catalog.share(catalog.own("image", image), add=[number])
    with pytest.raises(ClientError, match="permission to access the storage of this ami"):
        other.copy_image(**asked)
    owner.modify_snapshot_attribute(SnapshotId=snapshot, OperationType="add", UserIds=[number])
    copy = other.copy_image(**asked)["ImageId"]
    found = await_state(lambda: image_of(other, copy), "available", "failed")
    assert (found["State"], found["OwnerId"]) == ("available", number)
    assert code(owner.describe_images, ImageIds=[copy]) == "InvalidAMIID.NotFound"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"SourceRegion": "mars-1"}, "InvalidParameterValue"),
        ({"SourceImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound"),
        ({"SourceImageId": "snap-0123456789abcdef0"}, "InvalidAMIID.Malformed"),
        ({"Name": "no*stars"}, "InvalidAMIName.Malformed"),
        ({"Name": "taken"}, "InvalidAMIName.Duplicate"),
        ({"KmsKeyId": "alias/x"}, "InvalidParameterDependency"),
        ({"Encrypted": True}, "UnsupportedOperation"),
        (
            {"TagSpecifications": [{"ResourceType": "volume", "Tags": [{"Key": "a", "Value": ""}]}]},
            "InvalidParameterValue",
        ),
    ],
)
def test_copies_that_cannot_be(served, make_snapshot, wrong, expected):
    client = served.client(account="wrong")
    there = client.describe_images(Owners=["self"])["Images"]
    source = there[0]["ImageId"] if there else register(client, make_snapshot("wrong", b0=b"w"), "taken")
    asked = {"Name": "free", "SourceRegion": "us-east-1", "SourceImageId": source}
    with pytest.raises(ClientError, match=expected):
        client.copy_image(**{**asked, **wrong})


def test_a_token_copies_once(served, make_snapshot):
    client = served.client(account="tokens")
    source = register(client, make_snapshot("tokens", b0=b"w"), "source")
    asked = {"Name": "once", "SourceRegion": "us-east-1", "SourceImageId": source, "ClientToken": "t"}
    assert client.copy_image(**asked)["ImageId"] == client.copy_image(**asked)["ImageId"]


def test_a_copy_whose_blocks_are_damaged_fails_and_says_why(fresh, upload_blocks):
    snapshot = upload_blocks(fresh.client("ebs"), {"b0": b"a"})
    image = register(fresh.client(), snapshot, "to be lost")
    for file in (fresh.cloud.home.blocks / "us-east-1" / "blocks").rglob("*"):
        if file.is_file():
            file.write_bytes(b"damage")
    west = fresh.client(region="us-west-2")
    copy = west.copy_image(Name="lost", SourceRegion="us-east-1", SourceImageId=image)["ImageId"]
    found = await_state(lambda: image_of(west, copy), "available", "failed")
    assert found["State"] == "failed"
    assert found["StateReason"]["Code"] == "Server.InternalError"
    (snapshot,) = west.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert (snapshot["State"], bool(snapshot["StateMessage"])) == ("error", True)


def test_deregistering_a_pending_copy_cancels_it(fresh, upload_blocks, monkeypatch):
    snapshot = upload_blocks(fresh.client("ebs"), {"b0": b"a"})
    image = register(fresh.client(), snapshot, "cancelled")
    held = []
    monkeypatch.setattr(fresh.cloud, "submit", lambda job: job())
    monkeypatch.setattr(fresh.cloud, "queue", held.append)
    west = fresh.client(region="us-west-2")
    copy = west.copy_image(Name="never", SourceRegion="us-east-1", SourceImageId=image)["ImageId"]
    assert image_of(west, copy)["State"] == "pending"
    (pending,) = west.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert pending["State"] == "pending"
    west.deregister_image(ImageId=copy)
    (job,) = held
    job()
    assert west.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
    assert fresh.cloud.blocks("us-west-2").maps() == set()


def test_there_is_a_limit_of_copies(fresh, upload_blocks, monkeypatch):
    source = upload_blocks(fresh.client("ebs"), {"b0": b"a"})
    monkeypatch.setattr(fresh.cloud, "submit", lambda job: None)
    client = fresh.client()
    for _ in range(fresh.cloud.settings.snapshot_concurrency):
        client.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=source)
    asked = {"SourceRegion": "us-east-1", "SourceSnapshotId": source}
    assert code(client.copy_snapshot, **asked) == "ResourceLimitExceeded"


def test_a_copy_is_taken_up_again(fresh, upload_blocks, monkeypatch):
    source = upload_blocks(fresh.client("ebs"), {"b0": b"a"})
    with monkeypatch.context() as patched:
        patched.setattr(fresh.cloud, "submit", lambda job: None)
        copy = fresh.client().copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=source)["SnapshotId"]
    with fresh.cloud.catalog(fresh.account_id(), "us-east-1") as catalog:
        record = catalog.own("snapshot", copy)
    copy_jobs.copy_snapshot(fresh.cloud, record)
    assert snapshot_of(fresh.client(), copy)["State"] == "completed"
