"""Publishing to AWS against EBS direct and EC2 as they are here: checksums are verified, and an AMI is its snapshot."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from goldsmith.aws.wire.times import iso
from goldsmith.blocks.block_map import BLOCK
from goldsmith.pipelines.progress import Stages
from goldsmith.publish.aws.clients import Clients
from goldsmith.publish.aws.publishing import publish_to_aws
from goldsmith.publish.aws.wanted import AwsWanted, RegionWanted
from goldsmith.publish.source import Facts, FileBlocks

REGION, OTHER = "us-east-1", "eu-west-1"
WHEN = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)


class FileSource:
    """A disk that is a file."""

    def __init__(self, raw, build=1):
        self._raw = raw
        self.facts = Facts(reference=f"small/1.0.0/{build}", name="small", created="2026-01-01T00:00:00+00:00")

    @contextmanager
    def blocks(self, progress=None):
        with FileBlocks.opened(self._raw, progress) as blocks:
            yield blocks


@pytest.fixture
def clients(fresh, monkeypatch):
    key = fresh.credential("acme", "admin")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key.secret)
    return Clients(endpoint=fresh.url)


def map_of(served, image):
    snapshot = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    with served.cloud.catalog(image["OwnerId"], REGION, writes=False) as catalog:
        return snapshot, dict(
            served.cloud.blocks(REGION).load_map(catalog.own("snapshot", snapshot).inner["map"]).items()
        )


def test_published_twice_and_changed_it_is_the_disk_each_time(fresh, clients, tmp_path):
    raw = tmp_path / "disk.raw"
    with raw.open("wb") as file:
        file.truncate(1 << 30)
        for index in range(9):
            file.seek(index * 7 * BLOCK)
            file.write(os.urandom(BLOCK))

    def run(build):
        regions = tuple(RegionWanted(name, f"small {build}", tags={"team": "x"}) for name in (REGION, OTHER))
        wanted = AwsWanted(regions, boot_mode="uefi", tpm=True, deprecated_at=WHEN)
        return publish_to_aws(FileSource(raw, build), wanted, clients, tmp_path / "home", Stages(lambda _: None))

    first = run(1)
    (image,) = fresh.client().describe_images(ImageIds=[first.images[REGION]])["Images"]
    with FileBlocks.opened(raw) as blocks:
        assert map_of(fresh, image) == (first.snapshot, dict(blocks.map.items()))
    assert (image["BootMode"], image["TpmSupport"], image["ImdsSupport"]) == ("uefi", "v2.0", "v2.0")
    assert image["DeprecationTime"] == iso(WHEN.timestamp())
    (copied,) = fresh.client(region=OTHER).describe_images(ImageIds=[first.images[OTHER]])["Images"]
    assert (copied["State"], copied["DeprecationTime"]) == ("available", image["DeprecationTime"])
    again = run(1)
    assert again.unchanged, again.steps
    with raw.open("r+b") as file:
        file.write(os.urandom(BLOCK))
        file.seek(7 * BLOCK)
        file.write(bytes(BLOCK))
    second = run(2)
    assert (second.sent, second.least) == (2 * BLOCK, 2 * BLOCK)
    (image,) = fresh.client().describe_images(ImageIds=[second.images[REGION]])["Images"]
    found = {index: fresh.cloud.blocks(REGION).get(digest) for index, digest in map_of(fresh, image)[1].items()}
    with FileBlocks.opened(raw) as blocks:
        assert {i: bytes(b) for i, b in found.items() if bytes(b) != bytes(BLOCK)} == {
            index: blocks.read(index) for index, _ in blocks.map.items()
        }
