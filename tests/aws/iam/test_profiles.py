"""Instance profiles, and the credentials that instances have by them."""

from __future__ import annotations

import json
import uuid

import boto3
import pytest

from goldsmith.aws.iam.profiles import role_credentials

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture
def iam(served):
    return served.client("iam")


def make(iam, power: str = "") -> str:
    name = f"p-{uuid.uuid4().hex[:12]}"
    tags = [{"Key": "goldsmith:role", "Value": power}] if power else []
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Tags=tags)
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return name


def credentials(served, name: str) -> dict[str, str]:
    profile = served.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    with served.cloud.catalog(served.credential().account, "us-east-1", writes=False) as catalog:
        given = role_credentials(served.cloud, catalog, profile["Arn"], "i-0123456789abcdef0")
    return json.loads(given[name])


def as_instance(served, name: str, service: str):
    given = credentials(served, name)
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=served.url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["Token"],
    )


def test_packers_temporary_profile_comes_and_goes(served, refusal):
    iam = served.client("iam", role="builder")
    name = f"packer-{uuid.uuid4().hex[:8]}"
    iam.create_instance_profile(InstanceProfileName=name)
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    iam.get_waiter("role_exists").wait(RoleName=name)
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=TRUST)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    [role] = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    assert role["RoleName"] == name
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
    iam.delete_role_policy(RoleName=name, PolicyName=name)
    iam.delete_role(RoleName=name)
    iam.delete_instance_profile(InstanceProfileName=name)
    assert refusal(iam.get_instance_profile, InstanceProfileName=name) == "NoSuchEntity"


def test_roles_and_profiles_keep_each_other(iam, refusal):
    name = make(iam)
    assert refusal(iam.delete_role, RoleName=name) == "DeleteConflict"
    assert refusal(iam.delete_instance_profile, InstanceProfileName=name) == "DeleteConflict"
    assert refusal(iam.add_role_to_instance_profile, InstanceProfileName=name, RoleName=name) == "LimitExceeded"
    [listed] = iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]
    assert listed["InstanceProfileName"] == name
    assert name in [each["InstanceProfileName"] for each in iam.list_instance_profiles()["InstanceProfiles"]]


def test_an_instance_acts_as_its_role(served, iam):
    name = make(iam)
    identity = as_instance(served, name, "sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{served.account_id()}:assumed-role/{name}/i-0123456789abcdef0"


def test_a_role_may_what_its_tag_says_and_without_one_read(served, iam, refusal):
    reader, launcher = make(iam), make(iam, "launcher")
    create = {"KeyType": "ed25519"}
    refused = refusal(as_instance(served, reader, "ec2").create_key_pair, KeyName="by-reader", **create)
    assert refused == "UnauthorizedOperation"
    assert as_instance(served, launcher, "ec2").create_key_pair(KeyName="by-launcher", **create)


def test_credentials_are_as_metadata_has_them(served, iam):
    given = credentials(served, make(iam))
    assert (given["Code"], given["Type"]) == ("Success", "AWS-HMAC")
    assert given["Expiration"].endswith("Z")
    assert "." not in given["Expiration"]


def test_a_profile_that_is_no_more_gives_none(served):
    with served.cloud.catalog(served.credential().account, "us-east-1", writes=False) as catalog:
        assert role_credentials(served.cloud, catalog, "arn:aws:iam::123456789012:instance-profile/gone") == {}


def test_nobody_puts_a_role_into_a_profile_that_may_more_than_they(served, iam, refusal):
    strong = make(iam, "admin")
    builder = served.client("iam", role="builder")
    builder.create_instance_profile(InstanceProfileName="weak")
    put = builder.add_role_to_instance_profile
    assert refusal(put, InstanceProfileName="weak", RoleName=strong) == "AccessDenied"


def test_users_are_those_who_have_keys(served, iam, refusal):
    key = served.credential()
    assert iam.get_user()["User"]["Arn"] == key.arn
    assert key.key_id in [each["AccessKeyId"] for each in iam.list_access_keys()["AccessKeyMetadata"]]
    assert refusal(iam.get_user, UserName="nobody") == "NoSuchEntity"
    served.client(role="reader")
    assert {"admin", "reader"} <= {user["UserName"] for user in iam.list_users()["Users"]}
    assert "launcher" not in [user["UserName"] for user in served.client("iam", account="other").list_users()["Users"]]
