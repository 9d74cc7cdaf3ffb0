"""QEMU's monitor, one command at a time (QMP, docs/interop/qmp-spec.txt).

The client of the package qemu.qmp is asynchronous and would need an event loop in a thread of its own for
the three commands that are sent here.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 30.0
"""Seconds that QEMU may take to answer."""


class Monitor:
    """Talks QMP over a connected socket whose other end, ``theirs``, is QEMU's."""

    def __init__(self) -> None:
        self._ours, self.theirs = socket.socketpair()
        self._ours.settimeout(PATIENCE)
        self._lines = self._ours.makefile("rb")

    def greet(self) -> None:
        """Hear QEMU's greeting and agree on capabilities; MachineError when it ended before that."""
        self.theirs.close()
        self._hear()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """Run a command and return its result; MachineError with QEMU's words when it fails."""
        order = {"execute": command, "arguments": arguments}
        try:
            self._ours.sendall(json.dumps(order).encode() + b"\n")
        except OSError as gone:
            raise MachineError(f"QEMU is gone: {gone}.") from gone
        while True:
            message = self._hear()
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise MachineError(f"QEMU refused {command}: {message['error'].get('desc', message['error'])}")

    def screenshot(self, path: Path) -> None:
        """Write what the machine's screen shows as a PNG (QEMU 7.1 or later)."""
        self.execute("screendump", filename=str(path), format="png")

    def close(self) -> None:
        """Close both ends."""
        self._lines.close()
        self._ours.close()
        self.theirs.close()

    def _hear(self) -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except OSError as silent:
            raise MachineError("QEMU does not answer on its monitor.") from silent
        if not line:
            raise MachineError("QEMU ended.")
        message: dict[str, Any] = json.loads(line)
        return message
