"""The instances of this host: made, started, stopped, looked at. They run whether anybody looks or not."""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from goldsmith.machines.instances.console_log import SHOWN, read_console
from goldsmith.machines.instances.ending import read_state, settle_lost
from goldsmith.machines.instances.keeper import LOCK
from goldsmith.machines.instances.locks import await_free, held, is_held, take
from goldsmith.machines.instances.metadata_file import read_metadata, write_metadata
from goldsmith.machines.instances.orders import give_order
from goldsmith.machines.instances.records import read_record, sync_folder, write_record
from goldsmith.machines.instances.running import CONSOLE, METADATA, SOCKETS, SPEC
from goldsmith.machines.instances.spec import (
    InstanceError,
    InstanceSpec,
    InstanceStartError,
    NoSuchInstanceError,
    NotRunningError,
    require_id,
    require_sound,
)
from goldsmith.machines.instances.volumes import Volumes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from goldsmith.machines.acceleration import Acceleration
    from goldsmith.machines.instances.ending import Reason, RunState
    from goldsmith.machines.instances.spec import AttachedVolume, Forward
    from goldsmith.machines.metadata import InstanceMetadata

KEEPER = "goldsmith.machines.instances.keeper"
KEEPER_LOG = "keeper.log"

START_LIMIT = 60.0
"""Seconds that QEMU may take until it runs; it takes a quarter of one."""

STOP_PATIENCE = 120.0
"""Seconds that a guest gets to shut down before its power is cut."""

REBOOT_PATIENCE = 240.0
"""Seconds that a guest gets to reboot before it is reset, as on EC2."""

DETACH_PATIENCE = 10.0

MOMENT = 5.0
"""Seconds that somebody may hold an instance's lock for a change to its records."""

FIRST_LOOPBACK = (127 << 24) | (64 << 16)
LOOPBACKS = 1 << 22
"""Addresses of 127.64.0.0/10, of which each instance gets one for its life."""


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


class Instances:
    """The instances in ``folder`` and their ``volumes``. Any number of processes may use the same folders at once."""

    def __init__(self, folder: Path, volumes: Path, acceleration: Acceleration) -> None:
        self.folder = folder.absolute()
        self.volumes = Volumes(volumes.absolute(), self.folder)
        self._acceleration = acceleration

    def create(self, spec: InstanceSpec, metadata: InstanceMetadata) -> InstanceSpec:
        """Make an instance that is not started yet; return its spec with the loopback address it has for its life.

        The same instance may be made again.
        """
        require_sound(spec)
        for attached in spec.volumes:
            self.volumes.get(attached.volume_id)
        self.folder.mkdir(parents=True, exist_ok=True)
        path, fresh = self.path(spec.instance_id), self.folder / f".{spec.instance_id}"
        with held(self.folder / ".lock"):
            if path.exists():
                made = self.spec(spec.instance_id)
                if replace(spec, address=spec.address or made.address) != made:
                    raise InstanceError(f"There is another instance {spec.instance_id} already.")
                write_metadata(path / METADATA, metadata)
                return made
            taken = {self.spec(instance_id).address for instance_id in self.ids()}
            if spec.address in taken:
                raise InstanceError(f"Another instance has the address {spec.address}.")
            placed = spec if spec.address else replace(spec, address=_draw_address(taken))
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700)
            write_metadata(fresh / METADATA, metadata)
            write_record(fresh / SPEC, placed.as_json())
            fresh.rename(path)
            sync_folder(self.folder)
        return placed

    def start(self, instance_id: str) -> None:
        """Start an instance and return when QEMU runs; nothing when it does already.

        Raises InstanceStartError with QEMU's words when it does not; nothing is left of the attempt.
        """
        folder = self._existing(instance_id)
        if self.status(instance_id).state == "running":
            return
        heard, told = os.pipe()
        with os.fdopen(heard, "rb") as answer:
            try:
                self._launch(folder, told)
            finally:
                os.close(told)
            if not select.select([answer], [], [], START_LIMIT)[0]:
                raise InstanceStartError(f"{instance_id} did not start within {START_LIMIT:.0f} s.")
            said = answer.read()
        if not said:
            log = (folder / KEEPER_LOG).read_text(errors="replace").strip()[-2000:]
            raise InstanceStartError(f"The keeper of {instance_id} ended before QEMU ran: {log}")
        failure = json.loads(said)
        if failure:
            raise InstanceStartError(failure["error"], mend=failure["mend"])

    def status(self, instance_id: str) -> InstanceStatus:
        """Return how an instance stands, without asking it anything."""
        folder = self._existing(instance_id)
        lives = is_held(folder / LOCK)
        run, address = read_state(folder), self.spec(instance_id).address
        if run is None:
            return InstanceStatus("stopped", address)
        if run.state != "stopped" and not lives:
            run = self._settle(folder, run)
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

    def begin_stop(self, instance_id: str, *, force: bool = False, patience: float = STOP_PATIENCE) -> None:
        """Have an instance shut down; its power is cut after ``patience`` seconds, or at once with ``force``.

        It goes on when this process ends. Nothing for an instance that is stopped.
        """
        folder = self._existing(instance_id)
        with suppress(NotRunningError):
            if force:
                give_order(folder, "force")
            else:
                give_order(folder, "stop", patience=patience)

    def await_end(self, instance_id: str, patience: float) -> InstanceStatus:
        """Wait until an instance is stopped, at most ``patience`` seconds; return how it stands then."""
        folder = self._existing(instance_id)
        await_free(folder / LOCK, patience=patience)
        return self.status(instance_id)

    def stop(self, instance_id: str, *, force: bool = False, patience: float = STOP_PATIENCE) -> InstanceStatus:
        """Stop an instance and wait until it is."""
        self.begin_stop(instance_id, force=force, patience=patience)
        return self.await_end(instance_id, patience + START_LIMIT)

    def reboot(self, instance_id: str, *, patience: float = REBOOT_PATIENCE) -> None:
        """Have the guest shut down and start again, reset it after ``patience`` seconds. It goes on without us.

        Raises NotRunningError for an instance that is stopped.
        """
        give_order(self._existing(instance_id), "reboot", patience=patience)

    def remove(self, instance_id: str) -> None:
        """End an instance at once and forget it; nothing for one that is not there. Its volumes stay."""
        try:
            status = self.stop(instance_id, force=True)
        except NoSuchInstanceError:
            return
        if status.state != "stopped":
            raise InstanceError(f"{instance_id} does not end.", mend=f"Look at {self.path(instance_id) / KEEPER_LOG}.")
        gone = self.folder / f".{instance_id}"
        with held(self.folder / ".lock"):
            shutil.rmtree(gone, ignore_errors=True)
            with suppress(FileNotFoundError):
                self.path(instance_id).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def attach(self, instance_id: str, attached: AttachedVolume) -> None:
        """Attach a volume: plugged in while the instance runs, from its next start on when it is stopped."""
        folder = self._existing(instance_id)
        volume = self.volumes.get(attached.volume_id)
        with suppress(NotRunningError):
            give_order(folder, "attach", volume=asdict(attached))
            return
        with self._stopped(instance_id) as spec:
            self.volumes.require_free(volume)
            changed = replace(spec, volumes=(*spec.volumes, attached))
            require_sound(changed)
            self._write(changed)

    def detach(self, instance_id: str, volume_id: str, *, patience: float = DETACH_PATIENCE) -> bool:
        """Detach a volume; whether it is. A guest that runs has to let go, and may do so later than ``patience`` s."""
        folder = self._existing(instance_id)
        with suppress(NotRunningError):
            answer = give_order(folder, "detach", volume_id=volume_id, patience=patience)
            return bool(answer["detached"])
        with self._stopped(instance_id) as spec:
            self._write(replace(spec, volumes=tuple(one for one in spec.volumes if one.volume_id != volume_id)))
        return True

    def set_forwards(self, instance_id: str, forwards: Iterable[Forward]) -> Mapping[str, str]:
        """Open these ports of an instance's address and no others; return why some could not be opened (`HostPorts`).

        Those of a stopped instance are opened when it starts.
        """
        wanted = tuple(forwards)
        folder = self._existing(instance_id)
        with suppress(NotRunningError):
            answer = give_order(folder, "forwards", forwards=[asdict(forward) for forward in wanted])
            return dict(answer["faults"])
        with self._stopped(instance_id) as spec:
            self._write(replace(spec, forwards=wanted))
        return {}

    def set_metadata(self, instance_id: str, metadata: InstanceMetadata) -> None:
        """Replace what the instance learns about itself; a running one sees it with its next request."""
        write_metadata(self._existing(instance_id) / METADATA, metadata)

    def metadata(self, instance_id: str) -> InstanceMetadata:
        """Return what the instance learns about itself."""
        return read_metadata(self._existing(instance_id) / METADATA)

    def change(self, instance_id: str, **fields: Any) -> InstanceSpec:
        """Change fields of a stopped instance's spec, as its ``memory`` or ``instance_type``; return what it is now."""
        with self._stopped(instance_id) as spec:
            changed = replace(spec, **fields)
            require_sound(changed)
            self._write(changed)
            return changed

    def console(self, instance_id: str, length: int = SHOWN) -> bytes:
        """Return the last bytes that the instance's serial console said, in this run and those before."""
        return read_console(self._existing(instance_id) / CONSOLE, length)

    def screenshot(self, instance_id: str) -> bytes:
        """Return what a running instance's screen shows, as PNG."""
        folder = self._existing(instance_id)
        picture = folder / Path(give_order(folder, "screenshot")["file"]).name
        try:
            return picture.read_bytes()
        finally:
            picture.unlink(missing_ok=True)

    def reachable(self, instance_id: str) -> Reachability:
        """Say whether QEMU runs the machine and whether the guest's kernel answers on the network (up to 6 s)."""
        try:
            answer = give_order(self._existing(instance_id), "reach")
        except NotRunningError:
            return Reachability("not-applicable", "not-applicable")
        return Reachability("passed" if answer["machine"] == "running" else "failed", answer["guest"])

    def spec(self, instance_id: str) -> InstanceSpec:
        """Return what an instance is made of."""
        try:
            return InstanceSpec.from_json(read_record(self.path(instance_id) / SPEC))
        except FileNotFoundError as missing:
            raise NoSuchInstanceError(f"There is no instance {instance_id} on this host.") from missing

    def ids(self) -> list[str]:
        """Return the ids of all instances here, running or not."""
        return sorted(path.parent.name for path in self.folder.glob(f"i-*/{SPEC}"))

    def path(self, instance_id: str) -> Path:
        """Return an instance's folder."""
        return self.folder / require_id(instance_id)

    def sweep(self) -> list[Path]:
        """Remove what killed processes left of instances and volumes, and record what became of lost instances.

        Returns what was removed. Instances and volumes themselves are never removed.
        """
        removed = self.volumes.sweep()
        if not self.folder.exists():
            return removed
        with held(self.folder / ".lock"):
            half = sorted(self.folder.glob(".i-*"))
            for path in half:
                shutil.rmtree(path, ignore_errors=True)
        for instance_id in self.ids():
            with suppress(InstanceError), self._stopped(instance_id, patience=0):
                folder = self.path(instance_id)
                run = read_state(folder)
                if run and run.state != "stopped":
                    settle_lost(folder, run)
                left = [
                    *(folder / name for name in SOCKETS),
                    *folder.glob("screenshot.*.png"),
                    *folder.glob(".*.json.*"),
                ]
                for path in (path for path in left if path.exists()):
                    path.unlink()
                    removed.append(path)
        return [*removed, *half]

    def _existing(self, instance_id: str) -> Path:
        folder = self.path(instance_id)
        if not (folder / SPEC).exists():
            raise NoSuchInstanceError(f"There is no instance {instance_id} on this host.")
        return folder

    @contextmanager
    def _stopped(self, instance_id: str, *, patience: float = MOMENT) -> Iterator[InstanceSpec]:
        """Keep a stopped instance from being started while its records change."""
        folder = self._existing(instance_id)
        run = read_state(folder)
        if run and run.state == "running" and is_held(folder / LOCK):
            patience = 0
        lock = take(folder / LOCK, patience=patience)
        if lock is None:
            raise InstanceError(
                f"{instance_id} runs, or is just starting or ending.", mend="Stop it, or try again in a moment."
            )
        try:
            yield self.spec(instance_id)
        finally:
            os.close(lock)

    def _settle(self, folder: Path, run: RunState) -> RunState:
        """Record that a run was lost, unless another one has begun or recorded it meanwhile."""
        with suppress(InstanceError), self._stopped(folder.name, patience=0):
            run = read_state(folder) or run
            return run if run.state == "stopped" else settle_lost(folder, run)
        return read_state(folder) or run

    def _write(self, spec: InstanceSpec) -> None:
        write_record(self.path(spec.instance_id) / SPEC, spec.as_json())

    def _launch(self, folder: Path, told: int) -> None:
        """Start a keeper, which leaves us at once; one allocation arena is enough for it."""
        argv = [sys.executable, "-I", "-m", KEEPER, str(folder), str(self.volumes.folder)]
        acceleration = [self._acceleration.kind, self._acceleration.reason]
        with (folder / KEEPER_LOG).open("wb") as log:
            subprocess.run(
                [*argv, *acceleration, str(told)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[told],
                start_new_session=True,
                env={**os.environ, "MALLOC_ARENA_MAX": "1"},
                check=False,
            )


def _draw_address(taken: set[str]) -> str:
    """Return a loopback address that no instance has."""
    while True:
        address = str(IPv4Address(FIRST_LOOPBACK + random.SystemRandom().randrange(1, LOOPBACKS - 1)))
        if address not in taken:
            return address
