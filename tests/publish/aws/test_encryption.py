"""What a key enciphers has that key, in each region its own; what cannot be shared is told before a block is sent."""

from __future__ import annotations

import os

import pytest

from goldsmith.blocks.block_map import BLOCK
from goldsmith.documents.distribution import LaunchPermission
from goldsmith.publish.aws.clients import AwsPublishError
from goldsmith.publish.aws.wanted import RegionWanted
from tests.publish.aws.wire import OTHER, REGION, FileSource, client, publish, read_back, snapshot_of, written

SOMEBODY = LaunchPermission(user_ids=("111122223333",))
ORGANISATION = "arn:aws:organizations::111122223333:organization/o-abcdefghij"
UNIT = "arn:aws:organizations::111122223333:ou/o-abcdefghij/ou-abcd-12345678"


@pytest.fixture
def key(wire):
    """A new key of a region, with the alias "golden"."""

    def made(region=REGION):
        kms = client(wire, "kms", region)
        arn = kms.create_key()["KeyMetadata"]["Arn"]
        kms.create_alias(AliasName="alias/golden", TargetKeyId=arn)
        return arn

    return made


def by_default(wire, region=REGION):
    client(wire, "ec2", region).enable_ebs_encryption_by_default()


def test_each_region_has_its_own_key_and_a_later_build_is_sent_over_the_first(few, wire, key, tmp_path):
    mine, theirs = key(), key(OTHER)

    def run(build):
        regions = (
            RegionWanted(REGION, f"small {build}", kms_key="alias/golden", permission=SOMEBODY),
            RegionWanted(OTHER, f"small {build}", kms_key=theirs),
        )
        return publish(FileSource(few, build), wire, tmp_path / "home", *regions)

    first = run(1)
    assert snapshot_of(wire, first.images[REGION])["KmsKeyId"] == mine
    assert snapshot_of(wire, first.images[OTHER], OTHER)["KmsKeyId"] == theirs
    assert any(f"enciphered with {mine}" in step.what for step in first.steps)
    assert run(1).unchanged
    with few.open("r+b") as file:
        file.write(os.urandom(BLOCK))
    second = run(2)
    assert second.sent == BLOCK
    assert snapshot_of(wire, second.images[REGION])["KmsKeyId"] == mine
    assert read_back(wire, second.snapshot, first.snapshot) == written(few)


def test_what_the_account_enciphers_by_itself_is_not_sent_over_what_is_plain(few, wire, tmp_path):
    plain = publish(FileSource(few), wire, tmp_path / "home")
    assert not snapshot_of(wire, plain.images[REGION])["Encrypted"]
    by_default(wire)
    with few.open("r+b") as file:
        file.write(os.urandom(BLOCK))
    made = publish(FileSource(few, 2), wire, tmp_path / "home", RegionWanted(REGION, "small 2"))
    assert made.sent == plain.sent == 3 * BLOCK
    assert snapshot_of(wire, made.images[REGION])["Encrypted"]
    assert any("the region's default key" in step.what for step in made.steps)


def test_a_copy_of_what_is_enciphered_is_too(few, wire, key, tmp_path):
    regions = (RegionWanted(REGION, "small", kms_key=key()), RegionWanted(OTHER, "small"))
    made = publish(FileSource(few), wire, tmp_path / "home", *regions)
    assert snapshot_of(wire, made.images[OTHER], OTHER)["Encrypted"]
    shared = (RegionWanted(REGION, "more", kms_key="alias/golden"), RegionWanted(OTHER, "more", permission=SOMEBODY))
    with pytest.raises(AwsPublishError, match=rf"The AMI of {OTHER} .* cannot be shared"):
        publish(FileSource(few), wire, tmp_path / "home", *shared)


@pytest.mark.parametrize("habit", [True, False], ids=["by default", "asked for"])
@pytest.mark.parametrize("with_whom", [SOMEBODY, LaunchPermission(organization_arns=(ORGANISATION,))])
def test_what_aws_s_own_key_enciphers_is_not_shared_and_nothing_is_sent(few, wire, tmp_path, habit, with_whom):
    if habit:
        by_default(wire)
    region = RegionWanted(REGION, "small", permission=with_whom)
    with pytest.raises(AwsPublishError, match=r"AWS's own key .* cannot be shared") as told:
        publish(FileSource(few), wire, tmp_path / "home", region, encrypted=not habit)
    assert "--kms-key" in told.value.mend
    assert wire.asked["StartSnapshot"] == 0


def test_a_default_key_of_one_s_own_can_be_shared(few, wire, key, tmp_path):
    client(wire, "ec2").modify_ebs_default_kms_key_id(KmsKeyId=key())
    region = RegionWanted(REGION, "small", permission=SOMEBODY)
    made = publish(FileSource(few), wire, tmp_path / "home", region, encrypted=True)
    assert any("+111122223333" in step.what for step in made.steps)


def test_what_cannot_be_done_with_a_key_is_told_before_anything_is_sent(few, wire, key, tmp_path):
    arn, distant = key(), key(OTHER)
    disabled = client(wire, "kms").create_key()["KeyMetadata"]["KeyId"]
    client(wire, "kms").disable_key(KeyId=disabled)
    pair = client(wire, "kms").create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    everybody = LaunchPermission(user_groups=("all",))
    for said, told in (
        (RegionWanted(REGION, "small", kms_key=arn, permission=everybody), "makes no such AMI public"),
        (RegionWanted(REGION, "small", kms_key=distant), f"is one of {OTHER}"),
        (RegionWanted(REGION, "small", kms_key="alias/none"), "has no KMS key alias/none"),
        (RegionWanted(REGION, "small", kms_key=disabled), "in the state Disabled"),
        (RegionWanted(REGION, "small", kms_key=pair), "of the kind RSA_2048"),
    ):
        with pytest.raises(AwsPublishError, match=told):
            publish(FileSource(few), wire, tmp_path / "home", said)
    assert wire.asked["StartSnapshot"] == 0


def test_organisations_and_their_units_are_granted_and_taken_off(few, wire, tmp_path):
    def run(permission):
        region = RegionWanted(REGION, "small", permission=permission)
        made = publish(FileSource(few), wire, tmp_path / "home", region)
        image = made.images[REGION]
        shown = client(wire, "ec2").describe_image_attribute(ImageId=image, Attribute="launchPermission")
        return made, shown["LaunchPermissions"]

    both = LaunchPermission(organization_arns=(ORGANISATION,), organizational_unit_arns=(UNIT,))
    made, shown = run(both)
    assert {next(iter(each.items())) for each in shown} == {
        ("OrganizationArn", ORGANISATION),
        ("OrganizationalUnitArn", UNIT),
    }
    assert not made.unchanged
    assert run(both)[0].unchanged
    made, shown = run(LaunchPermission(organizational_unit_arns=(UNIT,)))
    assert shown == [{"OrganizationalUnitArn": UNIT}]
    assert f"launch permission -{ORGANISATION}" in [step.what for step in made.steps]


@pytest.mark.parametrize(
    ("regions", "told"),
    [
        ((RegionWanted(REGION, "small"), RegionWanted("cn-north-1", "small")), "cn-north-1 in aws-cn"),
        (
            (RegionWanted("us-gov-west-1", "small", permission=LaunchPermission(organization_arns=(ORGANISATION,))),),
            "is not of aws-us-gov",
        ),
    ],
)
def test_nothing_goes_from_one_partition_to_another(few, wire, tmp_path, regions, told):
    with pytest.raises(AwsPublishError, match=told):
        publish(FileSource(few), wire, tmp_path / "home", *regions)
    assert not wire.asked
