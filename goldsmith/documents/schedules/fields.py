"""A field of a cron expression whose values are numbers: lists, ranges, steps and names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from goldsmith.documents.schedules.errors import ScheduleError

if TYPE_CHECKING:
    from collections.abc import Mapping

ANY = "*"

_ITEM = re.compile(r"(?P<first>\*|[0-9]{1,4}|[a-z]{3})(?:-(?P<last>[0-9]{1,4}|[a-z]{3}))?(?:/(?P<step>[0-9]{1,4}))?")


@dataclass(frozen=True)
class Field:
    """What a field may say: numbers from ``lowest`` to ``highest``, and words for some of them.

    A ``circular`` field's ranges may run over its end, as from Friday to Monday.
    """

    name: str
    lowest: int
    highest: int
    words: Mapping[str, int] = field(default_factory=dict)
    circular: bool = False

    def read(self, text: str) -> frozenset[int]:
        """Return the numbers that a field's text stands for. Raises ScheduleError."""
        return frozenset(number for item in text.split(",") for number in self.read_item(item))

    def read_item(self, text: str) -> range | list[int]:
        """Return the numbers of one item of a list: ``*``, a number, a range, any of them with a step."""
        match = _ITEM.fullmatch(text)
        if match is None or (match["first"] == ANY and match["last"]):
            raise self.refusal(text)
        step = int(match["step"] or 1)
        if step == 0:
            raise self.refusal(text)
        if match["first"] == ANY:
            return range(self.lowest, self.highest + 1, step)
        first = self.number(match["first"])
        last = self.number(match["last"]) if match["last"] else self.highest if match["step"] else first
        if first <= last:
            return range(first, last + 1, step)
        if not self.circular:
            raise self.refusal(text)
        length = self.highest - self.lowest + 1
        return [(each - self.lowest) % length + self.lowest for each in range(first, last + length + 1, step)]

    def number(self, text: str) -> int:
        """Return the number that a number or a word is. Raises ScheduleError for one that the field does not have."""
        number = self.words.get(text, int(text) if text.isdecimal() else -1)
        if not self.lowest <= number <= self.highest:
            raise self.refusal(text)
        return number

    def refusal(self, text: str) -> ScheduleError:
        """Return the error for a part of the field."""
        words = f" or {next(iter(self.words))} to {list(self.words)[-1]}" if self.words else ""
        return ScheduleError(
            f"'{text[:60]}' is not valid as the {self.name} of a cron expression.",
            mend=f"It takes {self.lowest} to {self.highest}{words}, lists (1,2), ranges (1-5) and steps (0/15).",
        )


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

MINUTE = Field("minute", 0, 59)
HOUR = Field("hour", 0, 23)
DAY = Field("day of month", 1, 31)
MONTH = Field("month", 1, 12, {name: number for number, name in enumerate(MONTHS, 1)})
WEEKDAY = Field("day of week", 1, 7, {name: number for number, name in enumerate(WEEKDAYS, 1)}, circular=True)
YEAR = Field("year", 1970, 2199)
