"""Snapshots: listed, shared, deleted, locked, archived."""

from __future__ import annotations

import datetime as dt
from itertools import chain

import pytest
from botocore.exceptions import ClientError

ANY = "snap-0123456789abcdef0"


def code(function, **arguments):
    with pytest.raises(ClientError) as refused:
        function(**arguments)
    return refused.value.response["Error"]["Code"]


def make(served, account="acme", *, size=1, **more):
    """Upload a blank snapshot."""
    ebs = served.client("ebs", account=account)
    snapshot = ebs.start_snapshot(VolumeSize=size, **more)["SnapshotId"]
    ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=0)
    return snapshot


def change_lock(served, snapshot, **facts):
    """Let time pass for a lock; moving the clock would end the signatures too."""
    with served.cloud.catalog(served.account_id(), "us-east-1") as catalog:
        record = catalog.own("snapshot", snapshot)
        catalog.save(record.knowing(lock={**record.inner["lock"], **facts}))


def ids(answer):
    return [each["SnapshotId"] for each in answer["Snapshots"]]


def image_of(served, snapshot, name):
    return served.client().register_image(
        Name=name,
        RootDeviceName="/dev/xvda",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}],
    )["ImageId"]


def test_a_snapshot_is_described(served):
    snapshot = make(served, size=3, Description="hello", Tags=[{"Key": "k", "Value": "v"}])
    (found,) = served.client().describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    assert {
        key: found[key] for key in ("State", "VolumeSize", "Description", "Encrypted", "StorageTier", "OwnerId")
    } == {
        "State": "completed",
        "VolumeSize": 3,
        "Description": "hello",
        "Encrypted": False,
        "StorageTier": "standard",
        "OwnerId": served.account_id(),
    }
    assert found["Tags"] == [{"Key": "k", "Value": "v"}]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("description", "filter*"),
        ("encrypted", "false"),
        ("progress", "100%"),
        ("snapshot-id", "{id}"),
        ("status", "completed"),
        ("storage-tier", "standard"),
        ("tag:color", "blue"),
        ("tag-key", "color"),
        ("volume-id", "vol-ffffffff"),
        ("volume-size", "17"),
        ("owner-id", "{owner}"),
        ("start-time", "20*"),
    ],
)
def test_filters(served, name, value):
    client = served.client(account="filters")
    there = ids(client.describe_snapshots(OwnerIds=["self"]))
    snapshot = (
        there[0]
        if there
        else make(served, "filters", size=17, Description="filter me", Tags=[{"Key": "color", "Value": "blue"}])
    )
    value = value.format(id=snapshot, owner=served.account_id("filters"))
    assert ids(client.describe_snapshots(OwnerIds=["self"], Filters=[{"Name": name, "Values": [value]}])) == [snapshot]
    assert ids(client.describe_snapshots(OwnerIds=["self"], Filters=[{"Name": name, "Values": ["no"]}])) == []


def test_wrong_ids_and_filters(served):
    client = served.client()
    assert code(client.describe_snapshots, SnapshotIds=[ANY]) == "InvalidSnapshot.NotFound"
    assert code(client.describe_snapshots, SnapshotIds=["snap-xyz"]) == "InvalidSnapshotID.Malformed"
    assert code(client.describe_snapshots, Filters=[{"Name": "nope", "Values": ["x"]}]) == "InvalidParameterValue"
    assert code(client.delete_snapshot, SnapshotId=ANY) == "InvalidSnapshot.NotFound"


def test_pages(served):
    made = [make(served, "pages") for _ in range(7)]
    client = served.client(account="pages")
    pages = client.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], PaginationConfig={"PageSize": 5})
    found = [ids(page) for page in pages]
    assert [len(page) for page in found] == [5, 2]
    assert sorted(chain(*found)) == sorted(made)


def test_who_may_restore(served):
    owner, other, third = (served.client(account=name) for name in ("giver", "taker", "third"))
    private, shared, public = (make(served, "giver") for _ in range(3))
    owner.modify_snapshot_attribute(
        SnapshotId=shared, CreateVolumePermission={"Add": [{"UserId": served.account_id("taker")}]}
    )
    owner.modify_snapshot_attribute(
        SnapshotId=public, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"]
    )
    mine = {"OwnerIds": [served.account_id("giver")]}
    assert set(ids(owner.describe_snapshots(**mine))) == {private, shared, public}
    assert set(ids(other.describe_snapshots(**mine))) == {shared, public}
    assert ids(third.describe_snapshots(**mine)) == [public]
    assert ids(other.describe_snapshots(RestorableByUserIds=["self"])) == [shared]
    assert public in ids(third.describe_snapshots(RestorableByUserIds=["all"]))
    asked = {"RestorableByUserIds": [served.account_id("taker")]}
    assert ids(owner.describe_snapshots(**asked)) == [shared]
    assert ids(third.describe_snapshots(**asked)) == []
    found = owner.describe_snapshot_attribute(SnapshotId=shared, Attribute="createVolumePermission")
    assert found["CreateVolumePermissions"] == [{"UserId": served.account_id("taker")}]
    owner.reset_snapshot_attribute(SnapshotId=shared, Attribute="createVolumePermission")
    assert code(other.describe_snapshots, SnapshotIds=[shared]) == "InvalidSnapshot.NotFound"
    owner.modify_snapshot_attribute(SnapshotId=public, CreateVolumePermission={"Remove": [{"Group": "all"}]})
    assert ids(third.describe_snapshots(**mine)) == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "MissingParameter"),
        ({"UserIds": ["123456789012"]}, "MissingParameter"),
        ({"OperationType": "add", "UserIds": ["12"]}, "InvalidUserID.Malformed"),
        ({"OperationType": "add", "GroupNames": ["some"]}, "InvalidParameterValue"),
        ({"Attribute": "productCodes", "OperationType": "add", "UserIds": ["123456789012"]}, "InvalidParameterValue"),
    ],
)
def test_permissions_that_cannot_be(served, asked, expected):
    assert code(served.client().modify_snapshot_attribute, SnapshotId=make(served), **asked) == expected


def test_others_cannot_share_or_delete_what_they_were_given(served):
    snapshot = make(served)
    served.client().modify_snapshot_attribute(
        SnapshotId=snapshot, OperationType="add", UserIds=[served.account_id("other")]
    )
    other = served.client(account="other")
    assert code(other.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.NotFound"
    asked = {"SnapshotId": snapshot, "OperationType": "add", "GroupNames": ["all"]}
    assert code(other.modify_snapshot_attribute, **asked) == "InvalidSnapshot.NotFound"


def test_a_snapshot_that_an_image_uses_stays(served):
    client = served.client()
    snapshot = make(served)
    image = image_of(served, snapshot, "keeps its snapshot")
    assert code(client.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.InUse"
    client.deregister_image(ImageId=image)
    client.delete_snapshot(SnapshotId=snapshot)
    assert code(client.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.NotFound"


def test_a_pending_upload_can_be_deleted(served):
    ebs = served.client("ebs")
    snapshot = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    served.client().delete_snapshot(SnapshotId=snapshot)
    assert code(ebs.complete_snapshot, SnapshotId=snapshot, ChangedBlocksCount=0) == "ResourceNotFoundException"


class TestLocks:
    def test_a_governance_lock_keeps_a_snapshot_until_it_is_taken_away(self, served):
        client = served.client()
        snapshot = make(served)
        answer = client.lock_snapshot(SnapshotId=snapshot, LockMode="governance", LockDuration=2)
        assert (answer["LockState"], answer["LockDuration"]) == ("governance", 2)
        assert answer["LockExpiresOn"] - answer["LockCreatedOn"] == dt.timedelta(days=2)
        assert code(client.delete_snapshot, SnapshotId=snapshot) == "OperationNotPermitted"
        client.unlock_snapshot(SnapshotId=snapshot)
        assert code(client.unlock_snapshot, SnapshotId=snapshot) == "IncorrectState"
        client.delete_snapshot(SnapshotId=snapshot)

    def test_a_compliance_lock_cools_off_and_is_then_only_extended(self, served):
        client = served.client()
        snapshot = make(served)
        lock = {"SnapshotId": snapshot, "LockMode": "compliance"}
        assert client.lock_snapshot(**lock, CoolOffPeriod=1, LockDuration=3)["LockState"] == "compliance-cooloff"
        change_lock(served, snapshot, cool_off_ends=served.cloud.clock() - 1)
        assert code(client.unlock_snapshot, SnapshotId=snapshot) == "OperationNotPermitted"
        assert code(client.lock_snapshot, **lock, LockDuration=1) == "OperationNotPermitted"
        asked = {"SnapshotId": snapshot, "LockMode": "governance", "LockDuration": 9}
        assert code(client.lock_snapshot, **asked) == "OperationNotPermitted"
        assert client.lock_snapshot(**lock, LockDuration=5)["LockState"] == "compliance"

    def test_an_expired_lock_keeps_nothing(self, fresh):
        snapshot = make(fresh)
        client = fresh.client()
        client.lock_snapshot(SnapshotId=snapshot, LockMode="governance", LockDuration=1)
        change_lock(fresh, snapshot, expires=fresh.cloud.clock() - 1)
        (found,) = client.describe_locked_snapshots()["Snapshots"]
        assert found["LockState"] == "expired"
        assert (
            client.describe_locked_snapshots(Filters=[{"Name": "lock-state", "Values": ["governance"]}])["Snapshots"]
            == []
        )
        client.delete_snapshot(SnapshotId=snapshot)

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ({"LockMode": "governance"}, "MissingParameter"),
            ({"LockMode": "governance", "LockDuration": 1, "CoolOffPeriod": 1}, "InvalidParameterCombination"),
            ({"LockMode": "governance", "LockDuration": 36501}, "InvalidParameterValue"),
            ({"LockMode": "compliance", "LockDuration": 1, "CoolOffPeriod": 73}, "InvalidParameterValue"),
            ({"LockMode": "governance", "ExpirationDate": "2001-01-01T00:00:00Z"}, "InvalidParameterValue"),
            (
                {"LockMode": "governance", "LockDuration": 1, "ExpirationDate": "2101-01-01T00:00:00Z"},
                "InvalidParameterCombination",
            ),
            ({"LockMode": "none", "LockDuration": 1}, "InvalidParameterValue"),
        ],
    )
    def test_locks_that_cannot_be(self, served, asked, expected):
        assert code(served.client().lock_snapshot, SnapshotId=make(served), **asked) == expected


class TestTiers:
    def test_an_archived_snapshot_is_of_no_use_until_it_is_restored(self, served):
        client, ebs = served.client(), served.client("ebs")
        snapshot = make(served)
        client.modify_snapshot_tier(SnapshotId=snapshot, StorageTier="archive")
        (found,) = client.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
        assert found["StorageTier"] == "archive"
        assert code(ebs.list_snapshot_blocks, SnapshotId=snapshot) == "ValidationException"
        with pytest.raises(ClientError, match="archived"):
            image_of(served, snapshot, "of an archived one")
        client.restore_snapshot_tier(SnapshotId=snapshot, TemporaryRestoreDays=1)
        ebs.list_snapshot_blocks(SnapshotId=snapshot)
        (found,) = client.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
        assert "RestoreExpiryTime" in found
        client.restore_snapshot_tier(SnapshotId=snapshot, PermanentRestore=True)
        statuses = client.describe_snapshot_tier_status(Filters=[{"Name": "snapshot-id", "Values": [snapshot]}])
        (status,) = statuses["SnapshotTierStatuses"]
        assert status["LastTieringOperationStatus"] == "permanent-restore-completed"

    def test_what_cannot_be_archived_or_restored(self, served):
        client = served.client()
        snapshot = make(served)
        assert code(client.restore_snapshot_tier, SnapshotId=snapshot, PermanentRestore=True) == "IncorrectState"
        assert code(client.restore_snapshot_tier, SnapshotId=snapshot) == "InvalidParameterCombination"
        image_of(served, snapshot, "is not archived")
        asked = {"SnapshotId": snapshot, "StorageTier": "archive"}
        assert code(client.modify_snapshot_tier, **asked) == "InvalidSnapshot.InUse"


def test_fast_restores(served):
    client = served.client(account="fast")
    snapshot = make(served, "fast")
    zones = ["us-east-1a", "us-east-1b"]
    answer = client.enable_fast_snapshot_restores(AvailabilityZones=zones, SourceSnapshotIds=[snapshot, ANY])
    assert [each["AvailabilityZone"] for each in answer["Successful"]] == zones
    (refused,) = answer["Unsuccessful"]
    assert refused["FastSnapshotRestoreStateErrors"][0]["Error"]["Code"] == "InvalidSnapshot.NotFound"
    found = client.describe_fast_snapshot_restores(Filters=[{"Name": "availability-zone", "Values": ["us-east-1b"]}])
    assert [(each["SnapshotId"], each["State"]) for each in found["FastSnapshotRestores"]] == [(snapshot, "enabled")]
    first = client.describe_fast_snapshot_restores(MaxResults=1)
    second = client.describe_fast_snapshot_restores(MaxResults=1, NextToken=first["NextToken"])
    assert [each["FastSnapshotRestores"][0]["AvailabilityZone"] for each in (first, second)] == zones
    client.disable_fast_snapshot_restores(AvailabilityZones=zones[:1], SourceSnapshotIds=[snapshot])
    left = client.describe_fast_snapshot_restores()["FastSnapshotRestores"]
    assert [each["AvailabilityZone"] for each in left] == zones[1:]
    asked = {"AvailabilityZones": ["us-east-1x"], "SourceSnapshotIds": [snapshot]}
    assert code(client.enable_fast_snapshot_restores, **asked) == "InvalidParameterValue"
