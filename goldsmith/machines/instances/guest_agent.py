"""The guest agent's channel: asks a guest to hold its file systems still for a moment.

Source: https://qemu.readthedocs.io/en/v7.2.0/interop/qemu-ga-ref.html
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import time
from threading import Lock
from typing import TYPE_CHECKING, Any

from goldsmith.machines.instances.spec import InstanceError

if TYPE_CHECKING:
    import socket

LOG = logging.getLogger(__name__)

ANSWER_LIMIT = 2.0
"""Seconds in which an agent that is there answers; emulated guests are slow, not that slow."""

FREEZE_LIMIT = 10.0
"""Seconds that a guest gets to flush and freeze."""

LONGEST_ANSWER = 1 << 20
DELIMITER = b"\xff"


class GuestAgent:
    """Talks with the guest's agent over the host's end of its channel. ``present`` follows what QEMU tells of it."""

    def __init__(self, channel: socket.socket) -> None:
        self.present = False
        self._channel = channel
        self._heard = b""
        self._turn = Lock()

    def hear(self, event: dict[str, Any]) -> None:
        """Note from QEMU's events whether an agent in the guest has opened its end."""
        if event["event"] == "VSERPORT_CHANGE":
            self.present = bool(event["data"]["open"])
        elif event["event"] == "RESET":
            self.present = False

    def answers(self) -> bool:
        """Whether an agent answers now."""
        if not self.present:
            return False
        with self._turn:
            return self._synchronise(ANSWER_LIMIT)

    def freeze(self) -> bool:
        """Have the guest flush and freeze its file systems; whether it did. `thaw` must follow in any case."""
        if not self.answers():
            return False
        with self._turn:
            try:
                frozen = self._ask("guest-fsfreeze-freeze", FREEZE_LIMIT)
            except InstanceError as unwilling:
                LOG.warning("The guest did not freeze: %s", unwilling)
                return False
        return bool(frozen)

    def thaw(self) -> None:
        """Let the guest write again. The order waits in the channel, should the agent still be busy freezing."""
        if not self.present:
            return
        with self._turn:
            with contextlib.suppress(OSError):
                self._channel.sendall(json.dumps({"execute": "guest-fsfreeze-thaw"}).encode() + b"\n")
            if not self._synchronise(FREEZE_LIMIT):
                LOG.error("The guest agent was told to thaw and does not answer.")

    def _synchronise(self, limit: float) -> bool:
        """Pass over answers to earlier questions; whether the agent answered this one."""
        number = secrets.randbelow(1 << 31)
        question = {"execute": "guest-sync-delimited", "arguments": {"id": number}}
        deadline = time.monotonic() + limit
        try:
            self._channel.settimeout(limit)
            self._channel.sendall(DELIMITER + json.dumps(question).encode() + b"\n")
            while True:
                answer = self._line(deadline)
                if answer.get("return") == number:
                    return True
        except (OSError, InstanceError):
            return False

    def _ask(self, command: str, limit: float) -> object:
        try:
            self._channel.settimeout(limit)
            self._channel.sendall(json.dumps({"execute": command}).encode() + b"\n")
            answer = self._line(time.monotonic() + limit)
        except OSError as silent:
            raise InstanceError(f"The guest agent did not answer {command}.") from silent
        if "error" in answer:
            raise InstanceError(f"The guest agent refused {command}: {answer['error']}.")
        return answer.get("return")

    def _line(self, deadline: float) -> dict[str, Any]:
        """Return the next answer. What a guest says is bounded and need not be sense."""
        while b"\n" not in self._heard:
            self._channel.settimeout(max(0.001, deadline - time.monotonic()))
            chunk = self._channel.recv(1 << 16)
            if not chunk or len(self._heard) > LONGEST_ANSWER:
                self._heard = b""
                raise InstanceError("The guest agent's channel broke.")
            self._heard += chunk
        line, _, self._heard = self._heard.partition(b"\n")
        try:
            answer = json.loads(line.rpartition(DELIMITER)[2])
        except ValueError:
            return {}
        return answer if isinstance(answer, dict) else {}
