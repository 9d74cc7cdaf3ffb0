from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.documents.schedules.expression import ScheduleError, parse_schedule

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu")
MINUTE = timedelta(minutes=1)


def runs(expression: str, after: str, count: int, zone: str = "UTC") -> list[str]:
    schedule = parse_schedule(expression, zone)
    moment = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    found = []
    for _ in range(count):
        due = schedule.next_after(moment)
        if due is None:
            break
        moment = due
        found.append(due.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(0 10 * * ? *)", "2026-11-23 10:00", ["2026-11-24 10:00", "2026-11-25 10:00"]),
        ("cron(0 10 ? * 2-6 *)", "2026-11-20 11:00", ["2026-11-23 10:00", "2026-11-24 10:00"]),
        ("cron(0 10 ? * MON-FRI *)", "2026-11-20 11:00", ["2026-11-23 10:00", "2026-11-24 10:00"]),
        ("cron(30 22 ? * tue#2 *)", "2026-11-23", ["2026-12-08 22:30", "2027-01-12 22:30"]),
        ("cron(0 0 ? * 6#5 *)", "2026-11-23", ["2027-01-29 00:00", "2027-04-30 00:00"]),
        ("cron(0 0 L * ? *)", "2028-01-31 00:00", ["2028-02-29 00:00", "2028-03-31 00:00"]),
        ("cron(0 0 ? * L *)", "2026-11-23", ["2026-11-28 00:00", "2026-12-05 00:00"]),
        ("cron(0 0 ? * friL *)", "2026-11-23", ["2026-11-27 00:00", "2026-12-25 00:00"]),
        ("cron(0 0 15W * ? *)", "2026-08-01", ["2026-08-14 00:00", "2026-09-15 00:00"]),
        ("cron(0 0 1W * ? *)", "2026-08-01", ["2026-08-03 00:00", "2026-09-01 00:00"]),
        ("cron(0 0 31W * ? *)", "2026-05-01", ["2026-05-29 00:00", "2026-07-31 00:00"]),
        (
            "cron(0 0 ? * fri-mon *)",
            "2026-11-24",
            ["2026-11-27 00:00", "2026-11-28 00:00", "2026-11-29 00:00", "2026-11-30 00:00", "2026-12-04 00:00"],
        ),
        ("cron(0/20 8-9 * jan,7 ? *)", "2026-01-31 09:30", ["2026-01-31 09:40", "2026-07-01 08:00"]),
        ("cron(0 0 1 1 ? 2027/5)", "2026-11-23", ["2027-01-01 00:00", "2032-01-01 00:00"]),
        ("cron(0 0 29 2 ? *)", "2026-11-23", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(0 0 1 * ?)", "2026-11-23", ["2026-12-01 00:00"]),
        ("cron( 0 0 1 * ? * )", "2026-11-23", ["2026-12-01 00:00"]),
        ("cron(0 0 31 2 ? *)", "2026-11-23", []),
        ("cron(0 0 * * ? 2020)", "2026-11-23", []),
        ("cron(59 23 31 12 ? 2199)", "2026-11-23", ["2199-12-31 23:59"]),
    ],
)
def test_known_dates(expression: str, after: str, expected: list[str]) -> None:
    assert runs(expression, after, max(1, len(expected))) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "0 10 * * ? *",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(0 10 1 * mon *)",
        "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 0 * ? *)",
        "cron(0 0 32 * ? *)",
        "cron(0 0 ? * 0 *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 ? * foo#2 *)",
        "cron(0 0 ? * mon#6 *)",
        "cron(0 0 * 13 ? *)",
        "cron(0 0 * * ? 1969)",
        "cron(0 0 * * ? 2200)",
        "cron(0 9-8 * * ? *)",
        "cron(*/0 9 * * ? *)",
        "cron(*-3 9 * * ? *)",
        "cron(0 0 32W * ? *)",
        "cron(0 L * * ? *)",
        "cron(,0 0 * * ? *)",
        "cron(0 0 * *)",
        "cron(0 0 * * ? * *)",
        "cron()",
        "rate(0 minutes)",
        "rate(1 hours)",
        "rate(5 hour)",
        "rate(2 weeks)",
        "rate(-1 days)",
        "rate(1.5 days)",
        "rate(1  day)",
        "at(2026-11-23T00:00:00)",
        "",
    ],
)
def test_what_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        parse_schedule(expression)
    assert refused.value.mend


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "/etc/passwd", "", "Europe", "UTC\0"])
def test_unknown_time_zones_are_refused(zone: str) -> None:
    with pytest.raises(ScheduleError, match="There is no time zone"):
        parse_schedule("cron(0 10 * * ? *)", zone)


def test_a_time_that_clocks_skip_is_due_when_they_jump() -> None:
    assert runs("cron(30 2 * * ? *)", "2026-03-07 12:00", 3, "America/New_York") == [
        "2026-03-08 03:00",
        "2026-03-09 02:30",
        "2026-03-10 02:30",
    ]
    assert runs("cron(0/15 2 * * ? *)", "2026-03-08 00:00", 2, "America/New_York") == [
        "2026-03-08 03:00",
        "2026-03-09 02:00",
    ]
    assert runs("cron(0 2,3 * * ? *)", "2026-03-08 00:00", 2, "America/New_York") == [
        "2026-03-08 03:00",
        "2026-03-09 02:00",
    ]
    assert runs("cron(15 2 * * ? *)", "2026-10-03 12:00", 1, "Australia/Lord_Howe") == ["2026-10-04 02:30"]


def test_a_day_that_clocks_skip_is_due_when_they_jump() -> None:
    assert runs("cron(0 10 * * ? *)", "2011-12-29 09:00", 3, "Pacific/Apia") == [
        "2011-12-29 10:00",
        "2011-12-31 00:00",
        "2011-12-31 10:00",
    ]


def test_a_time_that_comes_twice_is_due_once() -> None:
    schedule = parse_schedule("cron(30 1 * * ? *)", "America/New_York")
    first = schedule.next_after(datetime(2026, 11, 1, 3, tzinfo=UTC))
    assert first == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert schedule.next_after(first) == datetime(2026, 11, 2, 6, 30, tzinfo=UTC)


@st.composite
def cron_texts(draw: st.DrawFn) -> str:
    minute = draw(st.sampled_from(("*", "0", "30", "*/7", "5/20", "10-40/15", "0,59", "45-59")))
    hour = draw(st.sampled_from(("*", "0", "2", "1-3", "23", "*/5", "0,12", "2/11")))
    day = draw(st.sampled_from(("*", "1", "L", "15W", "1W", "31W", "28-31", "*/2", "L,1", "?")))
    month = draw(st.sampled_from(("*", "mar,oct,nov", "1-4", "10/1", "*/2")))
    weekday = (
        draw(st.sampled_from(("*", "1", "sat-mon", "L", "sunL", "sun#1", "sun#2,fri", "2-6"))) if day == "?" else "?"
    )
    return f"cron({minute} {hour} {day} {month} {weekday} *)"


moments = st.one_of(
    st.timedeltas(timedelta(0), timedelta(days=2000)).map(lambda away: datetime(2024, 1, 1, tzinfo=UTC) + away),
    *(
        st.timedeltas(timedelta(days=-1), timedelta(days=1)).map(lambda away, day=day: day + away)
        for day in (
            datetime(2026, 3, 29, 1, tzinfo=UTC),
            datetime(2026, 10, 25, 1, tzinfo=UTC),
            datetime(2026, 3, 8, 7, tzinfo=UTC),
            datetime(2026, 11, 1, 6, tzinfo=UTC),
        )
    ),
)


@settings(max_examples=80, deadline=None)
@given(text=cron_texts(), zone=st.sampled_from(ZONES), moment=moments)
def test_nothing_is_due_between(text: str, zone: str, moment: datetime) -> None:
    due = parse_schedule(text, zone).next_after(moment)
    assert due is None or due > moment
    assert due is None or Oracle(text, zone).is_due(due)
    end = min(due or moment + timedelta(days=1), moment + timedelta(days=1))
    each = moment.replace(second=0, microsecond=0) + MINUTE
    oracle = Oracle(text, zone)
    while each < end:
        assert not oracle.is_due(each)
        each += MINUTE


@given(
    count=st.integers(1, 999_999),
    unit=st.sampled_from(("minute", "hour", "day")),
    away=st.timedeltas(timedelta(0), timedelta(days=3000)),
)
def test_rates_stay_on_their_grid(count: int, unit: str, away: timedelta) -> None:
    since = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
    every = timedelta(**{f"{unit}s": count})
    schedule = parse_schedule(f"rate({count} {unit}{'s' if count > 1 else ''})", since=since)
    due = schedule.next_after(since + away)
    assert due is not None
    assert (due - since) % every == timedelta(0)
    assert away < due - since <= max(every, away + every)


@given(st.text(max_size=40) | st.text("cron(rate) 0123456789*/?,-LW#monday", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for each in (text, f"cron({text})", f"rate({text})", f"cron(0 0 {text} * ? *)", f"cron(0 0 ? * {text} *)"):
        try:
            parse_schedule(each).next_after(datetime(2026, 1, 1, tzinfo=UTC))
        except ScheduleError:
            continue


class Oracle:
    """Tells of one minute whether a cron expression means it: slowly, a field at a time, without looking ahead."""

    def __init__(self, text: str, zone: str) -> None:
        self.fields = text.lower().removeprefix("cron(").removesuffix(")").split()
        self.zone = ZoneInfo(zone)

    def is_due(self, moment: datetime) -> bool:
        local = moment.astimezone(self.zone)
        if not local.fold and self.means(local.replace(tzinfo=None)):
            return True
        earlier = (moment - MINUTE).astimezone(self.zone).replace(tzinfo=None) + MINUTE
        while earlier < local.replace(tzinfo=None):
            if self.means(earlier):
                return True
            earlier += MINUTE
        return False

    def means(self, wall: datetime) -> bool:
        minute, hour, day, month, weekday, _ = self.fields
        months = {name.lower(): number for number, name in enumerate(calendar.month_abbr)}
        return (
            any(self.number(each, wall.minute, 0) for each in minute.split(","))
            and any(self.number(each, wall.hour, 0) for each in hour.split(","))
            and any(self.number(str(months.get(each, each)), wall.month, 1) for each in month.split(","))
            and (day == "?" or any(self.day(each, wall) for each in day.split(",")))
            and (weekday == "?" or any(self.weekday(each, wall) for each in weekday.split(",")))
        )

    def number(self, text: str, value: int, lowest: int) -> bool:
        span, _, step = text.partition("/")
        first, _, last = span.partition("-")
        start = lowest if first == "*" else int(first)
        end = int(last) if last else 10_000 if step or first == "*" else start
        return start <= value <= end and (value - start) % int(step or 1) == 0

    def day(self, text: str, wall: datetime) -> bool:
        last = calendar.monthrange(wall.year, wall.month)[1]
        if text == "l":
            return wall.day == last
        if not text.endswith("w"):
            return self.number(text, wall.day, 1)
        wanted = int(text[:-1])
        working = [day for day in range(1, last + 1) if calendar.weekday(wall.year, wall.month, day) < 5]
        nearest = min(working, key=lambda day: (abs(day - wanted), day))
        return wanted <= last and wall.day == nearest

    def weekday(self, text: str, wall: datetime) -> bool:
        names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
        here = wall.isoweekday() % 7
        if text == "l":
            return here == 6
        if text == "sat-mon":
            return here in {6, 0, 1}
        if text.endswith("l"):
            return names[here] == text[:-1] and (wall + timedelta(days=7)).month != wall.month
        if "#" in text:
            return names[here] == text[:3] and (wall.day + 6) // 7 == int(text[-1])
        if text in names:
            return names[here] == text
        return self.number(text, here + 1, 1)
