"""A pipeline's schedule expression, cron or rate, and when it is due next (3.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from goldsmith.documents.schedules.cron import Cron
from goldsmith.documents.schedules.errors import ScheduleError
from goldsmith.documents.schedules.rate import Rate

__all__ = ["ScheduleError", "ScheduleExpression", "parse_schedule"]

EPOCH = datetime.fromtimestamp(0, UTC)

_FORM = re.compile(r"(cron|rate)\( ?([^()]{1,256}?) ?\)")
_ZONE = re.compile(r"[A-Za-z0-9_+-]{2,}(/[A-Za-z0-9_+-]+)*")


class ScheduleExpression(Protocol):
    """When something is to be done again and again."""

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first moment, in UTC, strictly after another (of any time zone); None when there is none."""


def parse_schedule(expression: str, timezone: str = "UTC", *, since: datetime = EPOCH) -> ScheduleExpression:
    """Return what a ``scheduleExpression`` says in a time zone, which only matters to cron.

    A rate counts from ``since``, when the schedule was made. Raises ScheduleError.
    """
    zone = find_zone(timezone)
    match = _FORM.fullmatch(expression)
    if match is None:
        raise ScheduleError(
            f"'{expression[:100]}' is no schedule expression.",
            mend="Write cron(minute hour day-of-month month day-of-week year), such as cron(0 10 * * ? *), "
            "or rate(1 day).",
        )
    return Cron.parse(match[2], zone) if match[1] == "cron" else Rate.parse(match[2], since.astimezone(UTC))


def find_zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name. Raises ScheduleError."""
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ScheduleError(
        f"There is no time zone '{name[:100]}'.", mend="Write an IANA name such as UTC or Europe/Berlin."
    )
