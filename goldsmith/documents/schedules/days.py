"""Which days of a month a cron expression means, by their number or their weekday.

The forms are those of AWS's cron expressions (EventBridge Scheduler user guide, "Cron-based schedules"): ``L`` as a day
of the month is the last one, as a day of the week it is 7, Saturday; ``fril`` is the month's last Friday, ``fri#2``
its second; ``15w`` is the weekday nearest the 15th, in the same month.
"""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import TYPE_CHECKING

from goldsmith.documents.schedules.fields import DAY, WEEKDAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Days = Callable[[int, int], Iterable[int]]
    """Gives the days of a month, of a year and the month's number; some may not be in that month."""

LAST = "l"
WEEK = 7
_NEAREST = re.compile(r"([0-9]{1,2})w")
_LAST_WEEKDAY = re.compile(r"([1-7]|[a-z]{3})l")
_NTH_WEEKDAY = re.compile(r"([0-9]|[a-z]{3})#([1-5])")
_FRIDAY = 4


def days_of_month(text: str) -> Days:
    """Return the days that a day-of-month field means. Raises ScheduleError."""
    return _any_of([_day_of_month(item) for item in text.split(",")])


def days_of_week(text: str) -> Days:
    """Return the days that a day-of-week field means, 1 being Sunday. Raises ScheduleError."""
    return _any_of([_day_of_week(item) for item in text.split(",")])


def month_length(year: int, month: int) -> int:
    """Return the number of a month's days."""
    return calendar.monthrange(year, month)[1]


def _any_of(parts: list[Days]) -> Days:
    return lambda year, month: {day for part in parts for day in part(year, month)}


def _day_of_month(item: str) -> Days:
    if item == LAST:
        return lambda year, month: [month_length(year, month)]
    if match := _NEAREST.fullmatch(item):
        wanted = DAY.number(match[1])
        return lambda year, month: _nearest_working_day(year, month, wanted)
    days = DAY.read_item(item)
    return lambda *_: days


def _day_of_week(item: str) -> Days:
    if item == LAST:
        return lambda year, month: _on(year, month, WEEK)
    if match := _LAST_WEEKDAY.fullmatch(item):
        weekday = WEEKDAY.number(match[1])
        return lambda year, month: _on(year, month, weekday)[-1:]
    if match := _NTH_WEEKDAY.fullmatch(item):
        weekday, nth = WEEKDAY.number(match[1]), int(match[2])
        return lambda year, month: _on(year, month, weekday)[nth - 1 : nth]
    weekdays = WEEKDAY.read_item(item)
    return lambda year, month: [day for each in weekdays for day in _on(year, month, each)]


def _on(year: int, month: int, weekday: int) -> list[int]:
    """Return the days of a month that are one weekday, 1 being Sunday."""
    first = (weekday - 1 - date(year, month, 1).isoweekday()) % WEEK + 1
    return list(range(first, month_length(year, month) + 1, WEEK))


def _nearest_working_day(year: int, month: int, day: int) -> list[int]:
    length = month_length(year, month)
    if day > length:
        return []
    weekday = date(year, month, day).weekday()
    if weekday <= _FRIDAY:
        return [day]
    if weekday == _FRIDAY + 1:
        return [day - 1 if day > 1 else day + 2]
    return [day + 1 if day < length else day - 2]
