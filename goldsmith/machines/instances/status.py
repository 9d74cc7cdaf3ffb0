"""How an instance stands, read from its folder: nobody has to be asked, and nobody has to be there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from goldsmith.machines.instances.ending import read_state, settle_lost
from goldsmith.machines.instances.folder import LOCK
from goldsmith.machines.instances.locks import is_held, take

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from goldsmith.machines.instances.ending import Reason, RunState


@dataclass(frozen=True)
class InstanceStatus:
    """How an instance stands. Times are seconds since the epoch; ``pid`` is QEMU's, 0 when it does not run.

    ``reason`` and ``message`` say why it is stopped (`ending.Reason`). ``forward_faults`` maps "tcp:PORT" to why
    that port of its address is not open.
    """

    state: Literal["running", "stopping", "stopped"]
    address: str
    reason: Reason = ""
    message: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    pid: int = 0
    forward_faults: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Reachability:
    """The two checks of an instance's status: ``system`` is QEMU's state, ``instance`` the guest's kernel's answer."""

    system: Literal["passed", "failed", "not-applicable"]
    instance: Literal["passed", "failed", "initializing", "not-applicable"]


def status_of(folder: Path, address: str) -> InstanceStatus:
    """Return how the instance in ``folder`` stands; what became of a lost run is recorded."""
    lives = is_held(folder / LOCK)
    run = read_state(folder)
    if run is None:
        return InstanceStatus("stopped", address)
    if run.state != "stopped" and not lives:
        run = settle(folder) or run
    return InstanceStatus(
        state=run.state,
        address=address,
        reason=run.reason,
        message=run.message,
        started_at=run.started_at,
        ended_at=run.ended_at,
        pid=0 if run.state == "stopped" else run.qemu,
        forward_faults=run.forward_faults,
    )


def settle(folder: Path) -> RunState | None:
    """Record that a run was lost, unless another one has begun or somebody recorded it; return how it stands."""
    lock = take(folder / LOCK, patience=0)
    if lock is None:
        return read_state(folder)
    try:
        run = read_state(folder)
        return run if run is None or run.state == "stopped" else settle_lost(folder, run)
    finally:
        os.close(lock)
