"""Spans of a policy's units, by the calendar: a month is as long as it is."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime

DAYS = {"DAYS": 1, "WEEKS": 7}
MONTHS = {"MONTHS": 1, "YEARS": 12}
DAY_SECONDS = 24 * 3600
EPOCH_YEAR = 1970


def before(moment: float, value: int, unit: str) -> float:
    """Return the moment, in seconds since the epoch, that lies so many units before another; at least 0.

    A month before the 31st of March is the last of February.
    """
    if unit in DAYS:
        return max(0.0, moment - value * DAYS[unit] * DAY_SECONDS)
    at = datetime.fromtimestamp(moment, UTC)
    year, month = divmod(at.year * 12 + at.month - 1 - value * MONTHS[unit], 12)
    if year < EPOCH_YEAR:
        return 0.0
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day).timestamp()
