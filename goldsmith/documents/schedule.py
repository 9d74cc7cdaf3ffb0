"""When a pipeline runs by itself: ``schedule`` (3.3 to 3.5)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from goldsmith.documents.schedules.expression import ScheduleError, find_zone, parse_schedule
from goldsmith.documents.shape import Shape, refuse


def _check_expression(value: str) -> str:
    try:
        parse_schedule(value)
    except ScheduleError as error:
        raise refuse(f"is not valid: {error.message} {error.mend}") from None
    return value


def _check_timezone(value: str) -> str:
    try:
        find_zone(value)
    except ScheduleError as error:
        raise refuse(f"is not valid: {error.message} {error.mend}") from None
    return value


class AutoDisablePolicy(Shape):
    """After how many failures in a row the schedule stops."""

    failure_count: Annotated[int, Field(ge=1, le=10)]


class Schedule(Shape):
    """A cron or rate expression and the time zone it is in."""

    schedule_expression: Annotated[str, AfterValidator(_check_expression)]
    timezone: Annotated[str, AfterValidator(_check_timezone)] = "UTC"
    pipeline_execution_start_condition: Literal[
        "EXPRESSION_MATCH_ONLY", "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"
    ] = "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"
    auto_disable_policy: AutoDisablePolicy | None = None
