"""An instance's processors: held still for a moment, reset, and never set going by two at once."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from threading import RLock, Timer
from typing import TYPE_CHECKING, Any

from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.machines.qmp import Monitor


LOG = logging.getLogger(__name__)

FULL_PAUSE = 5.0
"""Seconds after which a guest that stands still because this host's disk is full tries again."""


class Processors:
    """Stops and continues the guest's processors over QEMU's monitor.

    QEMU stops them when a write finds no room on the host; then they are set going again until it does.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._turn = RLock()

    def hear(self, event: dict[str, Any]) -> None:
        """Note from QEMU's events that a write found no room."""
        if event["event"] == "BLOCK_IO_ERROR" and event["data"].get("action") == "stop":
            LOG.warning("The instance stands still until its write succeeds: %s", event["data"].get("reason"))
            later = Timer(FULL_PAUSE, self._try_again)
            later.daemon = True
            later.start()

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

    def _try_again(self) -> None:
        with suppress(MachineError), self._turn:
            if self.state() == "io-error":
                self._monitor.execute("cont")
