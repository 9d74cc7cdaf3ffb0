"""Parts of builds that run beside each other: durable work knows names only, and finds here what they stand for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.engine.durable import leave_if_ended

if TYPE_CHECKING:
    from collections.abc import Callable


class Beside:
    """What the parts of the builds in this process are.

    After a restart a part may be taken up before its build has come to where it began it: the part waits for that.
    """

    def __init__(self) -> None:
        self._works: dict[tuple[str, str], Callable[[], Any]] = {}
        self._over: set[str] = set()
        self._ended = False
        self._changed = threading.Condition()

    def offer(self, name: str, part: str, work: Callable[[], Any]) -> None:
        """Say what a part of the build ``name`` is."""
        with self._changed:
            self._works[name, part] = work
            self._changed.notify_all()

    def run(self, name: str, part: str) -> Any:
        """Run a part as soon as it is known; nothing where its build is over without it. Raises Ended."""
        with self._changed:
            self._changed.wait_for(lambda: (name, part) in self._works or name in self._over or self._ended)
            work = self._works.get((name, part))
        leave_if_ended()
        return work() if work else None

    def forget(self, name: str) -> None:
        """Note that a build is over."""
        with self._changed:
            self._over.add(name)
            self._works = {key: work for key, work in self._works.items() if key[0] != name}
            self._changed.notify_all()

    def end(self) -> None:
        """Let go of parts that wait: the engine has ended."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
