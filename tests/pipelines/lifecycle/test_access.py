from __future__ import annotations

import json

import pytest

from goldsmith.pipelines.lifecycle.access import trusts_service

SOURCE = "123456789012"
OURS = {"StringEquals": {"aws:SourceAccount": SOURCE}}
ARNS = {"ArnLike": {"aws:SourceArn": "arn:*:imagebuilder:*:*:image/*/*/*"}}


def policy(**members):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "imagebuilder.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {**OURS, **ARNS},
    }
    return {"Version": "2012-10-17", "Statement": [{**statement, **members}]}


@pytest.mark.parametrize(
    ("document", "trusted"),
    [
        (policy(), True),
        (policy(Condition=OURS), True),
        (policy(Condition={"StringEquals": {"aws:SourceAccount": ["999999999999", SOURCE]}}), True),
        (policy(Principal={"Service": ["ec2.amazonaws.com", "imagebuilder.amazonaws.com"]}, Action=["sts:*"]), True),
        (policy(Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}}), False),
        (policy(Condition=ARNS), False),
        (policy(Condition=None), False),
        (policy(Condition={**OURS, "ArnLike": {"aws:SourceArn": "arn:aws:imagebuilder:*:*:image/web/*/*"}}), False),
        (policy(Condition={**OURS, "Bool": {"aws:SecureTransport": "true"}}), False),
        (policy(Principal={"Service": "ec2.amazonaws.com"}), False),
        (policy(Principal="*"), False),
        (policy(Action="sts:TagSession"), False),
        (policy(Effect="Deny"), False),
        ({"Statement": [*policy()["Statement"], *policy(Effect="Deny", Condition=None)["Statement"]]}, False),
        ({"Statement": "Allow"}, False),
        ([], False),
        ("", False),
    ],
)
def test_who_is_trusted(document, trusted):
    assert trusts_service(json.dumps(document), SOURCE) == trusted


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"Statement": [{"Condition": 3}]}'])
def test_what_is_no_policy_trusts_nobody(text):
    assert not trusts_service(text, SOURCE)
