"""A group's plans: capacity is kept, the sick are replaced, the surplus goes by policy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.aws.autoscaling.members import FAILING, Member
from goldsmith.aws.autoscaling.planning import EnterService, Forget, Launch, Settings, Terminate, plan

NOW = 10_000.0
WELL = Member("i-1", 0.0, state="running", check="passed", in_service=1.0, zone="a", version="1")

members = st.lists(
    st.builds(
        Member,
        id=st.uuids().map(str),
        launched=st.floats(0, NOW),
        state=st.sampled_from(["pending", "running", "stopping", "stopped", "shutting-down", "terminated"]),
        check=st.sampled_from(["passed", "failed", "initializing"]),
        in_service=st.none() | st.floats(0, NOW),
        failing_since=st.none() | st.floats(0, NOW),
        leaving=st.booleans(),
        protected=st.booleans(),
        condemned=st.booleans(),
        zone=st.sampled_from("ab"),
        version=st.sampled_from(["1", "2"]),
    ),
    max_size=8,
    unique_by=lambda each: each.id,
)
processes = st.frozensets(st.sampled_from(["Launch", "Terminate", "HealthCheck", "ReplaceUnhealthy"]))


@given(members=members, desired=st.integers(0, 8), suspended=processes, grace=st.floats(0, NOW))
def test_every_plan_leads_towards_the_desired_capacity(members, desired, suspended, grace):
    group = Settings(desired, grace, suspended=suspended)
    actions = plan(group, members, NOW)
    by_id = {each.id: each for each in members}
    ended = [each for each in actions if isinstance(each, Terminate)]
    launched = sum(each.count for each in actions if isinstance(each, Launch))
    staying = [each for each in members if each.stays]
    left = len(staying) - len(ended) + launched
    assert len({each.id for each in ended}) == len(ended)
    assert all(by_id[each.id].stays for each in ended)
    assert all(each.unhealthy or not by_id[each.id].protected for each in ended)
    assert {each.id for each in actions if isinstance(each, Forget)} >= {
        each.id for each in members if each.state == "terminated"
    }
    if "Launch" in suspended:
        assert launched == 0
    elif launched or left < desired:
        assert left == desired
    if "Terminate" in suspended:
        assert not ended
    elif left > desired:
        sick = {each.id for each in ended if each.unhealthy}
        assert all(each.protected for each in staying if each.id not in sick and each.id not in {e.id for e in ended})


@pytest.mark.parametrize(
    ("member", "unhealthy"),
    [
        (WELL, False),
        (replace(WELL, state="pending", check="initializing"), False),
        (replace(WELL, check="initializing"), False),
        (replace(WELL, check="failed", failing_since=NOW - FAILING), True),
        (replace(WELL, check="failed", failing_since=NOW - FAILING + 1), False),
        (replace(WELL, check="failed", failing_since=0.0, launched=NOW - 30), False),
        (replace(WELL, state="stopped"), True),
        (replace(WELL, condemned=True, launched=NOW), True),
    ],
)
def test_who_is_unhealthy(member, unhealthy):
    expected = [Terminate("i-1", "The instance failed its health checks.", unhealthy=True)] if unhealthy else []
    actions = plan(Settings(1, grace=60.0), [member], NOW)
    assert [each for each in actions if isinstance(each, Terminate)] == expected
    assert sum(each.count for each in actions if isinstance(each, Launch)) == len(expected)


def test_what_is_only_noted():
    assert plan(Settings(1), [replace(WELL, in_service=None)], NOW) == [EnterService("i-1")]
    assert plan(Settings(0), [replace(WELL, state="terminated", leaving=True)], NOW) == [Forget("i-1", lost=False)]
    assert plan(Settings(0), [replace(WELL, state="shutting-down", leaving=True)], NOW) == []
    assert plan(Settings(0), [replace(WELL, state="shutting-down")], NOW) == [Forget("i-1", lost=True)]


@pytest.mark.parametrize(
    ("policies", "order"),
    [
        ((), ["old-a", "b", "a"]),
        (("Default",), ["old-a", "b", "a"]),
        (("OldestInstance",), ["b", "a", "old-a"]),
        (("NewestInstance",), ["old-a", "a", "b"]),
        (("OldestLaunchTemplate", "NewestInstance"), ["old-a", "a", "b"]),
    ],
)
def test_the_surplus_goes_by_policy(policies, order):
    there = [
        replace(WELL, id="b", launched=1.0, zone="b", version="2"),
        replace(WELL, id="a", launched=2.0, zone="a", version="2"),
        replace(WELL, id="old-a", launched=3.0, zone="a", version="1"),
        replace(WELL, id="safe", launched=0.0, zone="a", version="1", protected=True),
    ]
    group = Settings(1, policies=policies, version="2")
    assert [each.id for each in plan(group, there, NOW) if isinstance(each, Terminate)] == order


def test_a_group_that_is_deleted_ends_everyone_and_launches_none():
    actions = plan(Settings(2, deleting=True), [replace(WELL, protected=True)], NOW)
    assert [type(each) for each in actions] == [Terminate]


def test_a_launch_that_failed_is_tried_again_in_its_time():
    assert plan(Settings(1, retry_at=NOW + 1), [], NOW) == []
    assert [type(each) for each in plan(Settings(1, retry_at=NOW), [], NOW)] == [Launch]
