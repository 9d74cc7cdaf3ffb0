"""QEMU's monitor, one command at a time, its events as they come (QMP, docs/interop/qmp-spec.txt).

The client of the package qemu.qmp is asynchronous and would need an event loop in a thread of its own for
the few commands that are sent here.
"""

from __future__ import annotations

import json
import socket
from itertools import count
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 30.0
"""Seconds that QEMU may take to answer."""

GONE: dict[str, Any] = {}
"""What is heard last: QEMU has ended."""


class Monitor:
    """Talks QMP over a connected socket whose other end, ``theirs``, is QEMU's. Threads may share it.

    ``on_event`` hears each event, in order, on a thread that must not wait for an answer of this monitor.
    """

    def __init__(self, on_event: Callable[[dict[str, Any]], None] | None = None) -> None:
        self._ours, self.theirs = socket.socketpair()
        self._ours.settimeout(PATIENCE)
        self._lines = self._ours.makefile("rb")
        self._on_event = on_event
        self._answers: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._numbers = count()
        self._turn = Lock()
        self._listener = Thread(target=self._listen, daemon=True, name="QMP")

    def greet(self) -> None:
        """Hear QEMU's greeting and agree on capabilities; MachineError when it ended before that."""
        self.theirs.close()
        self._hear()
        self._ours.settimeout(None)
        self._listener.start()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """Run a command and return its result; MachineError with QEMU's words when it fails."""
        with self._turn:
            number = next(self._numbers)
            order = {"execute": command, "arguments": arguments, "id": number}
            try:
                self._ours.sendall(json.dumps(order).encode() + b"\n")
            except OSError as gone:
                raise MachineError(f"QEMU is gone: {gone}.") from gone
            answer = self._answer(number)
        if "return" in answer:
            return answer["return"]
        raise MachineError(f"QEMU refused {command}: {answer['error'].get('desc', answer['error'])}")

    def screenshot(self, path: Path) -> None:
        """Write what the machine's screen shows as a PNG (QEMU 7.1 or later)."""
        self.execute("screendump", filename=str(path), format="png")

    def close(self) -> None:
        """Close both ends."""
        self.theirs.close()
        if self._listener.is_alive():
            self._ours.shutdown(socket.SHUT_RDWR)
            self._listener.join()
        self._lines.close()
        self._ours.close()

    def _answer(self, number: int) -> dict[str, Any]:
        """Return the answer to a command; what was too late for another is passed over."""
        while True:
            try:
                answer = self._answers.get(timeout=PATIENCE)
            except Empty as silent:
                raise MachineError("QEMU does not answer on its monitor.") from silent
            if answer is GONE:
                self._answers.put(GONE)
                raise MachineError("QEMU ended.")
            if answer.get("id") == number:
                return answer

    def _listen(self) -> None:
        while True:
            try:
                message = self._hear()
            except MachineError:
                self._answers.put(GONE)
                return
            if "event" not in message:
                self._answers.put(message)
            elif self._on_event:
                self._on_event(message)

    def _hear(self) -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except OSError as silent:
            raise MachineError("QEMU does not answer on its monitor.") from silent
        if not line:
            raise MachineError("QEMU ended.")
        message: dict[str, Any] = json.loads(line)
        return message
