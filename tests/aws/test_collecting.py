"""Collection: what is needed stays, whoever needs it, also while others write; what nobody needs goes."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from goldsmith.aws.collecting import collect, keep_tidy, needs
from goldsmith.blocks.store import BlockMissingError
from goldsmith.errors import GoldsmithError

EAST = "us-east-1"
BLOCK = 524288


@pytest.fixture
def upload(fresh, upload_blocks):
    def make(account="acme", **contents):
        return upload_blocks(fresh.client("ebs", account=account), contents)

    return make


@pytest.fixture(scope="session")
def upload_blocks():
    from .ebs.snapshot_tools import put

    def upload(ebs, contents, *, parent=None):
        more = {"ParentSnapshotId": parent} if parent else {}
        snapshot = ebs.start_snapshot(VolumeSize=1, **more)["SnapshotId"]
        for place, letter in contents.items():
            put(ebs, snapshot, int(place[1:]), letter * BLOCK)
        ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=len(contents))
        return snapshot

    return upload


def here(fresh):
    store = fresh.cloud.blocks(EAST)
    return len(store.maps()), len(store.blocks())


def record(fresh, snapshot):
    with fresh.cloud.catalog(fresh.account_id(), EAST, writes=False) as catalog:
        return catalog.own("snapshot", snapshot)


def test_a_deleted_snapshots_own_blocks_go_and_shared_ones_stay(fresh, upload):
    kept = upload(b0=b"a", b1=b"b")
    gone = upload(b0=b"a", b1=b"c")
    assert here(fresh) == (2, 3)
    fresh.client().delete_snapshot(SnapshotId=gone)
    collected = collect(fresh.cloud, grace=-1)
    assert (collected[EAST].maps, collected[EAST].blocks) == (1, 1)
    assert here(fresh) == (1, 2)
    store = fresh.cloud.blocks(EAST)
    assert store.get(store.load_map(record(fresh, kept).inner["map"]).get(1)) == b"b" * BLOCK
    assert collect(fresh.cloud, grace=-1)[EAST].blocks == 0


def test_what_is_in_the_recycle_bin_stays(fresh, upload):
    retention = {"RetentionPeriodValue": 7, "RetentionPeriodUnit": "DAYS"}
    fresh.client("rbin").create_rule(ResourceType="EBS_SNAPSHOT", RetentionPeriod=retention)
    snapshot = upload(b0=b"a")
    fresh.client().delete_snapshot(SnapshotId=snapshot)
    collect(fresh.cloud, grace=-1)
    fresh.client().restore_snapshot_from_recycle_bin(SnapshotId=snapshot)
    store = fresh.cloud.blocks(EAST)
    assert store.get(store.load_map(record(fresh, snapshot).inner["map"]).get(0)) == b"a" * BLOCK


def test_what_is_young_stays(fresh, upload):
    fresh.client().delete_snapshot(SnapshotId=upload(b0=b"a"))
    keep_tidy(fresh.cloud)
    assert here(fresh) == (1, 1)


def test_an_uploads_blocks_stay_between_put_and_complete(fresh, upload):
    from .ebs.snapshot_tools import put

    ebs = fresh.client("ebs")
    parent = upload(b7=b"p")
    snapshot = ebs.start_snapshot(VolumeSize=1, ParentSnapshotId=parent)["SnapshotId"]
    put(ebs, snapshot, 0, b"x" * BLOCK)
    fresh.client().delete_snapshot(SnapshotId=parent)
    collect(fresh.cloud, grace=-1)
    ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=1)
    collect(fresh.cloud, grace=-1)
    store = fresh.cloud.blocks(EAST)
    block_map = store.load_map(record(fresh, snapshot).inner["map"])
    assert [store.get(digest)[:1] for _, digest in block_map.items()] == [b"x", b"p"]
    assert here(fresh) == (1, 2)


def test_an_upload_that_is_given_up_needs_nothing(fresh):
    from .ebs.snapshot_tools import put

    ebs = fresh.client("ebs")
    snapshot = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    put(ebs, snapshot, 0, b"x" * BLOCK)
    fresh.client().delete_snapshot(SnapshotId=snapshot)
    collect(fresh.cloud, grace=-1)
    assert here(fresh) == (0, 0)


def test_what_a_copy_reads_stays_though_its_source_is_deleted(fresh, upload, monkeypatch):
    source = upload(b0=b"a")
    held = []
    with monkeypatch.context() as patched:
        patched.setattr(fresh.cloud, "submit", lambda job: job())
        patched.setattr(fresh.cloud, "queue", held.append)
        west = fresh.client(region="us-west-2")
        copy = west.copy_snapshot(SourceRegion=EAST, SourceSnapshotId=source)["SnapshotId"]
    fresh.client().delete_snapshot(SnapshotId=source)
    collect(fresh.cloud, grace=-1)
    held[0]()
    (found,) = west.describe_snapshots(SnapshotIds=[copy])["Snapshots"]
    assert found["State"] == "completed"
    collect(fresh.cloud, grace=-1)
    assert here(fresh) == (0, 0)


def test_what_an_export_reads_stays(fresh, upload, monkeypatch):
    from goldsmith.catalog.resources import Resource

    name = record(fresh, upload(b0=b"a")).inner["map"]
    fresh.client().delete_snapshot(
        SnapshotId=fresh.client().describe_snapshots(OwnerIds=["self"])["Snapshots"][0]["SnapshotId"]
    )
    with fresh.cloud.catalog(fresh.account_id(), EAST) as catalog:
        catalog.add(
            Resource(
                "export-ami-1", "export-image-task", fresh.account_id(), EAST, "", "active", 1.0, {}, {"map": name}
            )
        )
    collect(fresh.cloud, grace=-1)
    assert here(fresh) == (1, 1)


def test_a_volumes_base_stays(fresh, upload):
    from goldsmith.machines.instances.volumes import Volumes

    snapshot = upload(b0=b"a")
    store = fresh.cloud.blocks(EAST)
    base = store.load_map(record(fresh, snapshot).inner["map"])
    home = fresh.cloud.home
    volumes = Volumes(home.volumes, home.instances)
    volumes.create("vol-0123456789abcdef0", 1 << 30, store.url, base)
    fresh.client().delete_snapshot(SnapshotId=snapshot)
    collect(fresh.cloud, grace=-1)
    assert here(fresh) == (0, 1)
    volumes.delete("vol-0123456789abcdef0")
    collect(fresh.cloud, grace=-1)
    assert here(fresh) == (0, 0)


def test_regions_with_one_store_are_collected_together(fresh, upload):
    (fresh.cloud.home.path / "cloud.yml").write_text(
        f"regions:\n  us-east-1: {{}}\n  us-west-2: {{blocks: '{fresh.cloud.blocks(EAST).url}'}}\n"
    )
    from goldsmith.aws.cloud import Cloud

    upload(b0=b"a")
    cloud = Cloud.open(fresh.cloud.home)
    assert [found.regions for found in needs(cloud)] == [[EAST, "us-west-2"]]
    collect(cloud, grace=-1)
    cloud.close()
    assert here(fresh) == (1, 1)


def test_a_live_map_that_is_missing_stops_the_collection(fresh, upload):
    keeps = upload(b0=b"a")
    upload(b1=b"b")
    (fresh.cloud.home.blocks / EAST / "maps" / record(fresh, keeps).inner["map"]).unlink()
    with pytest.raises(BlockMissingError):
        collect(fresh.cloud, grace=-1)
    assert here(fresh)[1] == 2


GRACE = 6.0
"""Seconds: longer than reading the records takes here, shorter than the test."""


class Collecting(threading.Thread):
    """Collects again and again until the block ends."""

    def __init__(self, cloud):
        super().__init__()
        self.cloud, self.ended = cloud, threading.Event()
        self.removed, self.failure = 0, None

    def run(self):
        try:
            while not self.ended.is_set():
                self.removed += collect(self.cloud, grace=GRACE)[EAST].blocks
        except GoldsmithError as failure:
            self.failure = failure

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def test_uploads_and_deletions_go_on_while_it_collects(fresh, upload_blocks):
    ebs, ec2 = fresh.client("ebs"), fresh.client()
    end = time.monotonic() + 3 * GRACE

    def work(number):
        """Upload one on the other, all with one block in common, and delete all but the last."""
        last, turn = None, 0
        while time.monotonic() < end:
            turn += 1
            contents = {"b0": b"s", "b1": bytes([65 + number]), "b9": bytes([turn % 200 + 1])}
            snapshot = upload_blocks(ebs, contents, parent=last)
            if last:
                ec2.delete_snapshot(SnapshotId=last)
            last = snapshot
        return last

    with Collecting(fresh.cloud) as one, Collecting(fresh.cloud) as two, ThreadPoolExecutor(3) as pool:
        left = list(pool.map(work, range(3)))
    assert (one.failure, two.failure) == (None, None)
    assert one.removed + two.removed > 0
    store = fresh.cloud.blocks(EAST)
    for snapshot in left:
        found = record(fresh, snapshot)
        assert found.state == "completed", found.document
        assert len([store.get(digest) for _, digest in store.load_map(found.inner["map"]).items()]) == 3
