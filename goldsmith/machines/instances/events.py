"""What QEMU tells by itself, for whoever waits for it."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QmpEvent = dict[str, Any]


class Expectation:
    """The first event, from now on, that matches."""

    def __init__(self, matches: Callable[[QmpEvent], bool]) -> None:
        self._matches = matches
        self._came = Event()
        self._event: QmpEvent | None = None

    def hear(self, event: QmpEvent) -> None:
        """Look at an event."""
        if not self._came.is_set() and self._matches(event):
            self._event = event
            self._came.set()

    def wait(self, patience: float) -> QmpEvent | None:
        """Return the event, or None when it has not come after ``patience`` seconds."""
        self._came.wait(patience)
        return self._event


class Events:
    """Passes QEMU's events on: to those who expect one, and to listeners for each."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._expected: list[Expectation] = []
        self._listeners: list[Callable[[QmpEvent], None]] = []

    def listen(self, listener: Callable[[QmpEvent], None]) -> None:
        """Have ``listener`` called with each event; it must be quick and ask QEMU nothing."""
        with self._lock:
            self._listeners.append(listener)

    def hear(self, event: QmpEvent) -> None:
        """Pass an event on."""
        with self._lock:
            hearing = [*self._listeners, *(expected.hear for expected in self._expected)]
        for hear in hearing:
            hear(event)

    @contextmanager
    def expecting(self, *names: str, **data: object) -> Iterator[Expectation]:
        """Expect an event of one of these names whose data holds ``data``, from before it can happen."""

        def matches(event: QmpEvent) -> bool:
            told = event.get("data", {})
            return event["event"] in names and all(told.get(key) == value for key, value in data.items())

        expected = Expectation(matches)
        with self._lock:
            self._expected.append(expected)
        try:
            yield expected
        finally:
            with self._lock:
                self._expected.remove(expected)
