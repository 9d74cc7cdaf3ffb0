"""What passes is waited for; what does not is said at once, with what is missing."""

from __future__ import annotations

import pytest

from goldsmith.blocks.block_map import BLOCK
from goldsmith.publish.aws import patience
from goldsmith.publish.aws.clients import AwsPublishError, Clients, explained
from goldsmith.publish.aws.wanted import AwsWanted, RegionWanted, WantedError
from tests.publish.aws.wire import REGION, FileSource, client, disk, publish, read_back, written


@pytest.fixture
def pauses(monkeypatch):
    """The pauses between two tries, taken at once."""
    taken = []
    monkeypatch.setattr(patience.time, "sleep", taken.append)
    return taken


def test_a_snapshot_that_not_all_of_ebs_knows_yet_is_asked_for_again(few, wire, tmp_path, pauses):
    wire.refuse(
        "PutSnapshotBlock",
        "ResourceNotFoundException",
        "no snapshot",
        status=404,
        reason="SNAPSHOT_NOT_FOUND",
        times=40,
    )
    made = publish(FileSource(few), wire, tmp_path / "home")
    assert len(pauses) == 40
    assert read_back(wire, made.snapshot) == written(few)


@pytest.mark.parametrize("code", ["RequestThrottledException", "InternalServerException", "503"])
def test_throttling_that_outlasts_botocore_is_waited_out(few, wire, tmp_path, pauses, monkeypatch, code):
    monkeypatch.setattr("goldsmith.publish.aws.clients.ATTEMPTS", 1)
    status = 400 if code.startswith("Request") else 500
    wire.refuse("PutSnapshotBlock", code, "slower", status=status, reason="RESOURCE_LEVEL_THROTTLE", times=30)
    made = publish(FileSource(few), wire, tmp_path / "home")
    assert len(pauses) == 30
    assert made.sent == 3 * BLOCK


def test_an_old_snapshot_that_is_unknown_is_gone_and_the_next_run_begins_anew(few, wire, tmp_path):
    wire.refuse("CompleteSnapshot", "ValidationException", times=1)
    with pytest.raises(AwsPublishError):
        publish(FileSource(few), wire, tmp_path / "home")
    wire.refuse("CompleteSnapshot", "ResourceNotFoundException", status=404, reason="SNAPSHOT_NOT_FOUND", times=1)
    with pytest.raises(AwsPublishError, match="The snapshot is gone") as told:
        publish(FileSource(few), wire, tmp_path / "home")
    assert "begins a new one" in told.value.mend


def test_a_snapshot_whose_answer_was_lost_is_asked_for_by_the_same_token(few, wire, tmp_path):
    wire.refuse("StartSnapshot", "ValidationException", times=1)
    with pytest.raises(AwsPublishError):
        publish(FileSource(few), wire, tmp_path / "home")
    wire.refuse("StartSnapshot", "ConflictException", status=409, times=1)
    publish(FileSource(few), wire, tmp_path / "home")
    first, again, anew = wire.tokens
    assert (first == again, again == anew) == (True, False)


@pytest.mark.parametrize(
    ("operation", "code", "reason", "told", "mend"),
    [
        ("StartSnapshot", "ConcurrentLimitExceededException", "", "AWS refused StartSnapshot", "Too many snapshots"),
        (
            "StartSnapshot",
            "ServiceQuotaExceededException",
            "DEPENDENCY_SERVICE_QUOTA_EXCEEDED",
            "AWS refused StartSnapshot",
            "Service Quotas",
        ),
        ("StartSnapshot", "AccessDeniedException", "DEPENDENCY_ACCESS_DENIED", "use the KMS key", "kms: permissions"),
        ("DescribeSecurityGroups", "AuthFailure", "", "does not take these credentials", "log in again"),
        ("DescribeSecurityGroups", "UnauthorizedOperation", "", "call DescribeSecurityGroups", "ec2:DescribeSecurity"),
        ("RegisterImage", "InvalidParameterValue", "", "AWS refused RegisterImage: no", "Run it again"),
    ],
)
def test_what_aws_refuses_is_a_sentence(few, wire, tmp_path, operation, code, reason, told, mend):
    wire.refuse(operation, code, reason=reason)
    with pytest.raises(AwsPublishError, match=told) as said:
        publish(FileSource(few), wire, tmp_path / "home")
    assert mend in said.value.mend
    assert wire.asked[operation] == 1


def test_a_profile_that_is_not_there_is_told():
    with pytest.raises(AwsPublishError, match="There are no AWS credentials"), explained():
        Clients(profile="nobody").ec2(REGION)


@pytest.mark.parametrize(
    "region",
    [
        RegionWanted(REGION, "a:b:c"),
        RegionWanted(REGION, "ab"),
        RegionWanted(REGION, "größe"),
        RegionWanted(REGION, "small", tags={"AWS:x": "y"}),
        RegionWanted(REGION, "small", tags={"x" * 128: "y"}),
        RegionWanted(REGION, "small", tags={"x": "y" * 256}),
        RegionWanted(REGION, "small", tags={str(number): "" for number in range(49)}),
    ],
)
def test_names_and_tags_that_aws_refuses_are_not_sent(region):
    with pytest.raises(WantedError):
        AwsWanted((region,))


def test_a_description_is_sent_in_ascii_and_a_disk_of_less_than_a_gib_as_one(wire, tmp_path):
    few = disk(tmp_path / "tiny.raw", [0], size=1 << 20)
    made = publish(FileSource(few), wire, tmp_path / "home", RegionWanted(REGION, "small", "Größe S"))
    (image,) = client(wire, "ec2").describe_images(ImageIds=[made.images[REGION]])["Images"]
    assert image["Description"] == "Gr??e S"
    (snapshot,) = client(wire, "ec2").describe_snapshots(SnapshotIds=[made.snapshot])["Snapshots"]
    assert snapshot["VolumeSize"] == 1
