"""Java's date patterns."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.pipelines.distribution.dates import render_date

MOMENT = datetime(2026, 3, 9, 13, 5, 7, 42_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("yyyy-MM-dd", "2026-03-09"),
        ("yy.M.d", "26.3.9"),
        ("yyyyMMddHHmmssSSS", "20260309130507042"),
        ("HH'h'mm", "13h05"),
        ("h a", "1 PM"),
        ("kk KK", "13 01"),
        ("EEE EEEE MMM MMMM", "Mon Monday Mar March"),
        ("DDD S SSSSSSSSS n", "068 0 042000000 42000000"),
        ("X x xxx Z z", "Z +00 +00:00 +0000 UTC"),
        ("'it''s' ''", "it's '"),
        ("1'", "1'"),
        ("qq é 1", "qq é 1"),
        ("", ""),
    ],
)
def test_patterns(pattern, written):
    assert render_date(MOMENT, pattern) == written


@given(st.datetimes(timezones=st.just(UTC)), st.text())
def test_no_pattern_is_too_strange(moment, pattern):
    assert isinstance(render_date(moment, pattern), str)


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_what_is_written_can_be_read_back(moment):
    written = render_date(moment, "yyyy-MM-dd'T'HH:mm:ss.SSSSSSX")
    assert datetime.fromisoformat(written) == moment
