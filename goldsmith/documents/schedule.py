"""When a pipeline runs by itself: ``schedule`` (3.3 to 3.5)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from goldsmith.documents.shape import Shape, like


class AutoDisablePolicy(Shape):
    """After how many failures in a row the schedule stops."""

    failure_count: Annotated[int, Field(ge=1, le=10)]


class Schedule(Shape):
    """A cron or rate expression and the time zone it is in."""

    schedule_expression: Annotated[
        str,
        like(
            r"cron\( ?\S+( \S+){4,5} ?\)|rate\((1 (minute|hour|day)|(?!1 )[1-9][0-9]{0,5} (minutes|hours|days))\)",
            "cron(minute hour day-of-month month day-of-week year) or rate(2 days)",
        ),
    ]
    timezone: Annotated[str, like(r"[A-Za-z0-9_+-]{2,}(/[A-Za-z0-9_+-]+)*", "a time zone such as Europe/Berlin")] = (
        "UTC"
    )
    pipeline_execution_start_condition: Literal[
        "EXPRESSION_MATCH_ONLY", "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"
    ] = "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"
    auto_disable_policy: AutoDisablePolicy | None = None
