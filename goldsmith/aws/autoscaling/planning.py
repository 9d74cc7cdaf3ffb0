"""What a group's keeper does next: a function from the group, its instances and the clock to actions. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.autoscaling.members import Member


@dataclass(frozen=True)
class Settings:
    """Of a group, what plans are made by. ``retry_at`` is when a launch may be tried again after one failed."""

    desired: int
    grace: float = 0.0
    policies: tuple[str, ...] = ("Default",)
    suspended: frozenset[str] = field(default_factory=frozenset)
    retry_at: float = 0.0
    deleting: bool = False
    version: str = ""

    def may(self, *processes: str) -> bool:
        """Tell whether none of some processes is suspended."""
        return not self.suspended.intersection(processes)


@dataclass(frozen=True)
class Launch:
    """Launch so many instances."""

    count: int
    cause: str


@dataclass(frozen=True)
class Terminate:
    """Tell an instance to go; ``unhealthy`` says that it is because it is sick."""

    id: str
    cause: str
    unhealthy: bool = False


@dataclass(frozen=True)
class EnterService:
    """An instance that was pending runs."""

    id: str


@dataclass(frozen=True)
class Forget:
    """An instance is gone; ``lost`` says that nobody here told it to."""

    id: str
    lost: bool


Action = Launch | Terminate | EnterService | Forget


def plan(group: Settings, members: Sequence[Member], now: float) -> list[Action]:
    """Return what brings a group without a running refresh nearer to its desired capacity of healthy instances."""
    actions = keep_books(members)
    if group.deleting:
        return [*actions, *(Terminate(each.id, "The group is being deleted.") for each in members if each.stays)]
    return [*actions, *keep_capacity(group, members, now)]


def keep_capacity(group: Settings, members: Sequence[Member], now: float) -> list[Action]:
    """Return the end of the sick, launches where there are too few, ends where there are too many."""
    sick = replace_sick(group, members, now)
    gone = {each.id for each in sick}
    staying = [each for each in members if each.stays and each.id not in gone]
    missing = group.desired - len(staying)
    said = f"The desired capacity is {group.desired}, and there are {len(staying)} instances."
    if missing > 0 and group.may("Launch") and now >= group.retry_at:
        return [*sick, Launch(missing, said)]
    if missing < 0 and group.may("Terminate"):
        return [*sick, *(Terminate(each.id, said) for each in choose_surplus(group, staying, -missing))]
    return [*sick]


def keep_books(members: Sequence[Member]) -> list[Action]:
    """Return what is only to be noted: who entered service, who is gone."""
    actions: list[Action] = []
    for each in members:
        if each.state == "terminated" or (each.is_gone and not each.leaving):
            actions.append(Forget(each.id, lost=not each.leaving))
        elif each.state == "running" and each.in_service is None and each.stays:
            actions.append(EnterService(each.id))
    return actions


def replace_sick(group: Settings, members: Sequence[Member], now: float) -> list[Terminate]:
    """Return the end of those that are unhealthy, where the group's processes allow it."""
    if not group.may("HealthCheck", "ReplaceUnhealthy", "Terminate"):
        return []
    return [
        Terminate(each.id, "The instance failed its health checks.", unhealthy=True)
        for each in members
        if each.stays and each.is_unhealthy(group.grace, now)
    ]


def choose_surplus(group: Settings, staying: Sequence[Member], count: int) -> list[Member]:
    """Return whom a smaller group lets go, by its termination policies; those protected from scale-in stay."""
    left = [each for each in staying if not each.protected]
    chosen: list[Member] = []
    while left and len(chosen) < count:
        crowd = Counter(each.zone for each in left)
        first = min(left, key=lambda each: _order(group, each, crowd))
        chosen.append(first)
        left.remove(first)
    return chosen


def _order(group: Settings, member: Member, crowd: Counter[str]) -> tuple[float, ...]:
    """Return where an instance stands in the line of those to go: the least goes first.

    Default: from the zone with most instances, of another version than the group's first, then the oldest.
    """
    order: list[float] = []
    for policy in group.policies or ("Default",):
        if policy == "NewestInstance":
            order.append(-member.launched)
        elif policy == "OldestInstance":
            order.append(member.launched)
        elif policy in {"OldestLaunchTemplate", "OldestLaunchConfiguration"}:
            order.append(float(member.version == group.version))
        else:
            order += [-crowd[member.zone], float(member.version == group.version), member.launched]
    return (*order, member.launched)
