"""Roles and their policies through boto3."""

from __future__ import annotations

import json
import uuid

import pytest

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}]}
MANAGED = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


@pytest.fixture
def iam(served):
    return served.client("iam")


def make(iam, **more) -> str:
    name = f"r-{uuid.uuid4().hex[:12]}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **more)
    return name


def test_a_role_is_made_shown_changed_and_removed(iam, served, refusal):
    name = make(iam, Path="/factory/", Description="bakes", Tags=[{"Key": "a", "Value": "b"}])
    iam.get_waiter("role_exists").wait(RoleName=name)
    role = iam.get_role(RoleName=name)["Role"]
    assert role["Arn"] == f"arn:aws:iam::{served.account_id()}:role/factory/{name}"
    assert role["AssumeRolePolicyDocument"] == TRUST
    assert (role["Description"], role["Tags"]) == ("bakes", [{"Key": "a", "Value": "b"}])
    iam.update_role(RoleName=name, Description="rests")
    assert iam.get_role(RoleName=name)["Role"]["Description"] == "rests"
    iam.delete_role(RoleName=name)
    assert refusal(iam.get_role, RoleName=name) == "NoSuchEntity"


def test_names_are_unique_whatever_their_case(iam, refusal):
    name = make(iam)
    policy = json.dumps(TRUST)
    assert refusal(iam.create_role, RoleName=name.upper(), AssumeRolePolicyDocument=policy) == "EntityAlreadyExists"


def test_a_region_is_none_of_a_roles(iam, served):
    name = make(iam)
    for region in ("eu-west-1", "ap-nowhere-7"):
        assert served.client("iam", region=region).get_role(RoleName=name)


def test_another_accounts_role_looks_like_none(iam, served, refusal):
    name = make(iam)
    theirs = served.client("iam", account="other")
    assert refusal(theirs.get_role, RoleName=name) == "NoSuchEntity"
    assert name not in [role["RoleName"] for role in theirs.list_roles()["Roles"]]
    assert refusal(theirs.delete_role, RoleName=name) == "NoSuchEntity"


def test_lists_come_in_pages_below_a_path(iam):
    names = {make(iam, Path="/paged/") for _ in range(5)}
    make(iam)
    pages = iam.get_paginator("list_roles").paginate(PathPrefix="/paged/", PaginationConfig={"PageSize": 2})
    assert {role["RoleName"] for role in pages.search("Roles[]")} == names


def test_policies_keep_a_role(iam, refusal):
    name = make(iam)
    iam.put_role_policy(RoleName=name, PolicyName="inside", PolicyDocument=json.dumps(TRUST))
    assert iam.get_role_policy(RoleName=name, PolicyName="inside")["PolicyDocument"] == TRUST
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["inside"]
    iam.attach_role_policy(RoleName=name, PolicyArn=MANAGED)
    [attached] = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert attached == {"PolicyName": "AmazonSSMManagedInstanceCore", "PolicyArn": MANAGED}
    assert refusal(iam.delete_role, RoleName=name) == "DeleteConflict"
    iam.detach_role_policy(RoleName=name, PolicyArn=MANAGED)
    assert refusal(iam.delete_role, RoleName=name) == "DeleteConflict"
    iam.delete_role_policy(RoleName=name, PolicyName="inside")
    iam.delete_role(RoleName=name)


def test_what_is_no_policy_is_refused(iam, refusal):
    for text in ("", "{", "[]", "[" * 50_000):
        refused = refusal(iam.create_role, RoleName="bad", AssumeRolePolicyDocument=text)
        assert refused in {"MalformedPolicyDocument", "ValidationError"}
    name = make(iam)
    own = "arn:aws:iam::123456789012:policy/mine"
    assert refusal(iam.attach_role_policy, RoleName=name, PolicyArn=own) == "NoSuchEntity"
    assert refusal(iam.get_role_policy, RoleName=name, PolicyName="none") == "NoSuchEntity"


def test_tags_change(iam):
    name = make(iam)
    iam.tag_role(RoleName=name, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.untag_role(RoleName=name, TagKeys=["a"])
    assert iam.list_role_tags(RoleName=name)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_nobody_makes_a_role_that_may_more_than_they(served, refusal):
    builder = served.client("iam", role="builder")
    asked = {"RoleName": "strong", "AssumeRolePolicyDocument": json.dumps(TRUST)}
    admin = [{"Key": "goldsmith:role", "Value": "admin"}]
    assert refusal(builder.create_role, **asked, Tags=admin) == "AccessDenied"
    name = make(builder)
    assert refusal(builder.tag_role, RoleName=name, Tags=admin) == "AccessDenied"
    unknown = [{"Key": "goldsmith:role", "Value": "emperor"}]
    assert refusal(builder.tag_role, RoleName=name, Tags=unknown) == "InvalidInput"
    assert refusal(served.client("iam", role="launcher").create_role, **asked) == "AccessDenied"
