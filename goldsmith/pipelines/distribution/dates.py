"""Dates as Image Builder writes them into names and tags: by default, and by Java's patterns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

DEFAULT = "yyyy-MM-dd'T'HH-mm-ss.SSS'Z'"
"""How a build's date is written where no pattern is given: 2022-07-28T01-14-17.416Z."""

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT = 3
_MICROSECONDS = 6
_HALF_DAY = 12
_RUN = re.compile(r"''|'((?:[^']|'')*)'|([A-Za-z])\2*|.", re.DOTALL)


def render_date(moment: datetime, pattern: str = DEFAULT) -> str:
    """Return a moment of UTC as a pattern of java.time.format.DateTimeFormatter says.

    Its letters y u M L d D H k K h m s S n E a X x Z z are understood; others, and all that is no letter, stay as they
    are, and text between quotes does. Months and days are English.
    """
    return "".join(_render(moment, run) for run in _RUN.finditer(pattern))


def _render(moment: datetime, run: re.Match[str]) -> str:
    text = run[0]
    if text == "''":
        return "'"
    if run[1] is not None:
        return run[1].replace("''", "'")
    if run[2] is None or run[2] not in _LETTERS:
        return text
    return _LETTERS[run[2]](moment, len(text))


def _number(value: Callable[[datetime], int]) -> Callable[[datetime, int], str]:
    return lambda moment, width: f"{value(moment):0{width}d}"


def _year(moment: datetime, width: int) -> str:
    year = moment.year
    return f"{year % 100:02d}" if width == len("yy") else f"{year:0{width}d}"


def _month(moment: datetime, width: int) -> str:
    return _named(_MONTHS[moment.month - 1], width) if width >= _SHORT else f"{moment.month:0{width}d}"


def _named(name: str, width: int) -> str:
    return name[:_SHORT] if width <= _SHORT else name


def _fraction(moment: datetime, width: int) -> str:
    return f"{moment.microsecond:0{_MICROSECONDS}d}"[:width].ljust(width, "0")


def _offset(_: datetime, width: int) -> str:
    return "+00:00" if width >= _SHORT else "+00" if width == 1 else "+0000"


_LETTERS: dict[str, Callable[[datetime, int], str]] = {
    "y": _year,
    "u": _year,
    "M": _month,
    "L": _month,
    "d": _number(lambda moment: moment.day),
    "D": _number(lambda moment: moment.timetuple().tm_yday),
    "H": _number(lambda moment: moment.hour),
    "k": _number(lambda moment: moment.hour or 2 * _HALF_DAY),
    "K": _number(lambda moment: moment.hour % _HALF_DAY),
    "h": _number(lambda moment: moment.hour % _HALF_DAY or _HALF_DAY),
    "m": _number(lambda moment: moment.minute),
    "s": _number(lambda moment: moment.second),
    "S": _fraction,
    "n": _number(lambda moment: moment.microsecond * 1000),
    "E": lambda moment, width: _named(_DAYS[moment.weekday()], width),
    "a": lambda moment, _: "AM" if moment.hour < _HALF_DAY else "PM",
    "X": lambda *_: "Z",
    "x": _offset,
    "Z": lambda _, width: "+0000" if width <= _SHORT else "GMT",
    "z": lambda _, width: "UTC" if width <= _SHORT else "Coordinated Universal Time",
}
