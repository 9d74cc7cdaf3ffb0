"""Plans against a world of invented instances: bounds hold, refreshes end, good images win and bad ones go back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from goldsmith.aws.autoscaling.members import Member
from goldsmith.aws.autoscaling.planning import EnterService, Forget, Launch, Settings, Terminate, plan
from goldsmith.aws.autoscaling.refresh_planning import Refresh, bounds, roll_back, step

TICK = 5.0
OVER = {"Successful", "Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed"}


@dataclass
class World:
    """Instances whose fate is their version's: "good" comes up after some ticks, others never do, each in its way."""

    group: Settings
    fates: dict[str, str]
    slowness: int = 2
    members: dict[str, Member] = field(default_factory=dict)
    now: float = 1_000_000.0
    made: int = 0
    most_seen: int = 0
    launches: int = 0

    def launch(self, version: str, *, ready: bool = False) -> Member:
        self.made += 1
        made = Member(f"i-{self.made}", self.now, zone="ab"[self.made % 2], version=version)
        if ready:
            made = replace(
                made, state="running", check="passed", in_service=self.now - 10_000, launched=self.now - 10_000
            )
        self.members[made.id] = made
        return made

    def pass_time(self) -> None:
        self.now += TICK
        for member in list(self.members.values()):
            self.members[member.id] = self._grown(member)

    def _grown(self, member: Member) -> Member:
        if member.leaving:
            return replace(member, state="terminated" if member.state == "shutting-down" else "shutting-down")
        if member.is_gone or member.state == "stopped" or (self.now - member.launched) / TICK < self.slowness:
            return member
        ends = {
            "good": {"state": "running", "check": "passed"},
            "dies": {"state": "terminated"},
            "powers off": {"state": "stopped"},
            "is ill": {"state": "running", "check": "failed", "failing_since": member.failing_since or self.now},
            "hangs": {"state": "running"},
        }
        return replace(member, **ends[self.fates[member.version]])

    def ready(self, refresh: Refresh | None = None) -> set[str]:
        warmup = refresh.warmup if refresh else 0.0
        return {
            each.id
            for each in self.members.values()
            if each.is_ready(0.0 if refresh and each.id in refresh.old else warmup, self.now)
        }

    def do(self, actions, version: str) -> None:
        for action in actions:
            if isinstance(action, Launch):
                self.launches += action.count
                for _ in range(action.count):
                    self.launch(version)
            elif isinstance(action, Terminate):
                assert self.members[action.id].stays
                self.members[action.id] = replace(self.members[action.id], leaving=True)
            elif isinstance(action, EnterService):
                self.members[action.id] = replace(self.members[action.id], in_service=self.now)
            elif isinstance(action, Forget):
                del self.members[action.id]
        self.most_seen = max(self.most_seen, sum(each.stays for each in self.members.values()))

    def turn(self, refresh: Refresh) -> Refresh:
        """Take one step without holding it to anything."""
        refresh, actions = step(refresh, self.group, list(self.members.values()), self.now)
        self.do(actions, "old" if refresh.status.startswith("Rollback") else "new")
        self.pass_time()
        return refresh

    def run(self, refresh: Refresh, ticks: int = 3_000) -> Refresh:
        """Go on until the refresh is over, holding every step to its bounds."""
        for _ in range(ticks):
            before = self.ready(refresh)
            limit = bounds(refresh, self.group.desired)
            there = sum(each.stays for each in self.members.values())
            following, actions = step(refresh, self.group, list(self.members.values()), self.now)
            ended = {each.id for each in actions if isinstance(each, Terminate) and not each.unhealthy}
            assert len(before - ended) >= min(len(before), limit.least), (before, ended, limit)
            assert len({each.id for each in actions if isinstance(each, Terminate)}) == sum(
                isinstance(each, Terminate) for each in actions
            )
            new = "old" if following.status.startswith("Rollback") else "new"
            self.do(actions, new)
            assert sum(each.stays for each in self.members.values()) <= max(there, limit.most)
            refresh = following
            if refresh.status in OVER:
                return refresh
            self.pass_time()
        raise AssertionError(f"it never ended: {refresh}")


def start(world: World, **preferences) -> Refresh:
    old = frozenset(world.members)
    return Refresh("Pending", old, len(old), progress_at=world.now, **preferences)


def world_of(count: int, fate: str = "good", **more) -> World:
    world = World(Settings(count, grace=10.0), {"old": "good", "new": fate}, **more)
    for _ in range(count):
        world.launch("old", ready=True)
    return world


PREFERENCES = {
    "least": st.integers(0, 100),
    "most": st.none() | st.integers(100, 200),
    "warmup": st.sampled_from([0.0, 12.0, 60.0]),
    "bake": st.sampled_from([0.0, 30.0]),
}


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(0, 12),
    slowness=st.integers(1, 6),
    checkpoints=st.lists(st.integers(1, 99), max_size=3, unique=True).map(lambda some: (*sorted(some), 100)),
    preferences=st.fixed_dictionaries(PREFERENCES),
)
@example(count=1, slowness=1, checkpoints=(100,), preferences={"least": 90, "most": None})
@example(count=1, slowness=1, checkpoints=(100,), preferences={"least": 100, "most": 100})
def test_a_good_image_replaces_every_instance_within_the_bounds(count, slowness, checkpoints, preferences):
    world = world_of(count, slowness=slowness)
    refresh = world.run(start(world, checkpoints=checkpoints, checkpoint_delay=20.0, **preferences))
    assert refresh.status == "Successful"
    assert (refresh.percentage, refresh.to_update) == (100, 0)
    staying = [each for each in world.members.values() if each.stays]
    assert [each.version for each in staying] == ["new"] * count
    assert len(world.ready()) == count
    assert world.launches == count


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(1, 8),
    fate=st.sampled_from(["dies", "powers off", "is ill", "hangs"]),
    itself=st.booleans(),
    preferences=st.fixed_dictionaries(PREFERENCES),
)
def test_an_image_that_does_not_come_up_is_rolled_back_or_left(count, fate, itself, preferences):
    world = world_of(count, fate)
    refresh = world.run(start(world, may_roll_back=True, roll_back_itself=itself, **preferences))
    assert refresh.status == ("RollbackSuccessful" if itself else "Failed")
    assert refresh.reason
    if itself:
        staying = [each for each in world.members.values() if each.stays]
        assert [each.version for each in staying] == ["old"] * count
        assert len(world.ready()) == count


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 6), fate=st.sampled_from(["dies", "is ill"]), least=st.integers(0, 100))
def test_a_rollback_whose_image_is_bad_too_ends(count, fate, least):
    world = world_of(count, fate)
    world.fates["old"] = "good"
    refresh = start(world, may_roll_back=True, roll_back_itself=True, least=least)
    for _ in range(2_000):
        following, actions = step(refresh, world.group, list(world.members.values()), world.now)
        if following.status.startswith("Rollback"):
            world.fates["worse"] = fate
        world.do(actions, "worse" if following.status.startswith("Rollback") else "new")
        refresh = following
        if refresh.status in OVER:
            break
        world.pass_time()
    assert refresh.status in {"RollbackFailed", "RollbackSuccessful"}


@settings(max_examples=100, deadline=None)
@given(
    count=st.integers(1, 8),
    after=st.integers(0, 12),
    back=st.booleans(),
    preferences=st.fixed_dictionaries(PREFERENCES),
)
def test_a_cancelled_or_rolled_back_refresh_ends_and_the_group_is_whole_again(count, after, back, preferences):
    world = world_of(count)
    refresh = start(world, may_roll_back=True, **preferences)
    for _ in range(after):
        refresh = world.turn(refresh)
    if refresh.is_active and back:
        refresh = roll_back(refresh, [each for each in world.members.values() if each.stays], "Asked for.", world.now)
        refresh = world.run(refresh)
        assert refresh.status == "RollbackSuccessful"
        assert {each.version for each in world.members.values() if each.stays} == {"old"}
    elif refresh.is_active:
        refresh = world.run(replace(refresh, status="Cancelling"))
        assert refresh.status == "Cancelled"
    for _ in range(20):
        world.do(plan(world.group, list(world.members.values()), world.now), "old")
        world.pass_time()
    assert len(world.ready()) == sum(each.stays for each in world.members.values()) == count


def test_percentages_only_rise_while_it_goes_well():
    world = world_of(5)
    refresh = start(world, least=50)
    seen = []
    while refresh.status not in OVER and len(seen) < 100:
        refresh = world.turn(refresh)
        seen.append(refresh.percentage)
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 100
    assert 0 < seen[len(seen) // 2] < 100


def test_one_instance_goes_before_its_replacement_unless_a_maximum_is_given():
    for most, expected in ((None, 1), (100, 2), (200, 2)):
        world = world_of(1)
        assert world.run(start(world, least=100, most=most)).status == "Successful"
        assert world.most_seen == expected


def test_a_checkpoint_holds_until_its_delay_is_over():
    world = world_of(4)
    refresh = start(world, checkpoints=(50, 100), checkpoint_delay=3000.0, least=0)
    began = world.now
    while refresh.held_since is None and world.now - began < 300:
        refresh = world.turn(refresh)
    assert refresh.percentage == 50
    assert sorted(each.version for each in world.members.values() if each.stays) == ["new", "new", "old", "old"]
    assert world.run(refresh).status == "Successful"
    assert world.now - began >= 3000.0


def test_without_room_launches_are_tried_for_a_while():
    world = world_of(2)
    world.group = replace(world.group, retry_at=float("inf"))
    refresh = replace(start(world, may_roll_back=True, roll_back_itself=True, least=50), launch_failing=world.now)
    while refresh.status == "Pending" or (refresh.status == "InProgress" and world.now < 1_002_000):
        refresh = world.turn(refresh)
    assert refresh.status == "RollbackInProgress"
    assert "no room" in refresh.reason
    world.group = replace(world.group, retry_at=0.0)
    assert world.run(refresh).status == "RollbackSuccessful"


def test_a_launch_that_can_never_be_fails_at_once():
    world = world_of(2)
    refresh = replace(start(world), launch_refusal="InvalidAMIID.NotFound: The image id does not exist")
    refresh, _ = step(refresh, world.group, list(world.members.values()), world.now)
    assert refresh.status == "Failed"
    assert "InvalidAMIID.NotFound" in refresh.reason


def test_protected_instances_are_waited_for_and_then_it_fails():
    world = world_of(2)
    protected = next(iter(world.members))
    world.members[protected] = replace(world.members[protected], protected=True)
    refresh = world.run(start(world, waits_for_protected=True, least=0))
    assert refresh.status == "Failed"
    assert world.members[protected].stays
    assert world.now - 1_000_000.0 >= 3600


def test_suspended_processes_hold_it():
    for process in ("InstanceRefresh", "Launch"):
        world = world_of(2)
        world.group = replace(world.group, suspended=frozenset({process}))
        refresh = start(world, least=50, most=200)
        for _ in range(50):
            refresh = world.turn(refresh)
        assert world.launches == 0
        assert refresh.is_active
