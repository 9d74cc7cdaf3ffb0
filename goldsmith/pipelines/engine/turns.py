"""Turns: as many builds work at once as the host is told to bear; one that waits for people lets another work."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACE = 0.5
"""Seconds between two looks at whether to wait on."""


class Turns:
    """So many turns, for those who came first; who takes one gives it back.

    ``look`` is called while one waits, and what it raises ends the wait.
    """

    def __init__(self, most: int, look: Callable[[], None]) -> None:
        self._free = most
        self._look = look
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a turn and have it for the block."""
        self._take()
        try:
            yield
        finally:
            self._give_back()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Let another have one's turn for the block, then wait for one again."""
        self._give_back()
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while not (self._free and self._waiting[0] is ticket):
                    self._look()
                    self._changed.wait(PACE)
                self._free -= 1
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _give_back(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()
