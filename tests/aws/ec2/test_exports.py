"""Exports and bundles: disks that other programs read, AMIs that come back whole, and bundles that somebody changed."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import time

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.sandbox
BLOCK = 524288


def code(function, **arguments):
    with pytest.raises(ClientError) as refused:
        function(**arguments)
    return refused.value.response["Error"]["Code"]


def ended(look, key="Status"):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = look()
        if found[key] not in {"active", "InProgress", "pending", "deleting"}:
            return found
        time.sleep(0.05)
    raise AssertionError(found)


@pytest.fixture
def folder(served):
    return served.cloud.home.buckets / served.account_id() / "files"


@pytest.fixture(scope="module")
def image(served, upload_blocks):
    snapshot = upload_blocks(served.client("ebs"), {"b0": b"a", "b1": b"b", "b5": b"a", "b2047": b"z"})
    return register(served, snapshot, "to be exported")


def register(served, snapshot, name, **more):
    return served.client().register_image(
        Name=name,
        RootDeviceName="/dev/xvda",
        Architecture="x86_64",
        VirtualizationType="hvm",
        BootMode="uefi",
        Description="described",
        BlockDeviceMappings=[
            {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot, "VolumeType": "gp3"}},
            *more.get("mappings", ()),
        ],
        TagSpecifications=[{"ResourceType": "image", "Tags": [{"Key": "team", "Value": "blue"}]}],
    )["ImageId"]


@pytest.mark.parametrize(("form", "kind"), [("RAW", "raw"), ("VMDK", "vmdk"), ("VHD", "vpc")])
def test_an_image_becomes_a_disk_file(served, image, folder, tmp_path, form, kind):
    client = served.client()
    location = {"S3Bucket": "files", "S3Prefix": "exports/"}
    answer = client.export_image(ImageId=image, DiskImageFormat=form, S3ExportLocation=location)
    assert answer["Status"] == "active"
    ids = [answer["ExportImageTaskId"]]
    task = ended(lambda: client.describe_export_image_tasks(ExportImageTaskIds=ids)["ExportImageTasks"][0])
    assert task["Status"] == "completed", task
    file = folder / "exports" / f"{ids[0]}.{'vhd' if form == 'VHD' else form.lower()}"
    found = json.loads(subprocess.check_output(["qemu-img", "info", "-f", kind, "--output=json", file]))
    assert found["virtual-size"] == 1 << 30
    subprocess.run(["qemu-img", "convert", "-f", kind, "-O", "raw", file, tmp_path / "raw"], check=True)
    with (tmp_path / "raw").open("rb") as disk:
        for index, letter in ((0, b"a"), (1, b"b"), (2, b"\0"), (5, b"a"), (2047, b"z")):
            disk.seek(index * BLOCK)
            assert disk.read(BLOCK) == letter * BLOCK


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound"),
        ({"DiskImageFormat": "ISO"}, "InvalidParameterValue"),
        ({"S3ExportLocation": {}}, "MissingParameter"),
    ],
)
def test_exports_that_cannot_be(served, image, asked, expected):
    arguments = {"ImageId": image, "DiskImageFormat": "RAW", "S3ExportLocation": {"S3Bucket": "files"}}
    assert code(served.client().export_image, **{**arguments, **asked}) == expected


@pytest.mark.parametrize("location", [{"S3Bucket": "files", "S3Prefix": "../../../../up"}, {"S3Bucket": "../files"}])
def test_an_export_leaves_no_bucket(served, image, location):
    client = served.client()
    task = client.export_image(ImageId=image, DiskImageFormat="RAW", S3ExportLocation=location)["ExportImageTaskId"]
    found = ended(lambda: client.describe_export_image_tasks(ExportImageTaskIds=[task])["ExportImageTasks"][0])
    assert (found["Status"], found["StatusMessage"][:12]) == ("deleted", "ClientError:")


def test_an_image_of_two_volumes_is_not_exported(served, upload_blocks):
    snapshot = upload_blocks(served.client("ebs"), {"b0": b"a"})
    two = register(served, snapshot, "of two", mappings=[{"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 1}}])
    arguments = {"ImageId": two, "DiskImageFormat": "RAW", "S3ExportLocation": {"S3Bucket": "files"}}
    assert code(served.client().export_image, **arguments) == "InvalidRequest"


def store(served, image, client=None):
    client = client or served.client()
    key = client.create_store_image_task(ImageId=image, Bucket="files")["ObjectKey"]
    assert key == f"{image}.bin"
    found = ended(
        lambda: client.describe_store_image_tasks(ImageIds=[image])["StoreImageTaskResults"][-1], "StoreTaskState"
    )
    assert (found["StoreTaskState"], found["ProgressPercentage"]) == ("Completed", 100), found
    return key


def restore(served, key, name, **client):
    made = served.client(**client).create_restore_image_task(Bucket="files", ObjectKey=key, Name=name)["ImageId"]
    return ended(lambda: served.client(**client).describe_images(ImageIds=[made])["Images"][0], "State")


def read_all(served, snapshot, **client):
    ebs = served.client("ebs", **client)
    return {
        block["BlockIndex"]: ebs.get_snapshot_block(SnapshotId=snapshot, **block)["BlockData"].read()[:1]
        for block in ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
    }


def test_a_stored_image_comes_back_in_another_region(served, image, folder):
    key = store(served, image)
    found = restore(served, key, "restored", region="us-west-2")
    assert found["State"] == "available"
    told = {name: found[name] for name in ("Name", "Description", "BootMode", "Architecture", "SourceImageId")}
    assert told == {
        "Name": "restored",
        "Description": "described",
        "BootMode": "uefi",
        "Architecture": "x86_64",
        "SourceImageId": image,
    }
    assert found["Tags"] == [{"Key": "team", "Value": "blue"}]
    (mapping,) = found["BlockDeviceMappings"]
    assert (mapping["Ebs"]["VolumeType"], mapping["Ebs"]["VolumeSize"]) == ("gp3", 1)
    blocks = read_all(served, mapping["Ebs"]["SnapshotId"], region="us-west-2")
    assert blocks == {0: b"a", 1: b"b", 5: b"a", 2047: b"z"}
    with tarfile.open(folder / key) as tar:
        assert sum(name.startswith("blocks/") for name in tar.getnames()) == 3


def test_a_name_is_taken_only_once(served, image):
    key = store(served, image)
    assert code(served.client().create_restore_image_task, Bucket="files", ObjectKey=key) == "InvalidAMIName.Duplicate"
    missing = {"Bucket": "files", "ObjectKey": "nothing"}
    assert code(served.client().create_restore_image_task, **missing) == "InvalidParameterValue"
    assert (
        code(served.client(account="other").create_restore_image_task, Bucket="files", ObjectKey=key)
        == "InvalidParameterValue"
    )


def changed(folder, key, change):
    """Rewrite a bundle's members."""
    with tarfile.open(folder / key) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}
    with tarfile.open(folder / "changed.bin", "w") as tar:
        for name, content in change(members).items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def without_a_block(members):
    gone = next(name for name in members if name.startswith("blocks/"))
    return {name: content for name, content in members.items() if name != gone}


def with_another_block(members):
    one, two = [name for name in members if name.startswith("blocks/")][:2]
    return {**members, one: members[two]}


def with_another_map(members):
    name = next(name for name in members if name.startswith("maps/"))
    return {**members, name: members[name][:-1] + b"x"}


def with_a_stray_file(members):
    return {**members, "../../etc/cron.d/x": b"x"}


@pytest.mark.parametrize("change", [without_a_block, with_another_block, with_another_map, with_a_stray_file])
def test_a_changed_bundle_becomes_no_image(served, image, folder, change):
    changed(folder, store(served, image), change)
    found = restore(served, "changed.bin", f"changed {change.__name__}")
    assert (found["State"], bool(found["StateReason"]["Message"])) == ("failed", True)
    snapshot = found["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    (shown,) = served.client().describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    assert shown["State"] == "error"


def record_with(**members):
    def change(found):
        record = json.loads(found["image.json"])
        document = {**record["document"], **members.pop("document", {})}
        return {**found, "image.json": json.dumps({**record, "document": document, **members}).encode()}

    return change


@pytest.mark.parametrize(
    "members",
    [
        {"maps": {}},
        {"sizes": {"x": 1}},
        {"document": {"BootMode": "floppy"}},
        {"document": {"Description": {"a": 1}}},
        {"document": {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 0}}]}},
        {"document": {"BlockDeviceMappings": "x"}},
        {"document": {"RootDeviceName": "/dev/none"}},
        {"tags": {"aws:x": "y"}},
        {"form": "other"},
    ],
)
def test_a_record_that_cannot_be_is_refused_at_once(served, image, folder, members):
    changed(folder, store(served, image), record_with(**members))
    arguments = {"Bucket": "files", "ObjectKey": "changed.bin", "Name": "impossible"}
    assert code(served.client().create_restore_image_task, **arguments) == "InvalidParameterValue"


def test_a_bundle_cannot_claim_blocks_that_only_others_have(served, upload_blocks, image, folder):
    """Whoever knows only a block's digest does not get its contents by naming it."""
    secret = hashlib.sha256(b"s" * BLOCK).digest()
    upload_blocks(served.client("ebs", account="other"), {"b0": b"s"})

    def claim(members):
        name = next(name for name in members if name.startswith("maps/"))
        encoded = members[name][:-32] + secret
        changed_name = hashlib.sha256(encoded).hexdigest()
        record = json.loads(members["image.json"])
        record["maps"] = dict.fromkeys(record["maps"], changed_name)
        rest = {each: content for each, content in members.items() if not each.startswith("maps/")}
        return {**rest, "image.json": json.dumps(record).encode(), f"maps/{changed_name}": encoded}

    def in_order(members):
        found = claim(members)
        return {"image.json": found.pop("image.json"), **found}

    changed(folder, store(served, image), in_order)
    found = restore(served, "changed.bin", "claims")
    assert (found["State"], "lacks" in found["StateReason"]["Message"]) == ("failed", True)
