"""Parameters' names and what may stand behind them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.aws.errors import AwsError
from goldsmith.aws.ssm.names import LABEL, Reference, arn_of, is_reserved, parse_reference, require_name

ACCOUNT, REGION = "123456789012", "us-east-1"
MINE = "arn:aws:ssm:us-east-1:123456789012:parameter"


@pytest.mark.parametrize(
    ("text", "arn", "selector"),
    [
        ("/a/b", f"{MINE}/a/b", ""),
        ("a", f"{MINE}/a", ""),
        ("/a/b:3", f"{MINE}/a/b", "3"),
        ("/a/b:prod", f"{MINE}/a/b", "prod"),
        (f"{MINE}/a/b:3", f"{MINE}/a/b", "3"),
        ("/aws/service/x", "arn:aws:ssm:us-east-1::parameter/aws/service/x", ""),
        ("arn:aws:ssm:us-east-1::parameter/aws/service/x:2", "arn:aws:ssm:us-east-1::parameter/aws/service/x", "2"),
    ],
)
def test_a_reference_means_a_parameter_and_maybe_a_version(text, arn, selector):
    assert parse_reference(text, ACCOUNT, REGION) == Reference(arn, selector)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("/aws/x", "AccessDeniedException"),
        ("AWS", "AccessDeniedException"),
        ("awsome", "ValidationException"),
        ("/ssm-x/y", "ValidationException"),
        ("a/b", "ValidationException"),
        ("/a//b", "ValidationException"),
        ("/a/", "ValidationException"),
        ("/a b", "ValidationException"),
        ("/a:b", "ValidationException"),
        ("/" + "/".join("abcdefghijklmnop"), "HierarchyLevelLimitExceededException"),
    ],
)
def test_names_that_cannot_be_are_refused(name, code):
    with pytest.raises(AwsError) as refused:
        require_name(name)
    assert refused.value.code == code


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_name_reaches_another_account(text):
    try:
        reference = parse_reference(text, ACCOUNT, REGION)
    except AwsError:
        return
    if not text.startswith("arn:"):
        owner = "" if is_reserved(text.partition(":")[0]) else ACCOUNT
        assert reference.arn.startswith(f"arn:aws:ssm:{REGION}:{owner}:parameter/")


@settings(deadline=None)
@given(st.from_regex(r"/[b-r][a-z0-9_.-]{0,9}(/[a-z0-9_.-]{1,9}){0,5}", fullmatch=True))
def test_good_names_are_taken(name):
    assert parse_reference(require_name(name), ACCOUNT, REGION).arn == arn_of(name, ACCOUNT, REGION)


@pytest.mark.parametrize("label", ["1st", "aws-x", "SSMx", "", "with space", "x" * 101])
def test_labels_that_cannot_be(label):
    assert not LABEL.fullmatch(label)
