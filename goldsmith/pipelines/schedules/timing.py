"""When a pipeline is due next: what its record says of it, reckoned anew whenever its schedule has changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from goldsmith.documents.schedules.expression import ScheduleError, parse_schedule
from goldsmith.pipelines.moments import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.catalog.resources import Resource

FACT = "schedule"


@dataclass(frozen=True)
class Timing:
    """A pipeline's inner fact ``schedule``; times are in seconds.

    ``of`` are the expression and time zone that it is reckoned from, ``since`` when they were first seen, which rates
    count from. ``due`` is None for a schedule that never comes again.
    """

    of: tuple[str, str]
    since: float
    due: float | None

    @classmethod
    def read(cls, pipeline: Resource) -> Timing | None:
        """Return what a pipeline's record says; None for one that says nothing yet."""
        fact: Mapping[str, Any] | None = pipeline.inner.get(FACT)
        return cls(tuple(fact["of"]), fact["since"], fact["due"]) if fact else None

    def after(self, moment: float) -> Timing:
        """Return it with the first time strictly after a moment. Raises ScheduleError."""
        since = datetime.fromtimestamp(self.since, UTC)
        due = parse_schedule(*self.of, since=since).next_after(datetime.fromtimestamp(moment, UTC))
        return Timing(self.of, self.since, due.timestamp() if due else None)


def plan_next(pipeline: Resource, now: float) -> Resource:
    """Return a pipeline's record with the next run that its schedule has after now, in ``dateNextRun`` too.

    One that has no schedule, an unreadable one, or is DISABLED has no next run. Nothing changes for one whose next run
    is known: what was due before now stays due. To be called whenever a pipeline is made or updated; the scheduler
    calls it as well.
    """
    schedule = pipeline.document.get("schedule") or {}
    if not schedule.get("scheduleExpression") or pipeline.document.get("status") == "DISABLED":
        return pipeline.having(dateNextRun=None)
    of = (schedule["scheduleExpression"], schedule.get("timezone") or "UTC")
    known = Timing.read(pipeline)
    if known and known.of == of and (known.due is None or "dateNextRun" in pipeline.document):
        return pipeline
    since = known.since if known and known.of == of else now
    try:
        timing = Timing(of, since, None).after(now)
    except ScheduleError:
        timing = Timing(of, since, None)
    return with_timing(pipeline, timing)


def with_timing(pipeline: Resource, timing: Timing) -> Resource:
    """Return a pipeline's record with another timing."""
    shown = None if timing.due is None else iso(timing.due)
    fact = {"of": list(timing.of), "since": timing.since, "due": timing.due}
    return pipeline.having(dateNextRun=shown).knowing(**{FACT: fact})
