"""An instance's processors: held still for a moment, reset, and never set going by two at once."""

from __future__ import annotations

from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.machines.qmp import Monitor


class Processors:
    """Stops and continues the guest's processors over QEMU's monitor."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._turn = RLock()

    def state(self) -> str:
        """Return what QEMU calls the machine's state: running, paused, shutdown, io-error and others."""
        return str(self._monitor.execute("query-status")["status"])

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the guest do nothing while the block runs, and go on as it did before."""
        with self._turn:
            going = self.state() == "running"
            if going:
                self._monitor.execute("stop")
            try:
                yield
            finally:
                if going:
                    self._monitor.execute("cont")

    def reset(self) -> None:
        """Press the reset button, and let the machine run."""
        with self._turn:
            self._monitor.execute("system_reset")
            self._monitor.execute("cont")
