"""A limit in time that an attempt may not pass."""

from __future__ import annotations

import time

from goldsmith.executor.failures import StepTimeoutError

UNLIMITED = -1


class Deadline:
    """Counts from its making; ``seconds`` of -1 never pass."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self._end = None if seconds == UNLIMITED else time.monotonic() + seconds

    def remaining(self) -> float | None:
        """Return the seconds left, None without a limit. Raises StepTimeoutError when none are left."""
        if self._end is None:
            return None
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def error(self) -> StepTimeoutError:
        """Return the error of a passed deadline."""
        return StepTimeoutError(
            f"The step did not end within its {self.seconds} seconds.",
            mend="Give the step a longer timeoutSeconds, or -1 for no limit.",
        )
