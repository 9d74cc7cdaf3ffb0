"""How an instance refresh goes on: a function from where it stands, the instances and the clock to the next step. Pure.

Statuses and percentages are those of the Auto Scaling API ("InstanceRefresh"). Old instances are those that were there
when it began and are to be replaced; new ones are those launched since. It fails when a new one does not come up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from goldsmith.aws.autoscaling.planning import Launch, Terminate, keep_books, keep_capacity, replace_sick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.autoscaling.members import Member
    from goldsmith.aws.autoscaling.planning import Action, Settings

ROLLING = ("InProgress", "RollbackInProgress")
ACTIVE = ("Pending", "InProgress", "Baking", "Cancelling", "RollbackInProgress")

PATIENCE = 3600.0
"""Seconds without progress after which a refresh has failed, as on AWS."""

LAUNCH_PATIENCE = 600.0
"""Seconds for which launches may fail for want of room before the refresh has failed."""

MOST_BROKEN = 3
"""New instances that may break after they had come up."""


@dataclass(frozen=True)
class Refresh:
    """Where a refresh stands. Percentages are of the desired capacity; ``most`` is None where it was not given.

    ``old`` are the ids to be replaced, ``came_up`` those of new instances that were ready once. ``progress_at`` is
    when it last went on; ``launch_failing`` since when launches fail, and ``launch_refusal`` why one never will.
    """

    status: str
    old: frozenset[str]
    total: int
    least: int = 90
    most: int | None = None
    warmup: float = 0.0
    checkpoints: tuple[int, ...] = (100,)
    checkpoint_delay: float = 3600.0
    bake: float = 0.0
    may_roll_back: bool = False
    roll_back_itself: bool = False
    waits_for_transitions: bool = True
    waits_for_protected: bool = False
    checkpoint: int = 0
    held_since: float | None = None
    baking_since: float | None = None
    came_up: frozenset[str] = field(default_factory=frozenset)
    broken: int = 0
    counted: int = 0
    progress_at: float = 0.0
    launch_failing: float | None = None
    launch_refusal: str = ""
    reason: str = ""
    percentage: int = 0
    to_update: int = 0
    percentage_before: int = 0
    to_update_before: int = 0
    rolled_back_at: float | None = None

    @property
    def is_active(self) -> bool:
        """It is not over."""
        return self.status in ACTIVE


@dataclass(frozen=True)
class Bounds:
    """How few instances must be ready, and how many may be there, in numbers."""

    least: int
    most: int


def bounds(refresh: Refresh, desired: int) -> Bounds:
    """Return the bounds of a refresh. Where they leave no room at all, one instance is taken before its replacement.

    Or the replacement before the instance, where a maximum was given (Auto Scaling API, "RefreshPreferences").
    """
    least = math.ceil(desired * refresh.least / 100)
    most = max(desired, desired * (refresh.most or 100) // 100)
    if least >= desired and most <= desired:
        if refresh.most is None:
            return Bounds(max(0, desired - 1), most)
        return Bounds(least, desired + 1)
    return Bounds(least, most)


def step(refresh: Refresh, group: Settings, members: Sequence[Member], now: float) -> tuple[Refresh, list[Action]]:
    """Return where the refresh stands next and what is to be done for it, in the group's stead."""
    if refresh.status == "Pending":
        refresh = replace(refresh, status="InProgress", progress_at=now)
    books = keep_books(members)
    if refresh.status == "Cancelling":
        moving = any(each.leaving or (each.stays and each.in_service is None) for each in members)
        if refresh.waits_for_transitions and moving:
            return refresh, books
        return replace(refresh, status="Cancelled", reason="Cancelled by request."), books
    if not group.may("InstanceRefresh"):
        return replace(refresh, progress_at=now), books
    new = [each for each in members if each.id not in refresh.old and not each.leaving]
    sick = replace_sick(group, [each for each in members if each.id in refresh.old], now)
    warm = {each.id for each in new if each.is_ready(refresh.warmup, now)}
    refresh = replace(refresh, came_up=refresh.came_up | warm)
    broken = [each for each in new if each.is_gone or each.is_unhealthy(group.grace, now)]
    ending: list[Action] = [
        Terminate(each.id, "The instance did not come up during an instance refresh.", unhealthy=True)
        for each in broken
        if each.stays
    ]
    refresh = replace(refresh, broken=refresh.broken + sum(each.id in refresh.came_up for each in broken))
    fault = _fault(refresh, broken, now)
    ending += sick
    gone = {each.id for each in broken} | {each.id for each in sick}
    staying = [each for each in members if each.stays and each.id not in gone]
    if fault:
        return fail(refresh, staying, fault, now), [*books, *ending]
    if refresh.status == "Baking":
        return _bake(refresh, now), [*books, *ending, *keep_capacity(group, staying, now)]
    refresh, rolling = _roll(refresh, group, staying, now)
    return refresh, [*books, *ending, *rolling]


def fail(refresh: Refresh, staying: Sequence[Member], reason: str, now: float) -> Refresh:
    """Return a refresh that failed: over, or rolling itself back; a rollback that fails is over."""
    if refresh.status == "RollbackInProgress":
        return replace(refresh, status="RollbackFailed", reason=reason)
    if refresh.roll_back_itself and refresh.may_roll_back:
        return roll_back(refresh, staying, f"{reason} Rolled back automatically.", now)
    return replace(refresh, status="Failed", reason=reason)


def roll_back(refresh: Refresh, staying: Sequence[Member], reason: str, now: float) -> Refresh:
    """Return a refresh that goes the way back: what it launched is old now."""
    launched = frozenset(each.id for each in staying if each.id not in refresh.old)
    return replace(
        refresh,
        status="RollbackInProgress",
        reason=reason,
        old=launched,
        total=len(launched),
        checkpoints=(100,),
        checkpoint=0,
        held_since=None,
        bake=0.0,
        came_up=frozenset(),
        broken=0,
        counted=0,
        progress_at=now,
        launch_failing=None,
        launch_refusal="",
        waits_for_protected=False,
        percentage_before=refresh.percentage,
        to_update_before=refresh.to_update,
        rolled_back_at=now,
    )


def _fault(refresh: Refresh, broken: Sequence[Member], now: float) -> str:
    """Return why a refresh has failed, "" when it has not."""
    never = [each.id for each in broken if each.id not in refresh.came_up]
    if never:
        return f"The new instance {never[0]} did not come up healthy."
    if refresh.broken > MOST_BROKEN:
        return f"New instances broke {refresh.broken} times after they had come up."
    if refresh.launch_refusal:
        return f"New instances cannot be launched: {refresh.launch_refusal}"
    if refresh.launch_failing is not None and now - refresh.launch_failing > LAUNCH_PATIENCE:
        return f"For {LAUNCH_PATIENCE / 60:.0f} minutes there was no room for new instances."
    held = refresh.held_since is not None or refresh.status == "Baking"
    if not held and now - refresh.progress_at > PATIENCE:
        return f"The instance refresh made no progress for {PATIENCE / 60:.0f} minutes."
    return ""


def _roll(refresh: Refresh, group: Settings, staying: Sequence[Member], now: float) -> tuple[Refresh, list[Action]]:
    """Replace as many as the bounds and the checkpoint allow, or find that it is done."""
    old = [each for each in staying if each.id in refresh.old]
    new = [each for each in staying if each.id not in refresh.old]
    ready = {each.id for each in old if each.is_ready(0, now)}
    ready |= {each.id for each in new if each.is_ready(refresh.warmup, now)}
    replaced = refresh.total - len(old)
    allowed = math.ceil(refresh.total * refresh.checkpoints[refresh.checkpoint] / 100)
    refresh = _measured(refresh, min(replaced, sum(each.id in ready for each in new)), len(new), now)
    whole = len(staying) == group.desired and all(each.id in ready for each in new)
    if replaced >= allowed and whole:
        return _pass_checkpoint(refresh, now), []
    refresh = replace(refresh, held_since=None)
    limit = bounds(refresh, group.desired)
    open_to = [each for each in old if not (refresh.waits_for_protected and each.protected)]
    to_go = max(0, min(len(open_to), allowed - replaced))
    doomed = _choose(open_to, ready, to_go, limit) if group.may("Terminate") else []
    left = len(staying) - len(doomed)
    actions: list[Action] = [Terminate(each.id, "Replaced by an instance refresh.") for each in doomed]
    wanted = min(limit.most, group.desired + to_go - len(doomed)) - left
    if wanted > 0 and group.may("Launch") and now >= group.retry_at:
        actions.append(Launch(wanted, "Replaces instances in an instance refresh."))
    surplus = left - group.desired - (to_go - len(doomed))
    if surplus > 0 and group.may("Terminate"):
        extra = [each for each in [*old, *reversed(new)] if each not in doomed and each.id not in ready]
        extra += [each for each in [*old, *reversed(new)] if each not in doomed and each.id in ready]
        actions += [Terminate(each.id, "The group's desired capacity was reduced.") for each in extra[:surplus]]
    return refresh, actions


def _choose(old: Sequence[Member], ready: set[str], count: int, limit: Bounds) -> list[Member]:
    """Return the old ones that may go now: first those that do no work anyhow, then while enough are ready."""
    idle = [each for each in old if each.id not in ready][:count]
    room = max(0, len(ready) - limit.least)
    working = sorted((each for each in old if each.id in ready), key=lambda each: each.launched)
    return [*idle, *working[: min(room, count - len(idle))]]


def _measured(refresh: Refresh, done: int, launched: int, now: float) -> Refresh:
    """Return it with how far it is, and when it last went on."""
    moved = done * 10_000 + launched
    refresh = replace(refresh, counted=moved, progress_at=now if moved != refresh.counted else refresh.progress_at)
    share = done * 100 // refresh.total if refresh.total else 100
    if refresh.status == "RollbackInProgress":
        going_down = refresh.percentage_before * (100 - share) // 100
        return replace(refresh, percentage=going_down, to_update=refresh.to_update_before)
    return replace(refresh, percentage=share, to_update=refresh.total - done)


def _pass_checkpoint(refresh: Refresh, now: float) -> Refresh:
    """Wait at a checkpoint, go on to the next, or end."""
    if refresh.checkpoint < len(refresh.checkpoints) - 1:
        held = refresh.held_since if refresh.held_since is not None else now
        if now - held < refresh.checkpoint_delay:
            return replace(refresh, held_since=held)
        return replace(refresh, checkpoint=refresh.checkpoint + 1, held_since=None, progress_at=now)
    if refresh.bake:
        return replace(refresh, status="Baking", baking_since=now)
    return _end(refresh)


def _bake(refresh: Refresh, now: float) -> Refresh:
    if refresh.baking_since is not None and now - refresh.baking_since >= refresh.bake:
        return _end(refresh)
    return refresh


def _end(refresh: Refresh) -> Refresh:
    if refresh.status == "RollbackInProgress":
        return replace(refresh, status="RollbackSuccessful", percentage=0)
    return replace(refresh, status="Successful", reason="")
