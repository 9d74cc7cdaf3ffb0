"""Asking work that runs to end: a build was cancelled, the server ends, or a step's time is over."""

from __future__ import annotations

import copy
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class StoppedError(GoldsmithError):
    """The work was asked to end before it was done."""


class StepTimeoutError(GoldsmithError):
    """A step took longer than its timeoutSeconds."""


class Stop:
    """One piece of work's signal to end, and the moment by which it must. ``deadline`` is of time.monotonic()."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        self._asked = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def within(self, seconds: float) -> Stop:
        """Return the same signal with a time limit for a part of the work."""
        limited = copy.copy(self)
        limited.deadline = time.monotonic() + seconds
        return limited

    def ask(self) -> None:
        """Ask the work to end; what it registered with `on_stop` is called."""
        with self._lock:
            self._asked.set()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    @property
    def asked(self) -> bool:
        """Whether the work was asked to end."""
        return self._asked.is_set()

    def remaining(self) -> float | None:
        """Return the seconds left, None for no limit. Raises StepTimeoutError and StoppedError."""
        if self.asked:
            raise StoppedError("It was cancelled.")
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise StepTimeoutError("The step did not end within its timeoutSeconds.")
        return left

    def check(self) -> None:
        """Raise when the work is to end now."""
        self.remaining()

    def wait(self, seconds: float) -> None:
        """Wait; raise as soon as the work is to end."""
        left = self.remaining()
        self._asked.wait(seconds if left is None else min(seconds, left))
        self.check()

    @contextmanager
    def on_stop(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have ``callback`` called, in another thread, when the work is asked to end during the block."""
        with self._lock:
            asked = self.asked
            if not asked:
                self._callbacks.append(callback)
        if asked:
            callback()
        try:
            yield
        finally:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)
