"""Event patterns as EventBridge's user guide has them."""

from __future__ import annotations

import pytest

from goldsmith.pipelines.events.patterns import PatternError, require_pattern, wants

EVENT = {
    "detail-type": "EC2 Image Builder Image State Change",
    "account": "111111111111",
    "resources": ["arn:one", "arn:two"],
    "detail": {"state": {"status": "FAILED"}, "count": 3, "flag": True, "none": None},
}


@pytest.mark.parametrize(
    "pattern",
    [
        "EC2 Image Builder Image State Change",
        "*State Change",
        "EC2 * Image*",
        {"detail": {"state": {"status": ["AVAILABLE", "FAILED"]}}},
        {"resources": ["arn:two"]},
        {"resources": [{"prefix": "arn:o"}]},
        {"resources": [{"suffix": "two"}], "account": ["111111111111"]},
        {"account": [{"anything-but": "222222222222"}]},
        {"account": [{"anything-but": ["222222222222", {"prefix": "3"}]}]},
        {"detail": {"state": {"status": [{"equals-ignore-case": "failed"}]}}},
        {"detail": {"state": {"status": [{"wildcard": "F*D"}]}}},
        {"detail": {"state": {"status": [{"exists": True}]}}},
        {"detail": {"missing": [{"exists": False}]}},
        {"detail": {"count": [3], "flag": [True], "none": [None]}},
    ],
)
def test_an_event_that_fits_is_wanted(pattern):
    require_pattern(pattern)
    assert wants(pattern, EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        "EC2 Image Builder",
        "[E]C2 Image Builder Image State Change",
        "ec2 image builder image state change",
        {"detail": {"state": {"status": ["AVAILABLE"]}}},
        {"detail": {"state": ["FAILED"]}},
        {"detail": {"state": {"status": {"deeper": ["FAILED"]}}}},
        {"resources": ["arn:three"]},
        {"account": [{"anything-but": "111111111111"}]},
        {"account": ["111111111111"], "resources": ["arn:three"]},
        {"account": [111111111111]},
        {"detail": {"flag": [1]}},
        {"detail": {"missing": ["x"]}},
        {"detail": {"state": {"status": [{"exists": False}]}}},
    ],
)
def test_another_is_not(pattern):
    require_pattern(pattern)
    assert not wants(pattern, EVENT)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ({}, "empty"),
        ({"detail": {}}, "pattern detail is empty"),
        ({"account": "111111111111"}, "no list under account"),
        ({"account": []}, "no list under account"),
        ({"account": [["1"]]}, "list in the list"),
        ({"account": [{"numeric": [">", 0]}]}, "numeric"),
        ({"account": [{"prefix": "1", "suffix": "2"}]}, "not known here"),
        ({"account": [{"prefix": 1}]}, "wrong type"),
        ({"account": [{"exists": "yes"}]}, "wrong type"),
        ({"account": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}, "cidr"),
    ],
)
def test_what_is_no_pattern_is_refused_in_words(pattern, said):
    with pytest.raises(PatternError, match=said):
        require_pattern(pattern)
