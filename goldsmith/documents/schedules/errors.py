"""What is wrong with a schedule."""

from __future__ import annotations

from goldsmith.errors import GoldsmithError


class ScheduleError(GoldsmithError):
    """A text that is no schedule expression, or no time zone."""

    exit_code = 2
