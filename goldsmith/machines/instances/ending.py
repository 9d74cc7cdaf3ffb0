"""How a run of an instance ended, and how one that goes on stands: state.json in its folder."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from goldsmith.machines.instances.records import read_record, write_record

if TYPE_CHECKING:
    from collections.abc import Mapping

STATE = "state.json"

Reason = Literal["", "guest", "ordered", "forced", "crashed", "lost"]
"""Why an instance is stopped: it never ran; its guest powered it off; it was told to and did; it was told to and its
power was cut; QEMU ended by itself; its keeper was killed or the host restarted."""


@dataclass(frozen=True)
class RunState:
    """The last run of an instance. Times are seconds since the epoch, ``keeper`` and ``qemu`` process ids.

    ``forward_faults`` maps "tcp:PORT" to why that port of the instance's address could not be opened.
    """

    state: Literal["running", "stopping", "stopped"]
    started_at: float
    keeper: int
    qemu: int
    boot_id: str
    reason: Reason = ""
    message: str = ""
    ended_at: float | None = None
    forward_faults: Mapping[str, str] | None = None


def this_boot() -> str:
    """Name this boot of the host."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def begun(keeper: int, qemu: int) -> RunState:
    """Return the state of a run that begins now."""
    return RunState("running", time.time(), keeper, qemu, this_boot())


def ended(run: RunState, reason: Reason, message: str) -> RunState:
    """Return the state of a run that ends now."""
    return replace(run, state="stopped", reason=reason, message=message, ended_at=time.time())


def write_state(folder: Path, run: RunState) -> None:
    """Write how an instance's run stands, durably."""
    write_record(folder / STATE, asdict(run))


def read_state(folder: Path) -> RunState | None:
    """Return how the last run stands or ended, as far as was told; None for an instance that never ran."""
    try:
        record: dict[str, Any] = read_record(folder / STATE)
    except FileNotFoundError:
        return None
    return RunState(**record)


def settle_lost(folder: Path, run: RunState) -> RunState:
    """Record that a run ended that nobody recorded; to be called when nobody holds the instance's lock."""
    same_boot = run.boot_id == this_boot()
    message = "The instance's keeper was killed." if same_boot else "The host stopped or restarted."
    lost = ended(run, "lost", message)
    write_state(folder, lost)
    return lost
