"""Baked images as AMIs: what they are called, that each becomes one once, that a next version stores what changed."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from goldsmith.aws.baked_images import adopt
from goldsmith.catalog.images import Disk, Image
from goldsmith.disks.qcow2 import write_qcow2

pytestmark = pytest.mark.sandbox
MIB = 1 << 20
BLOCK = 512 * 1024


def bake(fresh, tmp_path, version, contents, *, form="qcow2", **more):
    """Put an image's record and disk where `goldsmith build` does."""
    folder = fresh.cloud.home.images / "web" / version / "1"
    folder.mkdir(parents=True)
    raw = tmp_path / f"{version}.raw"
    with raw.open("wb") as file:
        file.truncate(64 * MIB)
        for index, letter in contents.items():
            file.seek(index * BLOCK)
            file.write(letter * BLOCK)
    if form == "raw":
        (folder / "disk.raw").write_bytes(raw.read_bytes())
    else:
        write_qcow2(raw, folder / f"disk.{form}")
    record = {
        "name": "web",
        "version": version,
        "build": 1,
        "status": "AVAILABLE",
        "created": "2026-11-02T10:00:00Z",
        "parent_image": "debian/12",
        "plan": "0" * 64,
        "disk_bytes": 64 * MIB,
        "disks": (Disk(form, f"disk.{form}", "0" * 64, 1),),
        "components": ({"name": "nginx"}, {"name": "hardening"}),
        "description": "A web server",
        "tags": {"team": "blue"},
    }
    (folder / "image.json").write_text(json.dumps(asdict(Image(**{**record, **more}))))


def images(fresh, **filters):
    return fresh.client().describe_images(Owners=["self"], **filters)["Images"]


@pytest.fixture
def first(fresh):
    """The first account, whose the images are."""
    return fresh.account_id()


@pytest.mark.parametrize("form", ["qcow2", "raw"])
def test_a_baked_image_is_an_ami(fresh, first, tmp_path, form):
    bake(fresh, tmp_path, "1.0.0", {0: b"a", 100: b"b"}, form=form)
    (made,) = adopt(fresh.cloud)
    (image,) = images(fresh)
    assert image["ImageId"] == made
    told = ("Name", "Description", "BootMode", "ImdsSupport", "EnaSupport", "RootDeviceName", "State", "Architecture")
    assert [image[each] for each in told] == [
        "web/1.0.0/1", "A web server", "uefi-preferred", "v2.0", True, "/dev/xvda", "available", "x86_64"
    ]  # fmt: skip
    assert image["CreationDate"] == "2026-11-02T10:00:00.000Z"
    tags = {tag["Key"]: tag["Value"] for tag in image["Tags"]}
    assert tags["goldsmith:image"] == "web/1.0.0/1"
    assert (tags["goldsmith:components"], tags["team"]) == ("nginx, hardening", "blue")
    ebs = image["BlockDeviceMappings"][0]["Ebs"]
    assert ebs["VolumeSize"] == 1
    direct = fresh.client("ebs")
    blocks = direct.list_snapshot_blocks(SnapshotId=ebs["SnapshotId"])["Blocks"]
    data = [direct.get_snapshot_block(SnapshotId=ebs["SnapshotId"], **each)["BlockData"].read()[:1] for each in blocks]
    assert ([each["BlockIndex"] for each in blocks], data) == ([0, 100], [b"a", b"b"])


def test_each_becomes_one_once_also_after_it_was_deregistered(fresh, first, tmp_path):
    bake(fresh, tmp_path, "1.0.0", {0: b"a"})
    (made,) = adopt(fresh.cloud)
    assert adopt(fresh.cloud) == []
    fresh.client().deregister_image(ImageId=made)
    assert adopt(fresh.cloud) == []
    assert images(fresh) == []


def test_a_next_version_stores_what_changed(fresh, first, tmp_path):
    letters = {index: bytes([65 + index]) for index in range(20)}
    bake(fresh, tmp_path, "1.0.0", letters)
    adopt(fresh.cloud)
    store = fresh.cloud.blocks("us-east-1")
    before = set(store.blocks())
    bake(fresh, tmp_path, "1.0.1", {**letters, 7: b"!"})
    assert len(adopt(fresh.cloud)) == 1
    assert len(set(store.blocks()) - before) == 1


def test_a_name_that_is_taken_does_not_keep_it_out(fresh, first, tmp_path, monkeypatch):
    bake(fresh, tmp_path, "1.0.0", {0: b"a"})
    (made,) = adopt(fresh.cloud)
    snapshot = images(fresh)[0]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    mapping = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}
    fresh.client().register_image(Name="web/2.0.0/1", RootDeviceName="/dev/xvda", BlockDeviceMappings=[mapping])
    bake(fresh, tmp_path, "2.0.0", {0: b"b"})
    (second,) = adopt(fresh.cloud)
    assert {image["Name"] for image in images(fresh)} == {"web/1.0.0/1", "web/2.0.0/1", "web/2.0.0/1 baked 00000000"}
    assert adopt(fresh.cloud) == []
    assert made != second


def test_what_cannot_be_read_is_left_out(fresh, first, tmp_path, caplog):
    bake(fresh, tmp_path, "1.0.0", {0: b"a"})
    bake(fresh, tmp_path, "1.0.1", {0: b"a"})
    (fresh.cloud.home.images / "web" / "1.0.0" / "1" / "disk.qcow2").write_bytes(b"no disk")
    bake(fresh, tmp_path, "1.0.2", {0: b"a"}, status="FAILED")
    assert len(adopt(fresh.cloud)) == 1
    assert "web/1.0.0/1 did not become an AMI" in caplog.text
    assert [image["Name"] for image in images(fresh)] == ["web/1.0.1/1"]


def test_without_an_account_there_is_nobody_to_own_them(fresh, tmp_path):
    bake(fresh, tmp_path, "1.0.0", {0: b"a"})
    assert adopt(fresh.cloud) == []
