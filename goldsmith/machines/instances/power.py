"""An instance's power button: stop, force off, reboot, and what a run's end means in the light of them."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Literal

from goldsmith.machines.instances.spec import InstanceError
from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.machines.instances.ending import Reason
    from goldsmith.machines.instances.processors import Processors
    from goldsmith.machines.qmp import Monitor

LOG = logging.getLogger(__name__)

PRESSES = 5.0
"""Seconds between two presses of the power button: a guest that is still booting does not feel the first."""

QUIT_LIMIT = 15.0
"""Seconds that QEMU gets to write back what it holds."""

GLANCES = 0.1
"""Seconds between two looks at whether a rebooting guest has shut down."""


class Power:
    """Turns one run of an instance off or over again. A stop wins over a reboot, force over both.

    ``kill`` ends a QEMU that does not end when it is told to, as one that waits for a block store in vain.
    A reboot is a shutdown by the guest followed by a reset, so that no guest loses what it had not written yet.
    """

    def __init__(self, monitor: Monitor, processors: Processors, kill: Callable[[], None]) -> None:
        self._monitor = monitor
        self._processors = processors
        self._kill = kill
        self._turn = Lock()
        self._wish: Literal["", "reboot", "stop", "force"] = ""
        self._given_up = ""
        self._shut_down: dict[str, Any] = {}
        self._off = Event()

    def hear(self, event: dict[str, Any]) -> None:
        """Note from QEMU's events that the machine shuts down, and by whom."""
        if event["event"] == "SHUTDOWN":
            self._shut_down = event["data"]

    def ended(self) -> None:
        """Note that QEMU has ended: there is no button to press any more."""
        self._off.set()

    def stop(self, patience: float) -> None:
        """Press the power button until the guest shuts down; cut the power after ``patience`` seconds."""
        with self._turn:
            if self._wish in {"stop", "force"}:
                return
            self._wish = "stop"
            self._monitor.execute("set-action", shutdown="poweroff")
        Thread(target=self._press_until_off, args=(patience,), daemon=True, name="stop").start()

    def force(self) -> None:
        """Cut the power."""
        with self._turn:
            self._wish = "force"
        Thread(target=self._cut, daemon=True, name="force").start()

    def reboot(self, patience: float) -> None:
        """Have the guest shut down and start again; reset it after ``patience`` seconds. Nothing while it does that."""
        with self._turn:
            if self._wish in {"stop", "force"}:
                raise InstanceError("An instance that is being stopped cannot be rebooted.")
            if self._wish == "reboot":
                return
            self._wish = "reboot"
            self._monitor.execute("set-action", shutdown="pause")
        Thread(target=self._turn_over, args=(patience,), daemon=True, name="reboot").start()

    def verdict(self, exit_code: int, said: str) -> tuple[Reason, str]:
        """Return why the run ended, and in a sentence."""
        if self._wish == "force":
            return "forced", "The power was cut as ordered."
        if self._given_up:
            return "forced", self._given_up
        if self._shut_down.get("guest") and exit_code == 0:
            if self._wish == "stop":
                return "ordered", "The guest shut down as ordered."
            return "guest", "The guest shut itself down."
        if self._wish == "stop" and exit_code == 0:
            return "ordered", "The guest had shut down already."
        how = f"with exit code {exit_code}" if exit_code >= 0 else f"by signal {-exit_code}"
        return "crashed", f"QEMU ended {how}: {said or 'it said nothing'}"

    def _press_until_off(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        try:
            if self._processors.state() == "shutdown":  # in the middle of a reboot
                self._cut()
                return
            while (left := deadline - time.monotonic()) > 0:
                self._monitor.execute("system_powerdown")
                if self._off.wait(min(left, PRESSES)):
                    return
        except MachineError:
            return
        self._given_up = f"The guest did not shut down within {patience:.0f} s, so its power was cut."
        self._cut()

    def _turn_over(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        press = 0.0
        try:
            while self._processors.state() != "shutdown" and time.monotonic() < deadline:
                if self._wish != "reboot":
                    return
                if time.monotonic() >= press:
                    self._monitor.execute("system_powerdown")
                    press = time.monotonic() + PRESSES
                if self._off.wait(GLANCES):
                    return
            with self._turn:
                if self._wish != "reboot":
                    return
                self._processors.reset()
                self._monitor.execute("set-action", shutdown="poweroff")
                self._shut_down = {}
                self._wish = ""
        except MachineError as gone:
            LOG.warning("A reboot did not come to its end: %s", gone)

    def _cut(self) -> None:
        """Have QEMU write back what it holds and end."""
        with suppress(MachineError):
            self._monitor.execute("quit")
        if not self._off.wait(QUIT_LIMIT):
            self._kill()
