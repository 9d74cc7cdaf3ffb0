"""Filters as requests give them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import LONGEST_LIKE, Filter, Filters, apply

KNOWN = {"name": "Name", "is-default": "IsDefault"}
ITEMS = [{"Name": "one", "Tags": [{"Key": "stage", "Value": "test"}]}, {"Name": "two", "IsDefault": True, "Tags": []}]

letters = st.text(alphabet="ab*?\\%_.", max_size=8)


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


def fits(pattern, text):
    """Tell whether a text fits a pattern of wildcards, slowly and plainly."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(fits(pattern[1:], text[start:]) for start in range(len(text) + 1))
    if pattern[0] == "?":
        return bool(text) and fits(pattern[1:], text[1:])
    if pattern[0] == "\\":
        pattern = pattern[1:] or "\\"
    return bool(text) and text[0] == pattern[0] and fits(pattern[1:], text[1:])


def fits_like(pattern, text):
    """Tell whether a text fits a pattern of SQL's LIKE."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(fits_like(pattern[1:], text[start:]) for start in range(len(text) + 1))
    if pattern[0] == "_":
        return bool(text) and fits_like(pattern[1:], text[1:])
    if pattern[0] == "\\":
        pattern = pattern[1:]
    return bool(text) and text[0] == pattern[0] and fits_like(pattern[1:], text[1:])


@given(pattern=letters, text=letters)
def test_wildcards_mean_what_they_say(pattern, text):
    one = Filter("name", (pattern,))
    assert one.matches(text) == fits(pattern, text)
    assert fits_like(one.like[0], text) == fits(pattern, text)
    assert text.startswith(one.prefix) or not one.matches(text)


@pytest.mark.parametrize("pattern", ["*a" * 40 + "b", "*" * 400 + "b", "*a?" * 30 + "b", "?*" * 60 + "b"])
def test_no_pattern_takes_long(pattern):
    """A matcher that tries again what it has tried would not end in a lifetime."""
    assert not Filter("name", (pattern,)).matches("a" * 4000)


def test_what_is_too_long_is_matched_here():
    assert Filter("name", ("x" * (LONGEST_LIKE + 1),)).like == ()
    assert Filter("name", ("a*", "b")).like == ("a%", "b")


def test_values_have_a_bound():
    with pytest.raises(AwsError, match="FilterLimitExceeded"):
        Filters([{"Name": "name", "Values": ["x"] * 201}], KNOWN)
