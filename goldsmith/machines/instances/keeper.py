"""An instance's keeper: a process of its own that starts QEMU, stays with it to its end, and records that.

Run as ``python -I -m goldsmith.machines.instances.keeper FOLDER VOLUMES KIND REASON READY``: the instance's folder,
the volumes' folder, how QEMU runs (`Acceleration`) and the number of a pipe that is told, in one JSON object, that
QEMU runs or why it does not. It outlives whoever started it; when it is killed, the kernel ends QEMU.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from goldsmith.errors import GoldsmithError
from goldsmith.machines.acceleration import Acceleration
from goldsmith.machines.instances.folder import LOCK, SPEC
from goldsmith.machines.instances.locks import take
from goldsmith.machines.instances.records import read_record
from goldsmith.machines.instances.running import Running
from goldsmith.machines.instances.spec import InstanceError, InstanceSpec
from goldsmith.machines.instances.volumes import Volumes
from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    from types import FrameType
    from typing import Literal


LOCK_PATIENCE = 10.0
"""Seconds for which a run that is just ending may still hold the lock."""

TERM_PATIENCE = 60.0
"""Seconds that a guest gets to shut down when its keeper is told to end, as when the host shuts down."""


def main() -> None:
    """Leave whoever started us, then keep the instance."""
    if os.fork():
        os._exit(0)
    folder, volumes, kind, reason, ready = sys.argv[1:]
    os.environ.pop("MALLOC_ARENA_MAX", None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s", level=logging.INFO)
    acceleration = Acceleration(cast("Literal['kvm', 'tcg']", kind), reason)
    with os.fdopen(int(ready), "w") as told:
        try:
            running = _start(Path(folder), Path(volumes), acceleration)
        except GoldsmithError as failed:
            json.dump({"error": failed.message, "mend": failed.mend}, told)
            sys.exit(1)
        _end_gently(running)
        json.dump({}, told)
    with running:
        state = running.await_end()
    logging.getLogger(__name__).info("Ended: %s", state.message)


def _start(folder: Path, volumes: Path, acceleration: Acceleration) -> Running:
    lock = take(folder / LOCK, patience=LOCK_PATIENCE)
    if lock is None:
        raise InstanceError(f"{folder.name} is running already.")
    os.chdir(folder)
    spec = InstanceSpec.from_json(read_record(Path(SPEC)))
    return Running(spec, Volumes(volumes, folder.parent), acceleration, lock).start()


def _end_gently(running: Running) -> None:
    """Have the guest shut down when we are told to end."""

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        try:
            running.stop(TERM_PATIENCE)
        except MachineError as gone:
            logging.getLogger(__name__).info("Told to end: %s", gone)

    signal.signal(signal.SIGTERM, stop)


if __name__ == "__main__":
    main()
