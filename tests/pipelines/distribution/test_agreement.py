"""Whom a role's trust policy lets in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.pipelines.distribution.agreement import trusts

SOURCE = "100000000001"
ALLOW = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{SOURCE}:root"}, "Action": "sts:AssumeRole"}
DENY = {**ALLOW, "Effect": "Deny"}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize(
    ("text", "agreed"),
    [
        (policy(ALLOW), True),
        (json.dumps({"Statement": ALLOW}), True),
        (policy({**ALLOW, "Principal": "*"}), True),
        (policy({**ALLOW, "Principal": {"AWS": "*"}}), True),
        (policy({**ALLOW, "Principal": {"AWS": ["x", SOURCE]}}), True),
        (policy({**ALLOW, "Action": ["sts:TagSession", "sts:*"]}), True),
        (policy({**ALLOW, "Principal": {"AWS": "arn:aws:iam::100000000002:root"}}), False),
        (policy({**ALLOW, "Principal": {"Service": "ec2.amazonaws.com"}}), False),
        (policy({**ALLOW, "Principal": {"AWS": f"arn:aws:iam::{SOURCE}0:root"}}), False),
        (policy({**ALLOW, "Action": "sts:GetCallerIdentity"}), False),
        (policy({**ALLOW, "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}), False),
        (policy(ALLOW, DENY), False),
        (policy(ALLOW, {**DENY, "Condition": {"Bool": {}}}), False),
        (policy({**ALLOW, "Effect": "allow"}), False),
        (policy(), False),
        ("{}", False),
        ("[]", False),
        ("no JSON", False),
        (policy("text"), False),
    ],
)
def test_trust(text, agreed):
    assert trusts(text, SOURCE) is agreed


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_no_policy_is_too_strange(document):
    assert trusts(json.dumps(document), SOURCE) is False
    assert trusts(json.dumps({"Statement": document}), SOURCE) is False
