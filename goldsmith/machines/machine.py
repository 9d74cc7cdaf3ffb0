"""A virtual machine from its start to its end, which it never outlives us to see."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import shutil
import socket
import subprocess
import time
import uuid
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from goldsmith.errors import GoldsmithError
from goldsmith.guests.bound import end, start_bound
from goldsmith.guests.machine import MachineGuest, SshAddress
from goldsmith.machines.boot import BootError, BootReport, await_system, require_healthy
from goldsmith.machines.console import Console
from goldsmith.machines.imds_server import MetadataServer
from goldsmith.machines.metadata import InstanceMetadata
from goldsmith.machines.qemu import ADDRESS, MAC, Wiring, qemu_argv, uefi_files
from goldsmith.machines.qmp import Monitor
from goldsmith.machines.runs import Run
from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    from types import TracebackType

    from goldsmith.machines.acceleration import Acceleration
    from goldsmith.machines.spec import MachineSpec

BOOT_LIMIT = 600.0
"""Seconds from QEMU's start to a system that systemd calls finished; emulation on a busy host takes minutes."""

ATTEMPTS = 8
"""Loopback addresses tried before giving up; two machines rarely draw the same of four million."""

SSH_PORT = 22
UNPRIVILEGED_SSH_PORT = 2222


class Machine:
    """A machine started from ``spec`` below the folder ``runs`` for as long as the with block lasts.

    Afterwards, and also when this process is killed, no process of it is left; its folder is removed at the
    end of the block, or by `goldsmith.machines.runs.sweep` after a kill.
    """

    def __init__(self, spec: MachineSpec, acceleration: Acceleration, *, runs: Path) -> None:
        self.spec = spec
        self.acceleration = acceleration
        self.instance_id = f"i-{uuid.uuid4().hex[:17]}"
        self.console = Console(spec.evidence / "console.log")
        self._run = Run(runs)
        self._stack = ExitStack()
        self._monitor: Monitor | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guest: MachineGuest | None = None
        self._begun = 0.0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._run)
            self.spec.evidence.mkdir(parents=True, exist_ok=True)
            key = self._make_key()
            self._make_disk()
            metadata = self._metadata(key)
            stack.enter_context(MetadataServer(self._run.short / "metadata", lambda: metadata))
            address, port = self._start(stack)
            self._guest = MachineGuest(
                SshAddress(address, port, self.spec.user, self._run.short / "key", self._run.short),
                watch=self.check,
            )
            stack.callback(self._guest.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def guest(self) -> MachineGuest:
        """The machine as a place where commands run, once `await_boot` has returned."""
        if self._guest is None:
            raise MachineError("The machine has not been started.")
        return self._guest

    @property
    def process_id(self) -> int:
        """QEMU's process id."""
        if self._process is None:
            raise MachineError("The machine has not been started.")
        return self._process.pid

    def await_boot(self, limit: float = BOOT_LIMIT) -> BootReport:
        """Wait until systemd has started everything; write boot.json and a screenshot as evidence.

        Raises BootError naming what failed, with the console's last lines where the machine cannot be asked.
        """
        deadline = self._begun + limit
        try:
            self.guest.connect(deadline)
            state = await_system(self.guest, max(1.0, deadline - time.monotonic()))
        except BootError:
            self._screenshot()
            raise
        except GoldsmithError as lost:
            self._screenshot()
            raise BootError(f"{lost.message}\nThe console's last lines:\n{self.console.last_lines()}") from lost
        report = BootReport(
            seconds=round(time.monotonic() - self._begun, 2),
            firmware=self.spec.firmware,
            acceleration=self.acceleration.kind,
            kernel=state.kernel,
            systemd_seconds=round(state.systemd_seconds, 2),
            failed_units=state.failed_units,
            console=self.console.path.name,
            screenshot=self._screenshot(),
        )
        (self.spec.evidence / "boot.json").write_text(json.dumps(report.as_json(), indent=2) + "\n")
        require_healthy(self.guest, state)
        return report

    def check(self) -> None:
        """Raise BootError when QEMU has ended or the console says that the boot is beyond hope."""
        if self._process is None or self._process.poll() is not None:
            raise MachineError(f"QEMU ended by itself: {self._said() or 'it said nothing'}")
        reason = self.console.hopeless()
        if reason:
            raise BootError(
                f"The machine does not boot: {reason}. The console's last lines:\n{self.console.last_lines()}",
                mend=f"The whole console is in {self.console.path}.",
            )

    def _make_key(self) -> str:
        """Make the pair of keys that only this run knows; return the public one's line."""
        key = self._run.path / "key"
        _tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "goldsmith", "-f", str(key))
        return key.with_suffix(".pub").read_text().strip()

    def _make_disk(self) -> None:
        """Make the overlay that takes the machine's writes, and UEFI's own variables."""
        disk = json.dumps(
            {"driver": self.spec.format, "file": {"driver": "file", "filename": str(self.spec.disk.absolute())}}
        )
        overlay = str(self._run.path / "overlay.qcow2")
        _tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", f"json:{disk}", "-F", self.spec.format, overlay)
        if self.spec.firmware == "uefi":
            shutil.copyfile(uefi_files()[1], self._run.path / "variables.fd")

    def _metadata(self, key: str) -> InstanceMetadata:
        instance = InstanceMetadata(
            instance_id=self.instance_id,
            mac=MAC,
            local_ipv4=ADDRESS,
            public_keys={"goldsmith": key, **self.spec.public_keys},
            user_data=self.spec.user_data,
            launched=datetime.now(UTC),
        )
        return replace(instance, **self.spec.launch_values)  # type: ignore[arg-type]

    def _start(self, stack: ExitStack) -> tuple[str, int]:
        """Start QEMU on a loopback address of its own; return the address and port of the machine's SSH."""
        port = ssh_port()
        for _ in range(ATTEMPTS):
            address = draw_address(port)
            if self._launch(stack, address, port):
                return address, port
            if "hostfwd" not in self._said() and "host forwarding" not in self._said():
                break
        raise MachineError(f"QEMU did not start the machine: {self._said()}")

    def _launch(self, stack: ExitStack, address: str, port: int) -> bool:
        monitor = Monitor()
        stack.callback(monitor.close)
        wiring = Wiring(
            overlay=self._run.path / "overlay.qcow2",
            variables=self._run.path / "variables.fd",
            console=self.console.path.resolve(),
            metadata=self._run.short / "metadata",
            monitor=monitor.theirs.fileno(),
            address=address,
            port=port,
        )
        identity = f"ec2{uuid.uuid4().hex[3:]}"
        argv = qemu_argv(
            self.spec, wiring, self.acceleration, instance_id=self.instance_id, uuid=str(uuid.UUID(identity))
        )
        self._begun = time.monotonic()
        with (self._run.path / "qemu.log").open("wb") as words:
            process = start_bound(argv, stdout=words, stderr=words, pass_fds=[wiring.monitor])
        stack.callback(end, process)
        try:
            monitor.greet()
        except MachineError:
            process.wait()
            return False
        self._process, self._monitor = process, monitor
        return True

    def _said(self) -> str:
        log = self._run.path / "qemu.log"
        return log.read_text(errors="replace").strip() if log.exists() else ""

    def _screenshot(self) -> str | None:
        """Keep the screen as a PNG and return its name; a machine that is gone has none."""
        path = (self.spec.evidence / "screenshot.png").resolve()
        if self._monitor is None:
            return None
        with contextlib.suppress(MachineError):
            self._monitor.screenshot(path)
            return path.name
        return None


def ssh_port() -> int:
    """Return the port that a machine's SSH gets on its address: 22 where this user may listen there."""
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    return SSH_PORT if os.geteuid() == 0 or first <= SSH_PORT else UNPRIVILEGED_SSH_PORT


def draw_address(port: int) -> str:
    """Return an address of 127.64.0.0/10 on whose ``port`` nobody listens now."""
    for _ in range(ATTEMPTS):
        number = random.SystemRandom().randrange(1, (1 << 22) - 1)
        address = f"127.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
        with socket.socket() as attempt:
            try:
                attempt.bind((address, port))
            except OSError as taken:
                if taken.errno != errno.EADDRINUSE:
                    raise
                continue
        return address
    raise MachineError("No free loopback address was found for a machine.")


def _tool(*argv: str) -> None:
    try:
        subprocess.run(argv, check=True, capture_output=True)
    except FileNotFoundError as missing:
        raise MachineError(
            f"The program {argv[0]} is not installed on this host.", mend="`goldsmith doctor` names its package."
        ) from missing
    except subprocess.CalledProcessError as failed:
        raise MachineError(f"{argv[0]} failed: {failed.stderr.decode(errors='replace').strip()}") from failed
