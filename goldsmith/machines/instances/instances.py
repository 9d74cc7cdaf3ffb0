"""The instances of this host: made, started, stopped, looked at. They run whether anybody looks or not."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldsmith.machines.instances.addresses import draw_address
from goldsmith.machines.instances.console_log import SHOWN, read_console
from goldsmith.machines.instances.ending import read_state
from goldsmith.machines.instances.folder import CONSOLE, KEEPER_LOG, LOCK, METADATA, SOCKETS, SPEC
from goldsmith.machines.instances.launching import launch
from goldsmith.machines.instances.locks import await_free, held, is_held, take
from goldsmith.machines.instances.metadata_file import read_metadata, write_metadata
from goldsmith.machines.instances.orders import give_order
from goldsmith.machines.instances.records import read_record, sync_folder, write_record
from goldsmith.machines.instances.spec import (
    InstanceError,
    InstanceSpec,
    NoSuchInstanceError,
    NotRunningError,
    require_id,
    require_sound,
)
from goldsmith.machines.instances.status import InstanceStatus, Reachability, settle, status_of
from goldsmith.machines.instances.volumes import Volumes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from goldsmith.machines.acceleration import Acceleration
    from goldsmith.machines.instances.spec import AttachedVolume, Forward
    from goldsmith.machines.metadata import InstanceMetadata

END_PATIENCE = 60.0
"""Seconds more that QEMU gets to end after its power was cut."""

STOP_PATIENCE = 120.0
"""Seconds that a guest gets to shut down before its power is cut."""

REBOOT_PATIENCE = 240.0
"""Seconds that a guest gets to reboot before it is reset, as on EC2."""

DETACH_PATIENCE = 10.0

GLANCES = 0.05
"""Seconds between two looks at an instance that is just starting or ending."""

MOMENT = 5.0
"""Seconds that somebody may hold an instance's lock for a change to its records."""


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
            placed = spec if spec.address else replace(spec, address=draw_address(taken))
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
        launch(folder, self.volumes.folder, self._acceleration)

    def status(self, instance_id: str) -> InstanceStatus:
        """Return how an instance stands, without asking it anything."""
        folder, address = self._existing(instance_id), self.spec(instance_id).address
        try:
            return status_of(folder, address)
        except FileNotFoundError as removed:
            raise _no_such(instance_id) from removed

    def begin_stop(self, instance_id: str, *, force: bool = False, patience: float = STOP_PATIENCE) -> None:
        """Have an instance shut down; its power is cut after ``patience`` seconds, or at once with ``force``.

        It goes on when this process ends. Nothing for an instance that is stopped.
        """
        folder = self._existing(instance_id)
        deadline = time.monotonic() + END_PATIENCE
        while True:
            try:
                if force:
                    give_order(folder, "force")
                else:
                    give_order(folder, "stop", patience=patience)
            except NotRunningError:  # or just starting or ending
                if is_held(folder / LOCK) and time.monotonic() < deadline:
                    time.sleep(GLANCES)
                    continue
            return

    def await_end(self, instance_id: str, patience: float) -> InstanceStatus:
        """Wait until an instance is stopped, at most ``patience`` seconds; return how it stands then."""
        folder = self._existing(instance_id)
        await_free(folder / LOCK, patience=patience)
        return self.status(instance_id)

    def stop(self, instance_id: str, *, force: bool = False, patience: float = STOP_PATIENCE) -> InstanceStatus:
        """Stop an instance and wait until it is."""
        self.begin_stop(instance_id, force=force, patience=patience)
        return self.await_end(instance_id, patience + END_PATIENCE)

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
            answer = give_order(folder, "detach", limit=patience, volume_id=volume_id, patience=patience)
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
            raise _no_such(instance_id) from missing

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
            folder = self.path(instance_id)
            with suppress(InstanceError, FileNotFoundError):
                settle(folder)
                with self._stopped(instance_id, patience=0):
                    removed += _clear(folder)
        return [*removed, *half]

    def _existing(self, instance_id: str) -> Path:
        folder = self.path(instance_id)
        if not (folder / SPEC).exists():
            raise _no_such(instance_id)
        return folder

    @contextmanager
    def _stopped(self, instance_id: str, *, patience: float = MOMENT) -> Iterator[InstanceSpec]:
        """Keep a stopped instance from being started while its records change."""
        folder = self._existing(instance_id)
        run = read_state(folder)
        runs = run is not None and run.state == "running" and is_held(folder / LOCK)
        lock = take(folder / LOCK, patience=0 if runs else patience)
        if lock is None:
            raise InstanceError(
                f"{instance_id} runs, or is just starting or ending.", mend="Stop it, or try again in a moment."
            )
        try:
            yield self.spec(instance_id)
        finally:
            os.close(lock)

    def _write(self, spec: InstanceSpec) -> None:
        write_record(self.path(spec.instance_id) / SPEC, spec.as_json())


def _clear(folder: Path) -> list[Path]:
    """Remove what a killed keeper left in a stopped instance's folder; return what was removed."""
    names = (*SOCKETS, "screenshot.*.png", ".*.json.*")
    left = [path for name in names for path in folder.glob(name)]
    for path in left:
        path.unlink()
    return left


def _no_such(instance_id: str) -> NoSuchInstanceError:
    return NoSuchInstanceError(f"There is no instance {instance_id} on this host.")
