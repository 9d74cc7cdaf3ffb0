"""Starts an instance's keeper and hears from it whether QEMU runs."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from typing import TYPE_CHECKING

from goldsmith.machines.instances.folder import KEEPER_LOG
from goldsmith.machines.instances.spec import InstanceStartError

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.machines.acceleration import Acceleration

KEEPER = "goldsmith.machines.instances.keeper"

START_LIMIT = 60.0
"""Seconds that QEMU may take until it runs; it takes a quarter of one."""

SHOWN = 2000


def launch(folder: Path, volumes: Path, acceleration: Acceleration) -> None:
    """Start the instance in ``folder`` and return when QEMU runs; InstanceStartError with its words when not."""
    heard, told = os.pipe()
    with os.fdopen(heard, "rb") as answer:
        try:
            _start_keeper(folder, volumes, acceleration, told)
        finally:
            os.close(told)
        if not select.select([answer], [], [], START_LIMIT)[0]:
            raise InstanceStartError(f"{folder.name} did not start within {START_LIMIT:.0f} s.")
        said = answer.read()
    if not said:
        log = (folder / KEEPER_LOG).read_text(errors="replace").strip()[-SHOWN:]
        raise InstanceStartError(f"The keeper of {folder.name} ended before QEMU ran: {log}")
    failure = json.loads(said)
    if failure:
        raise InstanceStartError(failure["error"], mend=failure["mend"])


def _start_keeper(folder: Path, volumes: Path, acceleration: Acceleration, told: int) -> None:
    """Start a keeper, which leaves us at once. One allocation arena is enough for it."""
    argv = [sys.executable, "-I", "-m", KEEPER, str(folder), str(volumes), acceleration.kind, acceleration.reason]
    with (folder / KEEPER_LOG).open("wb") as log:
        subprocess.run(
            [*argv, str(told)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[told],
            start_new_session=True,
            env={**os.environ, "MALLOC_ARENA_MAX": "1"},
            check=False,
        )
