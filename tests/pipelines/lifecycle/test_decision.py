from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.documents.lifecycle import AmiExclusions, LifecyclePolicy
from goldsmith.documents.versions import Version
from goldsmith.pipelines.lifecycle.decision import BROKEN, FROM, WHOLE, AmiFacts, ImageFacts, decide, exclusion
from goldsmith.pipelines.lifecycle.spans import before

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
DAY = 24 * 3600
STATES = (*WHOLE, *BROKEN, "BUILDING", "DELETED")


def policy(
    *details: dict[str, Any], selection: dict[str, Any] | None = None, kind: str = "AMI_IMAGE"
) -> LifecyclePolicy:
    recipes = {"recipes": [{"name": "Web Server", "semanticVersion": "x.x.x"}]}
    return LifecyclePolicy.model_validate(
        {
            "name": "tidy",
            "executionRole": "janitor",
            "resourceType": kind,
            "policyDetails": list(details),
            "resourceSelection": selection or recipes,
        }
    )


def age(action: str, days: int, *, keep: int | None = None, exclude: dict[str, Any] | None = None) -> dict[str, Any]:
    when = {"type": "AGE", "value": days, "unit": "DAYS", **({"retainAtLeast": keep} if keep else {})}
    return {"action": {"type": action}, "filter": when, **({"exclusionRules": exclude} if exclude else {})}


def count(kept: int) -> dict[str, Any]:
    return {"action": {"type": "DELETE"}, "filter": {"type": "COUNT", "value": kept}}


def image(build: int, days: float, status: str = "AVAILABLE", version: str = "1.0.0", **facts: Any) -> ImageFacts:
    known = {"type": "AMI", "recipe": "web-server", **facts}
    arn = f"arn:image/{known['recipe']}/{version}/{build}"
    return ImageFacts(
        arn, version=Version.parse(f"{version}/{build}"), status=status, created=NOW - days * DAY, **known
    )


def done(wanted: LifecyclePolicy, *images: ImageFacts) -> list[tuple[str, int]]:
    return [(action.detail.action.type, action.image.version.build) for action in decide(wanted, images, NOW)]


def test_an_age_is_reached_to_the_second():
    assert done(policy(age("DELETE", 30)), image(1, 29.999), image(2, 30), image(3, 31)) == [
        ("DELETE", 2),
        ("DELETE", 3),
    ]


def test_one_action_a_run_in_the_order_of_severity():
    wanted = policy(age("DELETE", 30), age("DEPRECATE", 10), age("DISABLE", 20))
    everything = [image(1, 40), image(2, 40, "DEPRECATED"), image(3, 40, "DISABLED"), image(4, 15), image(5, 5)]
    assert done(wanted, *everything) == [("DEPRECATE", 4), ("DELETE", 3), ("DISABLE", 2), ("DEPRECATE", 1)]


def test_the_newest_of_each_version_are_retained():
    wanted = policy(age("DELETE", 1, keep=2))
    first = [image(build, 50 - build) for build in (1, 2, 3)]
    second = [image(build, 50 - build, version="1.1.0") for build in (1, 2)]
    assert done(wanted, *first, *second) == [("DELETE", 1)]


def test_a_number_is_kept_in_each_version_whatever_their_age():
    first = [image(build, 5 - build) for build in (1, 2, 3, 4)]
    second = [image(build, 5 - build, version="2.0.0") for build in (1, 2)]
    assert done(policy(count(2)), *first, *second) == [("DELETE", 2), ("DELETE", 1)]


def test_failed_and_cancelled_images_always_go_and_take_no_place():
    images = [image(1, 3), image(2, 2), image(3, 1, "FAILED"), image(4, 1, "CANCELLED")]
    assert done(policy(count(2)), *images) == [("DELETE", 4), ("DELETE", 3)]
    assert done(policy(age("DELETE", 30, keep=2)), *images) == [("DELETE", 4), ("DELETE", 3)]
    assert done(policy(age("DEPRECATE", 1), age("DISABLE", 1)), *images[2:]) == []


def test_what_is_being_built_and_what_is_deleted_is_left_alone_and_takes_no_place():
    images = [image(1, 9), image(2, 8, "BUILDING"), image(3, 7, "DELETED")]
    assert done(policy(count(1)), *images) == []


@pytest.mark.parametrize(
    ("version", "chosen"), [("x.x.x", [3, 2, 1]), ("1.x.x", [2, 1]), ("1.0.x", [1]), ("2.0.0", [3]), ("3.0.0", [])]
)
def test_recipes_are_chosen_by_version(version, chosen):
    wanted = policy(age("DELETE", 1), selection={"recipes": [{"name": "Web_Server", "semanticVersion": version}]})
    images = [image(1, 4, version="1.0.0"), image(2, 3, version="1.1.0"), image(3, 2, version="2.0.0")]
    assert [build for _, build in done(wanted, *images, image(4, 9, recipe="other"))] == chosen


def test_images_are_chosen_by_any_tag():
    wanted = policy(age("DELETE", 1), selection={"tagMap": {"team": "red", "stage": "test"}})
    tagged = [{"team": "red"}, {"team": "blue", "stage": "test"}, {"team": "blue"}, {}]
    assert done(wanted, *(image(build, 9, tags=tags) for build, tags in enumerate(tagged, 1))) == [
        ("DELETE", 2),
        ("DELETE", 1),
    ]


def test_images_are_excluded_by_tag_from_one_action_alone():
    wanted = policy(age("DISABLE", 1, exclude={"tagMap": {"keep": "yes"}}), age("DELETE", 5))
    assert done(wanted, image(1, 9, tags={"keep": "yes"}), image(2, 9, tags={"keep": "no"})) == [
        ("DISABLE", 2),
        ("DELETE", 1),
    ]


def test_a_policy_is_for_its_type_of_images():
    containers = {"action": {"type": "DELETE", "includeResources": {"containers": True}}, "filter": count(1)["filter"]}
    images = [image(1, 9), image(2, 8), image(3, 7, type="DOCKER"), image(4, 6, type="DOCKER")]
    assert done(policy(count(1)), *images) == [("DELETE", 1)]
    assert done(policy(containers, kind="CONTAINER_IMAGE"), *images) == [("DELETE", 3)]


def test_reasons_are_told():
    actions = decide(policy(age("DELETE", 30)), [image(1, 31), image(2, 1, "FAILED")], NOW)
    assert [action.reason for action in actions] == ["The image is FAILED.", "The image is older than 30 days."]
    assert decide(policy(count(1)), [image(1, 2), image(2, 1)], NOW)[0].reason == (
        "Newer images of this version: 1; kept are 1."
    )


images_of_all_kinds = st.lists(
    st.tuples(st.sampled_from(STATES), st.floats(0, 100), st.sampled_from(("1.0.0", "1.1.0"))), max_size=20
).map(lambda rows: [image(build, days, status, version) for build, (status, days, version) in enumerate(rows, 1)])


@given(images_of_all_kinds, st.integers(1, 100), st.integers(1, 5))
def test_whatever_there_is_at_most_one_action_and_enough_are_kept(images, days, keep):
    wanted = policy(age("DEPRECATE", days, keep=keep), age("DISABLE", days), age("DELETE", days, keep=keep))
    actions = decide(wanted, images, NOW)
    assert len({action.image.arn for action in actions}) == len(actions)
    for action in actions:
        assert action.image.status in FROM[action.detail.action.type]
        assert action.image.status in BROKEN or action.image.created <= NOW - days * DAY
    gone = {action.image.arn for action in actions if action.detail.action.type == "DELETE"}
    assert {each.arn for each in images if each.status in BROKEN} <= gone
    for version in ("1.0.0", "1.1.0"):
        whole = [each for each in images if each.status in WHOLE and str(each.version.release) == version]
        left = [each for each in whole if each.arn not in gone]
        assert len(left) >= min(keep, len(whole))


@given(images_of_all_kinds, st.integers(1, 5))
def test_a_count_leaves_the_newest(images, kept):
    gone = {action.image.arn for action in decide(policy(count(kept)), images, NOW)}
    for version in ("1.0.0", "1.1.0"):
        whole = [each for each in images if each.status in WHOLE and str(each.version.release) == version]
        left = [each for each in whole if each.arn not in gone]
        assert len(left) == min(kept, len(whole))
        assert all(old.created <= new.created for old in whole if old.arn in gone for new in left)


class TestExclusions:
    rules = AmiExclusions.model_validate(
        {
            "isPublic": True,
            "regions": ["eu-west-1"],
            "sharedAccounts": ["111111111111"],
            "lastLaunched": {"value": 2, "unit": "WEEKS"},
            "tagMap": {"keep": "yes"},
        }
    )

    def test_they_are_looked_at_in_order(self):
        tags = {"keep": "yes"}
        everything = AmiFacts("eu-west-1", True, tags, ("111111111111",), NOW)
        known = [
            everything,
            AmiFacts("eu-central-1", True, tags, ("111111111111",), NOW),
            AmiFacts("eu-central-1", False, tags, ("111111111111",), NOW),
            AmiFacts("eu-central-1", False, {}, ("111111111111",), NOW),
            AmiFacts("eu-central-1", False, {}, (), NOW),
            AmiFacts("eu-central-1", False, {"keep": "no"}, ("222222222222",), NOW - 15 * DAY),
        ]
        assert [exclusion(self.rules, each, NOW) for each in known] == [
            "AMIs in eu-west-1 are excluded.",
            "Public AMIs are excluded.",
            "AMIs with the tag keep=yes are excluded.",
            "AMIs that are shared with 111111111111 are excluded.",
            "AMIs that were launched in the last 2 weeks are excluded.",
            "",
        ]

    def test_none_and_empty_ones_exclude_nothing(self):
        public = AmiFacts("eu-west-1", True, {"keep": "yes"}, ("111111111111",), NOW)
        assert not exclusion(None, public, NOW)
        assert not exclusion(AmiExclusions(), public, NOW)


@pytest.mark.parametrize(
    ("moment", "value", "unit", "expected"),
    [
        ("2026-03-31", 1, "MONTHS", "2026-02-28"),
        ("2028-03-31", 1, "MONTHS", "2028-02-29"),
        ("2028-02-29", 1, "YEARS", "2027-02-28"),
        ("2026-01-15", 13, "MONTHS", "2024-12-15"),
        ("2026-01-15", 2, "WEEKS", "2026-01-01"),
        ("2026-01-15", 15, "DAYS", "2025-12-31"),
        ("2026-01-15", 1000, "YEARS", "1970-01-01"),
        ("2026-01-15", 1000, "MONTHS", "1970-01-01"),
    ],
)
def test_spans_follow_the_calendar(moment, value, unit, expected):
    def at(day):
        return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()

    assert before(at(moment), value, unit) == at(expected)


@given(st.floats(0, 4e9), st.integers(1, 1000), st.sampled_from(("DAYS", "WEEKS", "MONTHS", "YEARS")))
def test_more_units_are_no_later(moment, value, unit):
    earlier = before(moment, value, unit)
    assert 0 <= earlier <= moment
    assert before(moment, value + 1, unit) <= earlier
    assert (
        earlier == 0
        or moment - earlier >= timedelta(days=value * (28 if unit == "MONTHS" else 1)).total_seconds() - 1e-3
    )
