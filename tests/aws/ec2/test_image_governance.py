"""AMIs that are deprecated, protected, disabled; what an account lets be public, and what it lets itself use."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from goldsmith.aws.errors import AwsError
from goldsmith.aws.wire.times import seconds
from tests.aws.ec2.amis import refusal, register, share, shown, snapshot, where

DAY = 24 * 3600


def at(offset):
    return dt.datetime.fromtimestamp(time.time() + offset, dt.UTC)


def only(served, image, account="acme", **asked):
    return shown(served, account, ImageIds=[image], **asked)[image]


@pytest.fixture
def later(served):
    """Move the clock; what is asked then is asked without the wire."""

    def move(offset):
        served.ahead = offset

    yield move
    served.ahead = 0


class TestDeprecation:
    def test_the_time_is_told_to_the_minute(self, served):
        image = register(served)
        when = at(90 * DAY).replace(second=31, microsecond=5)
        served.client().enable_image_deprecation(ImageId=image, DeprecateAt=when)
        told = only(served, image)["DeprecationTime"]
        assert told.endswith(":00.000Z")
        assert abs(seconds(told) - when.timestamp()) <= 30
        served.client().disable_image_deprecation(ImageId=image)
        assert "DeprecationTime" not in only(served, image)

    def test_neither_in_the_past_nor_too_far_away(self, served):
        image = register(served)
        enable = served.client().enable_image_deprecation
        assert refusal(enable, ImageId=image, DeprecateAt=at(-DAY)) == "InvalidParameterValue"
        assert refusal(enable, ImageId=image, DeprecateAt=at(11 * 365 * DAY)) == "InvalidParameterValue"
        share(served, image, group="all")
        assert refusal(enable, ImageId=image, DeprecateAt=at(3 * 365 * DAY)) == "InvalidParameterValue"

    def test_others_find_deprecated_ones_only_when_they_ask(self, served, later):
        image = register(served, "deprecator")
        share(served, image, account="deprecator", group="all")
        served.client(account="deprecator").enable_image_deprecation(ImageId=image, DeprecateAt=at(DAY))
        owner = served.account_id("deprecator")
        later(2 * DAY)

        def found(account, **asked):
            answer = served.call("DescribeImages", account=account, **asked)
            return [each["ImageId"] for each in answer["Images"]]

        assert found("consumer", Owners=[owner]) == []
        assert found("consumer", Owners=[owner], IncludeDeprecated=True) == [image]
        assert found("consumer", ImageIds=[image]) == [image]
        assert found("deprecator", Owners=["self"]) == [image]

    def test_public_ones_are_deprecated_after_two_years(self, served):
        image = register(served)
        share(served, image, group="all")
        shown_image = only(served, image)
        age = seconds(shown_image["DeprecationTime"]) - seconds(shown_image["CreationDate"])
        assert abs(age - 2 * 365 * DAY) < 60
        served.client().disable_image_deprecation(ImageId=image)
        assert only(served, image)["DeprecationTime"] == shown_image["DeprecationTime"]
        served.client().reset_image_attribute(ImageId=image, Attribute="launchPermission")
        assert "DeprecationTime" not in only(served, image)


class TestProtection:
    def test_a_protected_image_stays(self, served):
        image, client = register(served), served.client()
        assert client.enable_image_deregistration_protection(ImageId=image)["Return"] == "true"
        assert only(served, image)["DeregistrationProtection"] == "enabled-without-cooldown"
        assert refusal(client.deregister_image, ImageId=image) == "OperationNotPermitted"
        client.disable_image_deregistration_protection(ImageId=image)
        assert client.deregister_image(ImageId=image)["Return"] is True

    def test_a_cooldown_lasts_a_day(self, served, later):
        image, client = register(served), served.client()
        client.enable_image_deregistration_protection(ImageId=image, WithCooldown=True)
        assert only(served, image)["DeregistrationProtection"] == "enabled-with-cooldown"
        client.disable_image_deregistration_protection(ImageId=image)
        client.disable_image_deregistration_protection(ImageId=image)
        assert refusal(client.deregister_image, ImageId=image) == "OperationNotPermitted"
        later(DAY + 60)
        assert served.call("DeregisterImage", ImageId=image)["Return"] is True


class TestAvailability:
    def test_a_disabled_image_is_lost_to_those_it_was_shared_with(self, served):
        image, client = register(served), served.client()
        share(served, image, "friend", group="all")
        client.disable_image(ImageId=image)
        assert image not in shown(served, "friend")
        assert image not in shown(served)
        assert only(served, image)["State"] == "disabled"
        assert image in shown(served, Owners=["self"], IncludeDisabled=True)
        assert image in shown(served, Filters=where("state", "disabled"))
        grant = {"Add": [{"Group": "all"}]}
        assert refusal(client.modify_image_attribute, ImageId=image, LaunchPermission=grant) == "IncorrectState"
        client.enable_image(ImageId=image)
        assert only(served, image)["State"] == "available"
        assert image not in shown(served, "friend")

    def test_both_may_be_said_twice(self, served):
        image, client = register(served), served.client()
        for function in (client.enable_image, client.disable_image, client.disable_image, client.enable_image):
            assert function(ImageId=image)["Return"] is True


class TestPublicAccess:
    def test_blocked_images_do_not_become_public(self, served):
        client = served.client(account="blocker")
        image, before = register(served, "blocker"), register(served, "blocker")
        share(served, before, account="blocker", group="all")
        assert client.get_image_block_public_access_state()["ImageBlockPublicAccessState"] == "unblocked"
        client.enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")
        assert client.get_image_block_public_access_state() | {"ResponseMetadata": 0} == {
            "ImageBlockPublicAccessState": "block-new-sharing",
            "ManagedBy": "account",
            "ResponseMetadata": 0,
        }
        grant = {"Add": [{"Group": "all"}]}
        modify = client.modify_image_attribute
        assert refusal(modify, ImageId=image, LaunchPermission=grant) == "OperationNotPermitted"
        share(served, image, "friend", account="blocker")
        assert before in shown(served, "friend")
        client.disable_image_block_public_access()
        modify(ImageId=image, LaunchPermission=grant)
        west = served.client(account="blocker", region="us-west-2")
        assert west.get_image_block_public_access_state()["ImageBlockPublicAccessState"] == "unblocked"

    def test_withheld_snapshots_are_public_again_when_unblocked(self, served):
        client, identifier = served.client(account="blocker"), snapshot(served, "blocker")
        grant = {"Add": [{"Group": "all"}]}
        client.modify_snapshot_attribute(SnapshotId=identifier, CreateVolumePermission=grant)

        def public():
            answer = served.client(account="friend").describe_snapshots(RestorableByUserIds=["all"])
            return identifier in [each["SnapshotId"] for each in answer["Snapshots"]]

        assert public()
        client.enable_snapshot_block_public_access(State="block-new-sharing")
        assert public()
        client.enable_snapshot_block_public_access(State="block-all-sharing")
        assert not public()
        permissions = client.describe_snapshot_attribute(SnapshotId=identifier, Attribute="createVolumePermission")
        assert permissions["CreateVolumePermissions"] == [{"Group": "all"}]
        refused = refusal(client.modify_snapshot_attribute, SnapshotId=identifier, CreateVolumePermission=grant)
        assert refused == "OperationNotPermitted"
        assert client.get_snapshot_block_public_access_state()["State"] == "block-all-sharing"
        assert client.disable_snapshot_block_public_access()["State"] == "unblocked"
        assert public()

    def test_a_withheld_share_can_be_taken_back(self, served):
        client, identifier = served.client(account="blocker"), snapshot(served, "blocker")
        grant = {"Add": [{"Group": "all"}]}
        client.modify_snapshot_attribute(SnapshotId=identifier, CreateVolumePermission=grant)
        client.enable_snapshot_block_public_access(State="block-all-sharing")
        client.reset_snapshot_attribute(SnapshotId=identifier, Attribute="createVolumePermission")
        client.disable_snapshot_block_public_access()
        permissions = client.describe_snapshot_attribute(SnapshotId=identifier, Attribute="createVolumePermission")
        assert permissions["CreateVolumePermissions"] == []


@pytest.fixture(scope="module")
def public(served):
    images = [register(served, "publisher", name) for name in ("good-one", "bad-one")]
    for image in images:
        share(served, image, account="publisher", group="all")
    return images


class TestAllowedImages:
    @pytest.fixture
    def client(self, served):
        client = served.client(account="careful")
        yield client
        client.disable_allowed_images_settings()

    def allow(self, client, state, *criteria):
        client.replace_image_criteria_in_allowed_images_settings(ImageCriteria=list(criteria))
        client.enable_allowed_images_settings(AllowedImagesSettingsState=state)

    def test_only_images_that_meet_a_criterion_are_found(self, served, client, public):
        mine, owner = register(served, "careful"), served.account_id("publisher")
        self.allow(client, "enabled", {"ImageProviders": [owner], "ImageNames": ["good-*"]})
        found = shown(served, "careful")
        assert found.keys() & {mine, *public} == {mine, public[0]}
        assert found[public[0]]["ImageAllowed"] is True
        settings = client.get_allowed_images_settings()
        assert (settings["State"], settings["ManagedBy"]) == ("enabled", "account")
        assert settings["ImageCriteria"] == [{"ImageProviders": [owner], "ImageNames": ["good-*"]}]

    def test_an_audit_tells_and_hides_nothing(self, served, client, public):
        self.allow(client, "audit-mode", {"ImageNames": ["good-*"]})
        found = shown(served, "careful")
        assert [found[image]["ImageAllowed"] for image in public] == [True, False]
        refused = set(shown(served, "careful", Filters=where("image-allowed", "false")))
        assert refused & set(public) == {public[1]}

    @pytest.mark.parametrize(
        ("criterion", "allowed"),
        [
            ({"CreationDateCondition": {"MaximumDaysSinceCreated": 1}}, True),
            ({"DeprecationTimeCondition": {"MaximumDaysSinceDeprecated": 0}}, True),
            ({"ImageProviders": ["none"]}, False),
            ({"ImageProviders": ["amazon"]}, False),
            ({"MarketplaceProductCodes": ["abc"]}, False),
            ({"ScanResultCondition": {"MaximumSeverityLabel": "critical"}}, False),
            ({"ImageWatermarks": [{"WatermarkKey": "*"}]}, False),
        ],
    )
    def test_criteria(self, served, client, public, criterion, allowed):
        self.allow(client, "audit-mode", criterion)
        assert shown(served, "careful")[public[0]]["ImageAllowed"] is allowed

    def test_criteria_that_cannot_be(self, client):
        replace = client.replace_image_criteria_in_allowed_images_settings
        for criteria in (
            [{"ImageNames": ["x"]}] * 11,
            [{"ImageNames": ["semi;colon"]}],
            [{"ImageProviders": ["nobody"]}],
            [{"ImageProviders": ["none", "amazon"]}],
        ):
            assert refusal(replace, ImageCriteria=criteria).startswith("InvalidParameter")


class TestInstanceTypes:
    def test_a_specification_is_shown_and_kept_to(self, served):
        from goldsmith.aws.ec2.marketplace import require_instance_type

        image, client = register(served), served.client()
        asked = {"SupportedInstanceTypes": ["t3.*", "m5.large"], "UnsupportedInstanceTypes": ["t3.nano"]}
        assert client.replace_image_instance_type_specification(ImageId=image, InstanceTypeSpecification=asked)
        told = only(served, image)["InstanceTypeSpecification"]
        assert [each["InstanceType"] for each in told["SupportedInstanceTypes"]] == ["t3.*", "m5.large"]
        name = "instance-type-specification.supported-instance-type"
        assert image in shown(served, Filters=where(name, "m5.large"))
        with served.cloud.catalog(served.account_id(), "us-east-1", writes=False) as catalog:
            record = catalog.own("image", image)
        require_instance_type(record, "t3.micro")
        for wrong in ("t3.nano", "m5.xlarge", "xt3.micro"):
            with pytest.raises(AwsError, match="InvalidParameterCombination"):
                require_instance_type(record, wrong)
        client.replace_image_instance_type_specification(ImageId=image)
        assert "InstanceTypeSpecification" not in only(served, image)

    def test_types_that_cannot_be(self, served):
        replace = served.client().replace_image_instance_type_specification
        asked = {"SupportedInstanceTypes": ["t3.**"]}
        refused = refusal(replace, ImageId=register(served), InstanceTypeSpecification=asked)
        assert refused == "InvalidParameterValue"


class TestFastLaunch:
    def test_it_is_refused_and_listed_nowhere(self, served):
        image, client = register(served), served.client()
        assert refusal(client.enable_fast_launch, ImageId=image) == "InvalidParameter"
        assert refusal(client.disable_fast_launch, ImageId=image) == "InvalidRequest"
        assert client.describe_fast_launch_images()["FastLaunchImages"] == []


def test_findings_are_none(served):
    assert served.client().get_image_findings(ImageId=register(served))["ImageFindings"] == []
