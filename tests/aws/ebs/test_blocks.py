"""Listing and reading blocks: pages, tokens, who may, and what is said otherwise."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from . import snapshot_tools as tools

BLOCK = tools.BLOCK
ANY = "snap-0123456789abcdef0"


def refusal(function, **arguments):
    with pytest.raises(ClientError) as refused:
        function(**arguments)
    answer = refused.value.response
    return answer["Error"]["Code"], answer.get("Reason")


@pytest.fixture(scope="module")
def snapshots(served):
    """Two snapshots: the second has one block other, one more and one less, and is not the first's child."""
    ebs = served.client("ebs")
    made = []
    for contents in (
        {**dict.fromkeys(range(250), b"a"), 900: b"b"},
        {**dict.fromkeys(range(249), b"a"), 7: b"c", 901: b"d"},
    ):
        snapshot = ebs.start_snapshot(VolumeSize=len(made) + 1)["SnapshotId"]
        for index, letter in contents.items():
            tools.put(ebs, snapshot, index, letter * BLOCK)
        ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=len(contents))
        made.append(snapshot)
    return made


def test_a_listing_comes_in_pages(served, snapshots):
    ebs = served.client("ebs")
    first = ebs.list_snapshot_blocks(SnapshotId=snapshots[0], MaxResults=100)
    assert (first["VolumeSize"], first["BlockSize"], len(first["Blocks"])) == (1, BLOCK, 100)
    every = tools.listed(ebs.list_snapshot_blocks, "Blocks", SnapshotId=snapshots[0], MaxResults=100)
    assert [each["BlockIndex"] for each in every] == [*range(250), 900]
    assert all(len(each["BlockToken"]) <= 256 for each in every)


def test_a_listing_begins_where_it_is_asked_to_and_a_token_goes_first(served, snapshots):
    ebs = served.client("ebs")
    found = ebs.list_snapshot_blocks(SnapshotId=snapshots[0], StartingBlockIndex=249)["Blocks"]
    assert [each["BlockIndex"] for each in found] == [249, 900]
    token = ebs.list_snapshot_blocks(SnapshotId=snapshots[0], MaxResults=100)["NextToken"]
    found = ebs.list_snapshot_blocks(SnapshotId=snapshots[0], NextToken=token, StartingBlockIndex=249)["Blocks"]
    assert found[0]["BlockIndex"] == 100


def test_what_changed_between_two_snapshots(served, snapshots):
    ebs = served.client("ebs")
    answer = ebs.list_changed_blocks(FirstSnapshotId=snapshots[0], SecondSnapshotId=snapshots[1])
    told = {each["BlockIndex"]: sorted(set(each) - {"BlockIndex"}) for each in answer["ChangedBlocks"]}
    both = ["FirstBlockToken", "SecondBlockToken"]
    assert told == {7: both, 249: both[:1], 900: both[:1], 901: both[1:]}
    assert answer["VolumeSize"] == 2
    tokens = answer["ChangedBlocks"][0]
    assert tools.get(ebs, snapshots[0], 7, tokens["FirstBlockToken"]) == b"a" * BLOCK
    assert tools.get(ebs, snapshots[1], 7, tokens["SecondBlockToken"]) == b"c" * BLOCK


def test_without_a_first_snapshot_all_is_changed(served, snapshots):
    found = tools.listed(
        served.client("ebs").list_changed_blocks, "ChangedBlocks", SecondSnapshotId=snapshots[1], MaxResults=100
    )
    assert [each["BlockIndex"] for each in found] == [*range(249), 901]


def test_tokens_fit_only_what_they_were_given_for(served, snapshots):
    ebs = served.client("ebs")
    one, two = snapshots
    listed = ebs.list_snapshot_blocks(SnapshotId=one, MaxResults=100)
    token, page = listed["Blocks"][7]["BlockToken"], listed["NextToken"]
    for wrong in ({"SnapshotId": one, "BlockIndex": 8}, {"SnapshotId": two, "BlockIndex": 7}):
        assert refusal(ebs.get_snapshot_block, BlockToken=token, **wrong)[1] == "INVALID_BLOCK_TOKEN"
    assert refusal(ebs.get_snapshot_block, SnapshotId=one, BlockIndex=7, BlockToken="AAAA")[1] == "INVALID_BLOCK_TOKEN"
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=two, NextToken=page)[1] == "INVALID_PAGE_TOKEN"
    assert refusal(ebs.list_changed_blocks, SecondSnapshotId=one, NextToken=page)[1] == "INVALID_PAGE_TOKEN"


def test_tokens_expire(served, snapshots):
    ebs = served.client("ebs")
    listed = ebs.list_snapshot_blocks(SnapshotId=snapshots[0], MaxResults=100)
    token, page = listed["Blocks"][0]["BlockToken"], listed["NextToken"]
    told = listed["ExpiryTime"].timestamp()
    served.client("ec2", role="reader")
    from goldsmith.aws.ebs.tokens import read_block_token, read_page_token
    from goldsmith.aws.errors import AwsError

    vault = served.cloud.vault
    read_block_token(vault, snapshots[0], 0, token, told - 1)
    with pytest.raises(AwsError):
        read_block_token(vault, snapshots[0], 0, token, told + 1)
    question = f"of {snapshots[0]} for {served.account_id()}"
    assert read_page_token(vault, question, page, served.cloud.clock()) == 100
    with pytest.raises(AwsError):
        read_page_token(vault, question, page, served.cloud.clock() + 3601)


def test_who_a_snapshot_is_shared_with_reads_it_and_nobody_else(served, snapshots):
    ec2, other = served.client(), served.client("ebs", account="other")
    missing = ("ResourceNotFoundException", "SNAPSHOT_NOT_FOUND")
    assert refusal(other.list_snapshot_blocks, SnapshotId=snapshots[0]) == missing
    assert refusal(other.list_snapshot_blocks, SnapshotId=ANY) == missing
    ec2.modify_snapshot_attribute(SnapshotId=snapshots[0], OperationType="add", GroupNames=["all"])
    denied = ("AccessDeniedException", "UNAUTHORIZED_ACCOUNT")
    assert refusal(other.list_snapshot_blocks, SnapshotId=snapshots[0]) == denied
    ec2.modify_snapshot_attribute(SnapshotId=snapshots[0], OperationType="add", UserIds=[served.account_id("other")])
    block = other.list_snapshot_blocks(SnapshotId=snapshots[0])["Blocks"][0]
    assert tools.get(other, snapshots[0], 0, block["BlockToken"]) == b"a" * BLOCK
    ec2.reset_snapshot_attribute(SnapshotId=snapshots[0], Attribute="createVolumePermission")
    again = {"SnapshotId": snapshots[0], "BlockIndex": 0, "BlockToken": block["BlockToken"]}
    assert refusal(other.get_snapshot_block, **again) == missing


def test_only_completed_snapshots_are_read(served):
    ebs = served.client("ebs")
    pending = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=pending) == ("ValidationException", "INVALID_SNAPSHOT_ID")


@pytest.mark.parametrize("wrong", [{"MaxResults": 99}, {"MaxResults": 10001}, {"StartingBlockIndex": -1}])
def test_a_listing_has_its_limits(served, snapshots, wrong):
    found = refusal(served.client("ebs").list_snapshot_blocks, SnapshotId=snapshots[0], **wrong)
    assert found == ("ValidationException", "INVALID_PARAMETER_VALUE")


def test_a_damaged_block_is_no_data(fresh):
    ebs = fresh.client("ebs")
    snapshot = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    tools.put(ebs, snapshot, 0, b"a" * BLOCK)
    ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=1)
    (block,) = ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
    (file,) = (path for path in (fresh.cloud.home.blocks / "us-east-1" / "blocks").rglob("*") if path.is_file())
    file.write_bytes(file.read_bytes()[:-1])
    asked = {"SnapshotId": snapshot, "BlockIndex": 0, "BlockToken": block["BlockToken"]}
    assert refusal(ebs.get_snapshot_block, **asked)[0] == "InternalServerException"
