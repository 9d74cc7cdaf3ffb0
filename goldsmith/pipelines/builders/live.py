"""What of a build lives in this process between its steps: trees that are laid, connections that stand."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Closing(Protocol):
    """Something that lives until it is closed."""

    def close(self) -> None:
        """End it."""


T = TypeVar("T", bound=Closing)


class Waiting(Generic[T]):
    """Things that wait for their build's next step, by the build's folder (`ImageRun.folder`) and the instance's id."""

    def __init__(self) -> None:
        self._idle: dict[tuple[Path, str], T] = {}
        self._lock = threading.Lock()
        _ALL.append(self)

    def take(self, build: Path, instance: str) -> T | None:
        """Return what waits, and have it wait no more: who takes it gives it back or closes it."""
        with self._lock:
            return self._idle.pop((build, instance), None)

    def give_back(self, build: Path, instance: str, thing: T) -> None:
        """Let it wait for the next step."""
        with self._lock:
            earlier, self._idle[build, instance] = self._idle.get((build, instance)), thing
        if earlier:
            earlier.close()

    def close(self, chosen: Callable[[Path], bool]) -> None:
        """End what waits of the chosen builds."""
        with self._lock:
            waiting = [self._idle.pop(key) for key in list(self._idle) if chosen(key[0])]
        for thing in waiting:
            thing.close()


_ALL: list[Waiting[Any]] = []


def close_build(build: Path) -> None:
    """End what waits of a build; one that goes on makes it anew."""
    for waiting in _ALL:
        waiting.close(lambda folder: folder == build)


def close_all() -> None:
    """End all that waits, as a server does when it ends."""
    for waiting in _ALL:
        waiting.close(lambda _: True)
