"""Retention rules."""

from __future__ import annotations

import pytest

from tests.aws.ec2.amis import refusal

WEEK = {"RetentionPeriodValue": 7, "RetentionPeriodUnit": "DAYS"}
DELAY = {"UnlockDelay": {"UnlockDelayValue": 7, "UnlockDelayUnit": "DAYS"}}
DAY = 24 * 3600


@pytest.fixture
def rbin(served):
    return served.client("rbin")


def make(rbin, **more):
    return rbin.create_rule(ResourceType="EC2_IMAGE", RetentionPeriod=WEEK, **more)["Identifier"]


def test_a_rule_is_made_shown_changed_and_deleted(rbin):
    rule = make(rbin, Description="a week", Tags=[{"Key": "a", "Value": "b"}])
    told = rbin.get_rule(Identifier=rule)
    assert (told["Description"], told["Status"], told["RetentionPeriod"]) == ("a week", "available", WEEK)
    assert told["RuleArn"].endswith(f":rule/{rule}")
    rbin.update_rule(Identifier=rule, Description="changed", ResourceTags=[{"ResourceTagKey": "x"}])
    assert rbin.get_rule(Identifier=rule)["Description"] == "changed"
    listed = rbin.list_rules(ResourceType="EC2_IMAGE", ResourceTags=[{"ResourceTagKey": "x"}])["Rules"]
    assert [each["Identifier"] for each in listed] == [rule]
    assert rule not in [each["Identifier"] for each in rbin.list_rules(ResourceType="EBS_SNAPSHOT")["Rules"]]
    assert rbin.delete_rule(Identifier=rule)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(rbin.get_rule, Identifier=rule) == "ResourceNotFoundException"


def test_tags(rbin):
    arn = rbin.get_rule(Identifier=make(rbin))["RuleArn"]
    rbin.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    rbin.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert rbin.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_a_locked_rule_stays_until_its_delay_is_over(served, rbin):
    rule = make(rbin, LockConfiguration=DELAY)
    assert refusal(rbin.delete_rule, Identifier=rule) == "ConflictException"
    assert refusal(rbin.lock_rule, Identifier=rule, LockConfiguration=DELAY) == "ConflictException"
    assert rbin.unlock_rule(Identifier=rule)["LockState"] == "pending_unlock"
    assert refusal(rbin.update_rule, Identifier=rule, Description="x") == "ConflictException"
    served.ahead = 8 * DAY
    try:
        assert served.call("GetRule", service="rbin", Identifier=rule)["LockState"] == "unlocked"
        served.call("DeleteRule", service="rbin", Identifier=rule)
    finally:
        served.ahead = 0


@pytest.mark.parametrize(
    "asked",
    [
        {"ResourceType": "EBS_VOLUME"},
        {"RetentionPeriod": {**WEEK, "RetentionPeriodValue": 366}},
        {"RetentionPeriod": {**WEEK, "RetentionPeriodValue": 0}},
        {"ResourceTags": [{"ResourceTagKey": "a"}], "ExcludeResourceTags": [{"ResourceTagKey": "b"}]},
        {"ResourceTags": [{"ResourceTagKey": "a"}], "LockConfiguration": DELAY},
        {"RetentionPeriod": None},
    ],
)
def test_rules_that_cannot_be(rbin, asked):
    whole = {"ResourceType": "EC2_IMAGE", "RetentionPeriod": WEEK, **asked}
    given = {name: value for name, value in whole.items() if value is not None}
    assert refusal(rbin.create_rule, **given) == "ValidationException"


def test_rules_are_an_accounts_own(served, rbin):
    rule = make(rbin)
    other = served.client("rbin", account="other")
    for function in (other.get_rule, other.delete_rule, other.update_rule, other.unlock_rule):
        assert refusal(function, Identifier=rule) == "ResourceNotFoundException"
    assert other.list_rules(ResourceType="EC2_IMAGE")["Rules"] == []
    assert refusal(served.client("rbin", role="builder").delete_rule, Identifier=rule) == "AccessDeniedException"
