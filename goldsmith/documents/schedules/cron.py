"""Cron expressions of AWS's form: minute, hour, day of month, month, day of week, year (3.3).

Exactly one of the two day fields is ``?``. A year that is left out means every year. Local times are looked up in a
time zone: one that the clocks skip in spring is due at the moment to which they jump, once for all skipped ones;
one that comes twice in autumn is due the first time only.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Self

from goldsmith.documents.schedules.days import days_of_month, days_of_week, month_length
from goldsmith.documents.schedules.errors import ScheduleError
from goldsmith.documents.schedules.fields import HOUR, MINUTE, MONTH, YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from goldsmith.documents.schedules.days import Days

FIELDS = 6
NO_DAY = "?"


@dataclass(frozen=True)
class Cron:
    """A cron expression in a time zone. ``times`` are those of a day in order, ``years`` and ``months`` too."""

    times: tuple[time, ...]
    days: Days
    months: tuple[int, ...]
    years: tuple[int, ...]
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> Self:
        """Return what the text between ``cron(`` and ``)`` says. Raises ScheduleError."""
        fields = text.lower().split()
        if len(fields) == FIELDS - 1:
            fields.append("*")
        if len(fields) != FIELDS:
            raise ScheduleError(
                f"The cron expression '{text[:100]}' has {len(fields)} fields, not {FIELDS}.",
                mend="They are minute, hour, day of month, month, day of week and year: cron(0 10 * * ? *).",
            )
        minutes, hours, day, months, weekday, years = fields
        if (day == NO_DAY) == (weekday == NO_DAY):
            raise ScheduleError(
                f"The cron expression '{text[:100]}' needs a ? as either the day of month or the day of week.",
                mend="Write ? for the one of the two that does not decide: cron(0 10 * * ? *), cron(0 10 ? * mon *).",
            )
        return cls(
            tuple(time(hour, minute) for hour in sorted(HOUR.read(hours)) for minute in sorted(MINUTE.read(minutes))),
            days_of_week(weekday) if day == NO_DAY else days_of_month(day),
            tuple(sorted(MONTH.read(months))),
            tuple(sorted(YEAR.read(years))),
            zone,
        )

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first moment, in UTC, strictly after another at which this is due; None when there is none."""
        start = moment.astimezone(self.zone).date() - timedelta(days=1)
        for day in self._days_from(start):
            late = bisect_right(self.times, moment, key=lambda each: self._moment(day, each))
            if late < len(self.times):
                return self._moment(day, self.times[late])
        return None

    def _days_from(self, start: date) -> Iterator[date]:
        for year in self.years[bisect_right(self.years, start.year - 1) :]:
            for month in self.months:
                if (year, month) < (start.year, start.month):
                    continue
                length = month_length(year, month)
                found = (date(year, month, day) for day in sorted(self.days(year, month)) if day <= length)
                yield from (day for day in found if day >= start)

    def _moment(self, day: date, clock: time) -> datetime:
        local = datetime.combine(day, clock, self.zone)
        before, after = (local.replace(fold=fold).utcoffset() or timedelta() for fold in (0, 1))
        naive = datetime.combine(day, clock, UTC)
        if before >= after:
            return naive - before
        return self._jump(naive - after, naive - before, before)

    def _jump(self, early: datetime, late: datetime, before: timedelta) -> datetime:
        """Return the moment between two, to the second, at which the zone's offset is no longer ``before``."""
        low, high = 0, int((late - early).total_seconds())
        while high - low > 1:
            middle = (low + high) // 2
            changed = (early + timedelta(seconds=middle)).astimezone(self.zone).utcoffset() != before
            low, high = (low, middle) if changed else (middle, high)
        return early + timedelta(seconds=high)
