"""Rate expressions: every so many minutes, hours or days, counted from a beginning (3.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from goldsmith.documents.schedules.errors import ScheduleError

_RATE = re.compile(r"([0-9]{1,6}) (minute|hour|day)(s?)")


@dataclass(frozen=True)
class Rate:
    """Every ``every``, the first time one such span after ``since``. Days are of 24 hours, whatever the clocks do."""

    every: timedelta
    since: datetime

    @classmethod
    def parse(cls, text: str, since: datetime) -> Self:
        """Return what the text between ``rate(`` and ``)`` says. Raises ScheduleError."""
        match = _RATE.fullmatch(text)
        count = int(match[1]) if match else 0
        if match is None or count < 1 or (count == 1) == bool(match[3]):
            raise ScheduleError(
                f"The rate expression '{text[:100]}' is not valid.",
                mend="Write rate(1 day) or rate(2 days): a whole number, and minute, hour or day, with an s from 2 on.",
            )
        return cls(timedelta(**{f"{match[2]}s": count}), since)

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first moment strictly after another at which this is due; None beyond the calendar's end."""
        passed = max(0, (moment - self.since) // self.every)
        try:
            return self.since + (passed + 1) * self.every
        except OverflowError:
            return None
