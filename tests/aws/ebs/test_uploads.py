"""Uploads through the EBS direct APIs: whole, incremental, wrong, late, and across a restart."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest
from botocore.exceptions import ClientError

from goldsmith.aws.cloud import Cloud
from goldsmith.aws.ebs import uploads
from goldsmith.aws.ec2.snapshot_records import MOST_PENDING

from ..conftest import serve  # noqa: TID252 - tests are no package
from . import snapshot_tools as tools

BLOCK = tools.BLOCK
ZEROS = bytes(BLOCK)


def refusal(function, **arguments):
    with pytest.raises(ClientError) as refused:
        function(**arguments)
    answer = refused.value.response
    return answer["Error"]["Code"], answer.get("Reason")


def shown(served, snapshot, **client):
    return served.client(**client).describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]


def blocks(number):
    """Return blocks that differ."""
    return [bytes([index % 256, index // 256]) * (BLOCK // 2) for index in range(1, number + 1)]


def start(ebs, size=1, **more):
    return ebs.start_snapshot(VolumeSize=size, **more)["SnapshotId"]


def test_a_disk_that_was_uploaded_in_parallel_comes_back_byte_for_byte(served, make_disk, tmp_path):
    ebs = served.client("ebs")
    disk = make_disk("disk", [*range(130), 700, 2047], seed=1)
    snapshot = tools.upload(ebs, disk)
    found = shown(served, snapshot)
    assert (found["State"], found["Progress"], found["VolumeId"]) == ("completed", "100%", "vol-ffffffff")
    assert found["FullSnapshotSizeInBytes"] == 132 * BLOCK
    tools.download(ebs, snapshot, tmp_path / "back")
    assert tools.same(disk, tmp_path / "back")


def test_an_upload_on_a_parent_inherits_what_is_not_put(served, make_disk, tmp_path):
    ebs = served.client("ebs")
    old = make_disk("old", range(120), seed=1)
    new = make_disk("new", [3, 119, 500], seed=2, base=old)
    first = tools.upload(ebs, old)
    second = tools.upload(ebs, new, parent=first, before=old, linear=False)
    tools.download(ebs, second, tmp_path / "back")
    assert tools.same(new, tmp_path / "back")
    tools.download(ebs, first, tmp_path / "patched")
    assert tools.patch(ebs, first, second, tmp_path / "patched") == [3, 119, 500]
    assert tools.same(new, tmp_path / "patched")


def test_what_start_snapshot_answers(served):
    ebs = served.client("ebs")
    answer = ebs.start_snapshot(VolumeSize=3, Description="mine", Tags=[{"Key": "a", "Value": "b"}], Timeout=10)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (answer["Status"], answer["VolumeSize"], answer["BlockSize"]) == ("pending", 3, BLOCK)
    assert answer["OwnerId"] == served.account_id()
    assert answer["Tags"] == [{"Key": "a", "Value": "b"}]
    found = shown(served, answer["SnapshotId"])
    assert (found["State"], found["Description"], found["Tags"]) == ("pending", "mine", [{"Key": "a", "Value": "b"}])
    assert found["StartTime"].replace(microsecond=0) == answer["StartTime"].replace(microsecond=0)


def test_a_block_that_is_put_twice_is_the_last_one_and_counts_once(served):
    ebs = served.client("ebs")
    snapshot = start(ebs)
    one, two = blocks(2)
    tools.put(ebs, snapshot, 7, one)
    answer = tools.put(ebs, snapshot, 7, two, Progress=40)
    assert (answer["Checksum"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (tools.checksum(two), 201)
    assert shown(served, snapshot)["Progress"] == "40%"
    ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=1)
    (block,) = ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
    assert tools.get(ebs, snapshot, 7, block["BlockToken"]) == two


def test_zeros_that_were_put_are_listed(served):
    ebs = served.client("ebs")
    snapshot = start(ebs)
    tools.put(ebs, snapshot, 1, ZEROS)
    ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=1)
    (block,) = ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
    assert tools.get(ebs, snapshot, block["BlockIndex"], block["BlockToken"]) == ZEROS


def test_completing_again_is_answered_the_same_and_otherwise_refused(served):
    ebs = served.client("ebs")
    snapshot = start(ebs)
    tools.put(ebs, snapshot, 0, blocks(1)[0])
    answers = [ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=1) for _ in range(2)]
    assert [(each["Status"], each["ResponseMetadata"]["HTTPStatusCode"]) for each in answers] == [
        ("completed", 202)
    ] * 2
    wrong = refusal(ebs.complete_snapshot, SnapshotId=snapshot, ChangedBlocksCount=2)
    assert wrong == ("ValidationException", "INVALID_SNAPSHOT_ID")
    assert refusal(tools.put, ebs=ebs, snapshot=snapshot, index=0, block=ZEROS)[1] == "INVALID_SNAPSHOT_ID"


@pytest.mark.parametrize(
    "claim",
    [
        {"ChangedBlocksCount": 2},
        {"ChangedBlocksCount": 1, "Checksum": tools.checksum(b"else"), "ChecksumAlgorithm": "SHA256"},
    ],
)
def test_who_counts_otherwise_gets_no_snapshot(served, claim):
    ebs = served.client("ebs")
    snapshot = start(ebs)
    tools.put(ebs, snapshot, 0, blocks(1)[0])
    wrong = refusal(ebs.complete_snapshot, SnapshotId=snapshot, **claim)
    assert wrong == ("ValidationException", "INVALID_PARAMETER_VALUE")
    found = shown(served, snapshot)
    assert (found["State"], bool(found["StateMessage"])) == ("error", True)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"Checksum": tools.checksum(b"other")}, "INVALID_PARAMETER_VALUE"),
        ({"Checksum": "AAAA"}, "INVALID_PARAMETER_VALUE"),
        ({"ChecksumAlgorithm": "MD5"}, "INVALID_PARAMETER_VALUE"),
        ({"DataLength": 512}, "INVALID_PARAMETER_VALUE"),
        ({"BlockData": b"short"}, "INVALID_PARAMETER_VALUE"),
        ({"BlockIndex": 2048}, "INVALID_BLOCK"),
        ({"Progress": 101}, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_a_put_that_is_wrong_is_refused_and_leaves_nothing(served, wrong, reason):
    ebs = served.client("ebs")
    snapshot = start(ebs)
    arguments = {"ebs": ebs, "snapshot": snapshot, "index": 0, "block": blocks(1)[0]}
    assert refusal(tools.put, **arguments, **wrong) == ("ValidationException", reason)
    assert ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=0)["Status"] == "completed"


@pytest.mark.parametrize(
    ("asked", "code", "reason"),
    [
        ({"VolumeSize": 65537}, "ValidationException", "INVALID_VOLUME_SIZE"),
        ({"VolumeSize": 0}, "ValidationException", "INVALID_PARAMETER_VALUE"),
        ({"VolumeSize": 1, "Timeout": 9}, "ValidationException", "INVALID_PARAMETER_VALUE"),
        ({"VolumeSize": 1, "Encrypted": True}, "ValidationException", "INVALID_CUSTOMER_KEY"),
        ({"VolumeSize": 1, "Tags": [{"Key": "aws:a", "Value": ""}]}, "ValidationException", "INVALID_TAG"),
        (
            {"VolumeSize": 1, "ParentSnapshotId": "snap-0123456789abcdef0"},
            "ResourceNotFoundException",
            "SNAPSHOT_NOT_FOUND",
        ),
    ],
)
def test_what_cannot_be_started(served, asked, code, reason):
    assert refusal(served.client("ebs").start_snapshot, **asked) == (code, reason)


def test_a_token_starts_one_snapshot(served):
    ebs = served.client("ebs")
    first, second = (start(ebs, ClientToken="once") for _ in range(2))
    assert first == second
    assert refusal(ebs.start_snapshot, VolumeSize=2, ClientToken="once") == ("ConflictException", None)


def test_there_is_a_limit_of_pending_snapshots(fresh):
    ebs = fresh.client("ebs")
    for _ in range(MOST_PENDING):
        start(ebs)
    assert refusal(ebs.start_snapshot, VolumeSize=1)[0] == "ConcurrentLimitExceededException"
    assert start(fresh.client("ebs", account="other"))


def test_another_account_cannot_touch_an_upload(served):
    ebs, other = served.client("ebs"), served.client("ebs", account="other")
    snapshot = start(ebs)
    missing = ("ResourceNotFoundException", "SNAPSHOT_NOT_FOUND")
    assert refusal(tools.put, ebs=other, snapshot=snapshot, index=0, block=ZEROS) == missing
    assert refusal(other.complete_snapshot, SnapshotId=snapshot, ChangedBlocksCount=0) == missing
    assert refusal(other.start_snapshot, VolumeSize=1, ParentSnapshotId=snapshot) == missing


def test_an_upload_without_activity_times_out(served):
    ebs = served.client("ebs")
    late, busy = start(ebs, Timeout=10), start(ebs, Timeout=10)
    try:
        served.ahead += 9 * 60
        tools.put(ebs, busy, 0, blocks(1)[0])
        served.ahead += 2 * 60
        uploads.expire(served.cloud)
        assert (shown(served, late)["State"], shown(served, busy)["State"]) == ("error", "pending")
        assert refusal(tools.put, ebs=ebs, snapshot=late, index=0, block=ZEROS)[1] == "WRITE_REQUEST_TIMEOUT"
    finally:
        served.ahead = 0


def test_blocks_survive_a_restart_and_a_collection_between_put_and_complete(tmp_path):
    home = tmp_path / "home"
    before = serve(home)
    world = next(before)
    ebs = world.client("ebs")
    snapshot = start(ebs)
    one, two = blocks(2)
    tools.put(ebs, snapshot, 0, one)
    keys = world.keys
    before.close()
    after = serve(home)
    world = next(after)
    world.keys = keys
    ebs = world.client("ebs")
    tools.put(ebs, snapshot, 5, two)
    ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=2)
    found = ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
    data = [tools.get(ebs, snapshot, each["BlockIndex"], each["BlockToken"]) for each in found]
    assert data == [one, two]
    after.close()


def test_many_uploads_at_once_keep_their_blocks_apart(served):
    ebs = served.client("ebs")
    contents = blocks(40)
    snapshots = [start(ebs) for _ in range(4)]
    with ThreadPoolExecutor(tools.PARALLEL) as pool:
        puts = [
            pool.submit(tools.put, ebs, snapshot, index, contents[index + number])
            for number, snapshot in enumerate(snapshots)
            for index in range(30)
        ]
        for put in puts:
            put.result()
        list(pool.map(lambda each: ebs.complete_snapshot(SnapshotId=each, ChangedBlocksCount=30), snapshots))
    for number, snapshot in enumerate(snapshots):
        found = ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
        assert [each["BlockIndex"] for each in found] == list(range(30))
        assert tools.get(ebs, snapshot, 29, found[29]["BlockToken"]) == contents[29 + number]


def test_a_put_that_races_with_the_completion_is_in_it_or_refused(served):
    ebs = served.client("ebs")
    (block,) = blocks(1)
    for _ in range(5):
        snapshot = start(ebs)
        told = []
        gate = threading.Barrier(2)

        def late(snapshot=snapshot, gate=gate, told=told):
            gate.wait()
            try:
                tools.put(ebs, snapshot, 0, block)
                told.append("put")
            except ClientError:
                told.append("refused")

        thread = threading.Thread(target=late)
        thread.start()
        gate.wait()
        try:
            ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=0)
            completed = True
        except ClientError:
            completed = False
        thread.join()
        assert (told == ["refused"]) == completed


def test_a_cloud_without_its_server_finishes_what_was_sealed(fresh):
    ebs = fresh.client("ebs")
    snapshot = start(ebs)
    tools.put(ebs, snapshot, 0, blocks(1)[0])
    with fresh.cloud.catalog(fresh.account_id(), "us-east-1") as catalog:
        record = catalog.own("snapshot", snapshot)
        catalog.save(record.knowing(sealed=[1, ""]))
    restarted = Cloud.open(fresh.cloud.home)
    uploads.finish(restarted, record)
    restarted.close()
    assert shown(fresh, snapshot)["State"] == "completed"
    assert len(list(chain(ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]))) == 1
