"""An AMI that is there is looked at: what cannot be changed of it is told, what can be is, and a dead one is no AMI."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from goldsmith.documents.distribution import LaunchPermission
from goldsmith.publish.aws import waiting
from goldsmith.publish.aws.clients import AwsPublishError
from goldsmith.publish.aws.wanted import RegionWanted
from tests.publish.aws.wire import OTHER, REGION, FileSource, client, publish


@pytest.fixture
def made(few, wire, tmp_path):
    """Publish once; give a function that does so again, otherwise, and what moto holds of the AMI."""

    def again(*regions, **more):
        return publish(FileSource(few), wire, tmp_path / "home", *(regions or [RegionWanted(REGION, "small")]), **more)

    first = again()
    return again, ec2_backends[DEFAULT_ACCOUNT_ID][REGION].amis[first.images[REGION]]


@pytest.mark.parametrize(
    ("attribute", "value", "told"),
    [
        ("boot_mode", "legacy-bios", "the boot mode legacy-bios, and uefi-preferred is wanted"),
        ("boot_mode", None, "the boot mode none, and uefi-preferred"),
        ("tpm_support", "v2.0", r"the TPM v2\.0, and none is wanted"),
        ("ena_support", False, "ENA off, and on is wanted"),
        ("architecture", "arm64", "the architecture arm64, and x86_64"),
        ("state", "failed", "in the state failed: the disk is gone"),
        ("state", "disabled", "is disabled"),
    ],
)
def test_what_is_otherwise_is_told_and_left(made, wire, attribute, value, told):
    again, ami = made
    setattr(ami, attribute, value)
    ami.state_reason = {"Code": "Client.Failed", "Message": "the disk is gone."}
    with pytest.raises(AwsPublishError, match=told) as raised:
        again()
    assert ami.id in raised.value.message
    assert raised.value.mend
    assert wire.asked["ModifyImageAttribute"] == 0


def test_what_is_asked_for_otherwise_is_told(made):
    again, _ = made
    with pytest.raises(AwsPublishError, match="boot mode uefi-preferred, and uefi is wanted; the TPM none, and v2"):
        again(boot_mode="uefi", tpm=True)


def test_imdsv2_is_required_of_one_that_does_not(made):
    again, ami = made
    ami.imds_support = None
    assert [step.what for step in again(dry_run=True).steps if not step.there] == ["IMDSv2 required"]
    assert ami.imds_support is None
    again()
    assert ami.imds_support == "v2.0"
    assert again().unchanged


def test_one_that_is_on_its_way_is_waited_for(made, wire, monkeypatch):
    again, ami = made
    ami.state = "pending"

    def arrive(seconds):
        ami.state = "available"

    monkeypatch.setattr(wire.clients, "pause", arrive)
    assert again().unchanged


def test_a_snapshot_that_is_gone_or_broken_beneath_it_is_told(made):
    again, ami = made
    ami.disk.status, ami.disk.state_message = "error", "The key is gone."
    with pytest.raises(AwsPublishError, match=rf"{ami.disk.id} of {ami.id} .* in the state error"):
        again()
    ami.ec2_backend.snapshots.pop(ami.disk.id)
    with pytest.raises(AwsPublishError, match=rf"{ami.disk.id} of {ami.id} .* is gone: nobody can launch it") as told:
        again()
    assert f"deregister-image --region {REGION} --image-id {ami.id}" in told.value.mend


def test_a_snapshot_that_never_becomes_whole_is_told_with_aws_s_reason(few, wire, tmp_path, monkeypatch):
    look = waiting._await

    def spoiled(clients, named, ask, most):
        for disk in ec2_backends[DEFAULT_ACCOUNT_ID][REGION].snapshots.values():
            disk.status = "error"
        return look(clients, named, ask, most)

    monkeypatch.setattr(waiting, "_await", spoiled)
    with pytest.raises(AwsPublishError, match="is in the state error"):
        publish(FileSource(few), wire, tmp_path / "home")
    monkeypatch.undo()
    publish(FileSource(few), wire, tmp_path / "home")
    assert wire.asked["StartSnapshot"] == 2


def test_a_copy_that_is_plain_where_it_should_be_enciphered_is_told(made, wire):
    again, _ = made
    again(RegionWanted(REGION, "small"), RegionWanted(OTHER, "small"))
    key = client(wire, "kms", OTHER).create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(AwsPublishError, match=f"is not enciphered, and it should be enciphered with {key}"):
        again(RegionWanted(REGION, "small"), RegionWanted(OTHER, "small", kms_key=key))


def test_a_name_that_was_taken_meanwhile_is_told(few, wire, tmp_path):
    wire.refuse("RegisterImage", "InvalidAMIName.Duplicate", "AMI name small/1.0.0/1 is already in use", times=1)
    with pytest.raises(AwsPublishError, match="is already in use") as told:
        publish(FileSource(few), wire, tmp_path / "home")
    assert "run it again, and it is found" in told.value.mend


def test_a_date_that_is_past_is_told_before_anything_is_sent(few, wire, tmp_path):
    with pytest.raises(AwsPublishError, match="2026-02-01 00:00 UTC on, which is past"):
        publish(FileSource(few), wire, tmp_path / "home", deprecated_at=datetime(2026, 2, 1, tzinfo=UTC))
    assert wire.asked["StartSnapshot"] == 0


def test_a_grant_that_aws_refuses_is_said_in_its_words(made, wire):
    again, _ = made
    wire.refuse("ModifyImageAttribute", "InvalidAMIAttributeItemValue", "no such organization")
    share = LaunchPermission(user_ids=("111122223333",))
    with pytest.raises(AwsPublishError, match="AWS refused ModifyImageAttribute: no such organization"):
        again(RegionWanted(REGION, "small", permission=share))
