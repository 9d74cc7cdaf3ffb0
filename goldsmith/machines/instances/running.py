"""One run of an instance: QEMU, its monitor, and everything that keeps it company until it ends."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from goldsmith.guests.bound import end, start_bound
from goldsmith.machines.imds_server import MetadataServer
from goldsmith.machines.instances.block_nodes import BASE_SOCKET
from goldsmith.machines.instances.command_line import METADATA_SOCKET, VARIABLES, Wires, instance_argv
from goldsmith.machines.instances.console_log import copy_console
from goldsmith.machines.instances.ending import RunState, begun, ended, write_state
from goldsmith.machines.instances.events import Events
from goldsmith.machines.instances.folder import CONSOLE, METADATA, SOCKETS, SPEC, WORDS
from goldsmith.machines.instances.freezing import Freezing
from goldsmith.machines.instances.guest_agent import GuestAgent
from goldsmith.machines.instances.host_ports import HostPorts
from goldsmith.machines.instances.live_volumes import LiveVolumes
from goldsmith.machines.instances.metadata_file import MetadataFile
from goldsmith.machines.instances.nbd_server import NbdServer
from goldsmith.machines.instances.orders import SOCKET, OrderServer
from goldsmith.machines.instances.power import Power
from goldsmith.machines.instances.processors import Processors
from goldsmith.machines.instances.records import write_record
from goldsmith.machines.instances.spec import AttachedVolume, Forward, InstanceError, InstanceSpec
from goldsmith.machines.qemu import uefi_files
from goldsmith.machines.qmp import Monitor
from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from types import TracebackType

    from goldsmith.machines.acceleration import Acceleration
    from goldsmith.machines.instances.volumes import Volumes

LOG = logging.getLogger(__name__)

INITIALIZING = 300.0
"""Seconds from a start for which a guest that does not answer yet is not called unreachable."""

LAST_WORDS = 2000

CONSOLE_LIMIT = 5.0
"""Seconds that what the console said last gets to be written."""


class Running:
    """An instance that runs from `start` to the end of the with block, in its folder, the working directory.

    ``lock`` is the descriptor of the instance's lock: QEMU gets a copy, so that it is held until QEMU is gone, too.
    """

    _state: RunState

    def __init__(self, spec: InstanceSpec, volumes: Volumes, acceleration: Acceleration, lock: int) -> None:
        self.spec = spec
        self._volumes = volumes
        self._acceleration = acceleration
        self._lock = lock
        self._noting = Lock()
        self._stack = ExitStack()

    def start(self) -> Self:
        """Start QEMU and all that belongs to it; MachineError when that fails, and nothing of it is left."""
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def await_end(self) -> RunState:
        """Wait until QEMU has ended; return how, recorded."""
        exit_code = self._process.wait()
        self._power.ended()
        self._console.join(CONSOLE_LIMIT)
        reason, message = self._power.verdict(exit_code, _last_words())
        with self._noting:
            self._state = ended(self._state, reason, message)
            write_state(Path(), self._state)
        return self._state

    def stop(self, patience: float) -> dict[str, Any]:
        """Begin to stop the instance; its power is cut after ``patience`` seconds."""
        self._power.stop(patience)
        self._note(state="stopping")
        return {}

    def _start(self, stack: ExitStack) -> None:
        self._events = Events()
        self._monitor = Monitor(self._events.hear)
        stack.callback(self._monitor.close)
        self._live = LiveVolumes(self._volumes, self.spec.instance_id, self._monitor, self._keep_spec)
        nodes = {attached.volume_id: self._live.claim(attached) for attached in self.spec.volumes}
        for name in SOCKETS:
            Path(name).unlink(missing_ok=True)
        stack.enter_context(NbdServer(Path(BASE_SOCKET), self._live.exports))
        stack.enter_context(MetadataServer(Path(METADATA_SOCKET), MetadataFile(Path(METADATA)).current))
        if self.spec.firmware == "uefi" and not Path(VARIABLES).exists():
            shutil.copyfile(uefi_files()[1], VARIABLES)
        console, console_end = _pair(stack)
        agent, agent_end = _pair(stack)
        wires = Wires(self._monitor.theirs.fileno(), console_end.fileno(), agent_end.fileno())
        self._process = _start_qemu(instance_argv(self.spec, nodes, wires, self._acceleration), wires, self._lock)
        stack.callback(end, self._process)
        console_end.close()
        agent_end.close()
        self._console = copy_console(console, Path(CONSOLE))
        self._agent = GuestAgent(agent)
        self._processors = Processors(self._monitor)
        self._power = Power(self._monitor, self._processors, self._process.kill)
        self._ports = HostPorts(self._monitor, self.spec)
        for listener in (self._agent.hear, self._power.hear, self._processors.hear, self._live.hear, self._reset):
            self._events.listen(listener)
        self._greet()
        self._freezing = Freezing(self._live, self._monitor, self._processors, self._agent, self._events)
        faults = self._ports.change(self.spec.forwards)
        self._state = begun(os.getpid(), self._process.pid)
        self._note(forward_faults=faults)
        stack.enter_context(OrderServer(Path(SOCKET), self._orders()))

    def _greet(self) -> None:
        """Wait until QEMU runs the machine; InstanceError with its words when it does not."""
        self._booted_at = time.monotonic()
        try:
            self._monitor.greet()
        except MachineError as ended_early:
            self._process.wait()
            raise InstanceError(f"QEMU did not start {self.spec.instance_id}: {_last_words()}") from ended_early

    def _orders(self) -> dict[str, Any]:
        return {
            "stop": self.stop,
            "force": self._force,
            "reboot": self._reboot,
            "forwards": self._change_forwards,
            "attach": self._attach,
            "detach": self._detach,
            "freeze": self._freeze,
            "release": self._release,
            "reach": self._reach,
            "screenshot": self._screenshot,
        }

    def _force(self) -> dict[str, Any]:
        self._power.force()
        return {}

    def _reboot(self, patience: float) -> dict[str, Any]:
        self._power.reboot(patience)
        return {}

    def _change_forwards(self, forwards: list[dict[str, Any]]) -> dict[str, Any]:
        wanted = tuple(Forward(**forward) for forward in forwards)
        faults = self._ports.change(wanted)
        self.spec = replace(self.spec, forwards=wanted)
        self._keep_spec()
        self._note(forward_faults=faults)
        return {"faults": faults}

    def _attach(self, volume: dict[str, Any]) -> dict[str, Any]:
        self._live.attach(AttachedVolume(**volume))
        self._freezing.merge()
        return {}

    def _detach(self, volume_id: str, patience: float) -> dict[str, Any]:
        return {"detached": self._live.detach(volume_id, patience)}

    def _freeze(self, capture: str, volume_ids: Sequence[str]) -> dict[str, Any]:
        way, files = self._freezing.freeze(capture, volume_ids)
        return {"way": way, "files": files}

    def _release(self, capture: str, volume_ids: Sequence[str]) -> dict[str, Any]:
        self._freezing.release(capture, volume_ids)
        return {}

    def _reach(self) -> dict[str, Any]:
        """Say whether the machine runs, and whether its guest answers."""
        state = self._processors.state()
        answers = state == "running" and (self._agent.answers() or self._ports.guest_answers())
        young = time.monotonic() - self._booted_at < INITIALIZING
        return {"machine": state, "guest": "passed" if answers else "initializing" if young else "failed"}

    def _screenshot(self) -> dict[str, Any]:
        name = f"screenshot.{secrets.token_hex(8)}.png"
        self._monitor.screenshot(Path(name))
        return {"file": name}

    def _reset(self, event: dict[str, Any]) -> None:
        """Note that the guest starts over."""
        if event["event"] == "RESET":
            self._booted_at = time.monotonic()
            self._ports.forget()

    def _keep_spec(self) -> None:
        self.spec = replace(self.spec, volumes=self._live.attached())
        write_record(Path(SPEC), self.spec.as_json())

    def _note(self, **changes: Any) -> None:
        """Record how the run stands, unless it has ended."""
        with self._noting:
            if self._state.state != "stopped":
                self._state = replace(self._state, **changes)
                write_state(Path(), self._state)


def _pair(stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    stack.callback(ours.close)
    stack.callback(theirs.close)
    return ours, theirs


def _start_qemu(argv: Sequence[str], wires: Wires, lock: int) -> subprocess.Popen[bytes]:
    with Path(WORDS).open("wb") as words:
        kept = [wires.monitor, wires.console, wires.agent, lock]
        return start_bound(argv, stdout=words, stderr=words, pass_fds=kept)


def _last_words() -> str:
    return Path(WORDS).read_text(errors="replace").strip()[-LAST_WORDS:]
