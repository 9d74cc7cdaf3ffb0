"""A step that waits for somebody: what its record in the catalogue says of it, and the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goldsmith.catalog.resources import Resource

ACTION = "WaitForAction"
RESUME = "RESUME"
STOP = "STOP"


def waits(step: Resource) -> bool:
    """Tell whether a step waits for an answer that has not come."""
    return step.state == "RUNNING" and bool(step.inner.get("waiting")) and "answer" not in step.inner


def begun(step: Resource, now: float) -> Resource:
    """Return a step's record as one that waits, since ``now`` if it did not already; seconds since the epoch."""
    return step.knowing(waiting=True, waiting_since=step.inner.get("waiting_since", now))


def answered(step: Resource, action: str, reason: str) -> Resource:
    """Return a step's record with its answer: RESUME or STOP, and why."""
    return step.knowing(answer={"action": action, "reason": reason})


def given_up(step: Resource) -> Resource:
    """Return a step's record as one that waits no longer: no answer is taken any more."""
    return step.knowing(waiting=None)
