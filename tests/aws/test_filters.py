"""Filters as requests give them."""

from __future__ import annotations

import pytest

from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filters, apply

KNOWN = {"name": "Name", "is-default": "IsDefault"}
ITEMS = [{"Name": "one", "Tags": [{"Key": "stage", "Value": "test"}]}, {"Name": "two", "IsDefault": True, "Tags": []}]


def names(*filters):
    return [item["Name"] for item in apply(filters, KNOWN, ITEMS)]


def test_values_are_alternatives_and_filters_must_all_hold():
    assert names({"Name": "name", "Values": ["one", "t*"]}) == ["one", "two"]
    assert names({"Name": "name", "Values": ["one", "t*"]}, {"Name": "isDefault", "Values": ["true"]}) == ["two"]


@pytest.mark.parametrize("name", ["name", "tag:stage", "tag-key"])
@pytest.mark.parametrize("values", [{}, {"Values": []}])
def test_a_filter_without_values_matches_nothing(name, values):
    assert names({"Name": name, **values}) == []
    assert Filters([{"Name": name, **values}], KNOWN)


@pytest.mark.parametrize(("asked", "told"), [({"Values": ["one"]}, "null"), ({"Name": "no", "Values": ["x"]}, "no")])
def test_a_filter_that_is_none_is_refused(asked, told):
    with pytest.raises(AwsError, match=f"InvalidParameterValue: The filter '{told}' is invalid"):
        names(asked)
