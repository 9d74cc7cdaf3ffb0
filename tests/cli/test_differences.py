"""What counts as a difference between what is wanted and what is there."""

from __future__ import annotations

import pytest

from goldsmith.cli.applying.differences import differences


@pytest.mark.parametrize(
    ("wanted", "current"),
    [
        ({"a": 1}, {"a": 1}),
        ({}, {"a": None, "b": [], "c": {}, "d": ""}),
        ({}, {"a": {"enhancedImageMetadataEnabled": True}}),
        ({"workingDirectory": "/tmp"}, {}),
        ({"imageTestsConfiguration": {"imageTestsEnabled": True}}, {}),
        (
            {"imageTestsConfiguration": {"timeoutMinutes": 90}},
            {"imageTestsConfiguration": {"timeoutMinutes": 90, "imageTestsEnabled": True}},
        ),
        (
            {"schedule": {"scheduleExpression": "rate(1 day)"}},
            {"schedule": {"scheduleExpression": "rate(1 day)", "timezone": "UTC"}},
        ),
        ({"a": [{"b": {"terminateInstanceOnFailure": True}}]}, {"a": [{}]}),
    ],
)
def test_what_means_the_same_is_none(wanted, current):
    assert differences(wanted, current, {*wanted, *current}) == ()


@pytest.mark.parametrize(
    ("wanted", "current", "told"),
    [
        ({"a": 1}, {"a": 2}, ("a: 2 → 1",)),
        ({"a": False}, {}, ("a: none → False",)),
        (
            {"terminateInstanceOnFailure": False},
            {"terminateInstanceOnFailure": True},
            ("terminateInstanceOnFailure: none → False",),
        ),
        ({"a": [1, 2]}, {"a": [2, 1]}, ("a[0]: 2 → 1", "a[1]: 1 → 2")),
        ({"a": {"b": "x"}}, {}, ("a.b: none → x",)),
        ({}, {"a": "x"}, ("a: x → none",)),
        ({"data": "a\nb\nc"}, {"data": "a\nB\nc"}, ("data, line 2: B → b",)),
        ({"data": "a\nb"}, {"data": "a\nb\nc"}, ("data: 3 lines → 2 lines",)),
        ({"a": "arn:aws:imagebuilder:r:111122223333:image/x/1.0.0"}, {}, ("a: none → image/x/1.0.0",)),
    ],
)
def test_what_differs_is_told(wanted, current, told):
    assert differences(wanted, current, {*wanted, *current}) == told


def test_only_members_that_count_are_compared():
    assert differences({"a": 1}, {"b": 2}, {"c"}) == ()
