"""Temporary credentials through boto3."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError


def refusal(sts, **asked):
    with pytest.raises(ClientError) as refused:
        sts.assume_role(**{"RoleArn": "arn:aws:iam::123456789012:role/admin", "RoleSessionName": "me", **asked})
    error = refused.value.response["Error"]
    return error["Type"], error["Code"], error["Message"]


@pytest.mark.parametrize(
    "arn",
    [
        "nothing-valid-in-here",
        "arn::b:::something/test-role",
        "arn:a::::something/test-role",
        "arn:a:::something/test-role",
        "arn:a:a::aaaaaaaaaaaa:",
    ],
)
def test_what_is_no_arn_is_invalid(served, arn):
    assert refusal(served.client("sts"), RoleArn=arn) == ("Sender", "ValidationError", f"{arn} is invalid")


def test_a_sessions_name_is_held_against_its_pattern(served):
    kind, code, told = refusal(served.client("sts"), RoleSessionName="Session1:2")
    assert (kind, code) == ("Sender", "ValidationError")
    assert told == (
        "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member "
        r"must satisfy regular expression pattern: [\w+=,.@-]*"
    )


def test_roles_of_others_and_greater_ones_are_not_given(served):
    sts, account = served.client("sts", role="launcher"), served.account_id()
    for arn in (f"arn:aws:iam::{account}:role/admin", "arn:aws:iam::123456789012:role/reader"):
        assert refusal(sts, RoleArn=arn)[1] == "AccessDenied"
    given = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/reader", RoleSessionName="looking")
    assert given["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/reader/looking"
