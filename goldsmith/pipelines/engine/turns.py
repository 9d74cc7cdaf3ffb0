"""Turns: as many builds work at once as the host is told to bear; one that waits for people lets another work."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from goldsmith.pipelines.engine.durable import leave_if_ended

if TYPE_CHECKING:
    from collections.abc import Iterator

PACE = 0.5
"""Seconds between two looks at whether the engine has ended meanwhile."""


class Turns:
    """So many turns; who takes one gives it back."""

    def __init__(self, most: int) -> None:
        self._free = threading.Semaphore(most)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a turn and have it for the block. Raises Ended when the engine ends before."""
        self._take()
        try:
            yield
        finally:
            self._free.release()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Let another have one's turn for the block, then wait for one again."""
        self._free.release()
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        while not self._free.acquire(timeout=PACE):
            leave_if_ended()
