"""A boot to its end: systemd finished with nothing failed, or the reason why not."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    from goldsmith.guests.guest import Guest

_STATE = """
systemctl is-system-running --wait
uname -r
systemctl show --value --property=UserspaceTimestampMonotonic
systemctl show --value --property=FinishTimestampMonotonic
systemctl list-units --failed --plain --no-legend --no-pager --full
"""

MICROSECONDS = 1_000_000
JOURNAL_LINES = 15


class BootError(MachineError):
    """A machine did not boot to a system where everything runs."""


@dataclass(frozen=True)
class BootReport:
    """How a boot went. ``seconds`` count from QEMU's start, ``systemd_seconds`` from systemd's own in the root.

    ``console`` and ``screenshot`` are names of files in the folder of the evidence, which may move.
    """

    seconds: float
    firmware: str
    acceleration: str
    kernel: str
    systemd_seconds: float
    failed_units: tuple[str, ...]
    console: str
    screenshot: str | None

    def as_json(self) -> dict[str, object]:
        """Return the report as boot.json holds it."""
        return asdict(self)


@dataclass(frozen=True)
class SystemState:
    """What systemd says after it has started everything."""

    state: str
    kernel: str
    systemd_seconds: float
    failed_units: tuple[str, ...]


def await_system(guest: Guest, timeout: float) -> SystemState:
    """Wait until systemd has finished and return what it says; BootError when it does not within ``timeout`` s.

    One command asks for everything: under emulation each costs a fifth of a second.
    """
    done = guest.run(["sh", "-c", _STATE], timeout=timeout)
    if done.timed_out:
        raise BootError(f"systemd had not finished starting the system when the time limit came.{_jobs(guest)}")
    state = parse_state(done.stdout.decode(errors="replace"))
    if state is None:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise BootError(f"systemd does not answer in the machine: {said}")
    return state


def parse_state(text: str) -> SystemState | None:
    """Return what the state command printed, or None when that is not what it printed."""
    match = re.match(r"([a-z-]+)\n(\S+)\n([0-9]+)\n([0-9]+)\n", text)
    if not match:
        return None
    units = tuple(line.split()[0] for line in text[match.end() :].splitlines() if line.strip())
    begun, finished = int(match[3]), int(match[4])
    return SystemState(match[1], match[2], max(0, finished - begun) / MICROSECONDS, units)


def require_healthy(guest: Guest, state: SystemState) -> None:
    """Raise BootError with each failed unit's own words, or when the system is in no running state."""
    if state.failed_units:
        told = guest.run(
            ["systemctl", "status", "--no-pager", "--full", f"--lines={JOURNAL_LINES}", *state.failed_units],
        )
        names = ", ".join(state.failed_units)
        raise BootError(
            f"The machine booted, but these units failed: {names}.\n{told.stdout.decode(errors='replace').strip()}",
            mend="Mend or disable them in the image; `systemctl reset-failed` in a component does not hide them.",
        )
    if state.state != "running":
        raise BootError(f"systemd calls the booted system {state.state!r}, not running.")


def _jobs(guest: Guest) -> str:
    """Return what systemd is still waiting for."""
    jobs = guest.run(["systemctl", "list-jobs", "--no-pager", "--full"], timeout=20)
    return f"\n{jobs.stdout.decode(errors='replace').strip()}" if jobs.stdout else ""
