"""Freezing and merging on a real QEMU, whose disks are written by its monitor, killed at every moment that matters."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from goldsmith.blocks.block_map import BLOCK
from goldsmith.blocks.disk_files import restore_disk
from goldsmith.guests.bound import end, start_bound
from goldsmith.machines.instances.capture import Capture, freeze, release, store
from goldsmith.machines.instances.events import Events
from goldsmith.machines.instances.freezing import Freezing
from goldsmith.machines.instances.guest_agent import GuestAgent
from goldsmith.machines.instances.live_volumes import LiveVolumes
from goldsmith.machines.instances.locks import take
from goldsmith.machines.instances.nbd_server import NbdServer
from goldsmith.machines.instances.processors import Processors
from goldsmith.machines.instances.spec import AttachedVolume, InstanceError
from goldsmith.machines.qemu import PROGRAM
from goldsmith.machines.qmp import Monitor
from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.machines.instances.instances import Instances
    from goldsmith.machines.instances.volume import Volume
    from tests.machines.instances.conftest import StoredDisk

pytestmark = pytest.mark.sandbox

ROOT, DATA = "vol-0123456789abcdef0", "vol-1123456789abcdef0"
INSTANCE = "i-0123456789abcdef0"
SIZE = 8 << 20


class Run:
    """A QEMU with volumes and no guest to speak of; ``freezing`` is what is tested."""

    def __init__(self, instances: Instances, *volume_ids: str) -> None:
        self.instances = instances
        self.folder = instances.path(INSTANCE)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.volume_ids = volume_ids
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        lock = take(self.folder / "lock", patience=10)
        assert lock is not None
        self.events = Events()
        self.monitor = Monitor(self.events.hear)
        self.stack.callback(self.monitor.close)
        self.live = LiveVolumes(self.instances.volumes, INSTANCE, self.monitor, lambda: None)
        (self.folder / "nbd").unlink(missing_ok=True)
        place = os.open(self.folder, os.O_PATH)  # the folder under a name short enough for a socket
        self.stack.callback(os.close, place)
        self.stack.enter_context(NbdServer(Path(f"/proc/self/fd/{place}/nbd"), self.live.exports))
        argv = ["stdbuf", "-oL", PROGRAM, "-nodefaults", "-machine", "q35", "-m", "32", "-display", "none"]
        argv += [part for n in range(4) for part in ("-device", f"pcie-root-port,id=hot{n},chassis={n + 1}")]
        argv += ["-chardev", f"socket,id=m,fd={self.monitor.theirs.fileno()}", "-mon", "chardev=m,mode=control"]
        self.said = self.folder / "said"
        with self.said.open("wb") as said:
            self.qemu = start_bound(argv, stdout=said, cwd=self.folder, pass_fds=[self.monitor.theirs.fileno()])
        self.stack.callback(end, self.qemu)
        self.stack.callback(os.close, lock)
        self.events.listen(self.live.hear)
        self.monitor.greet()
        for n, volume_id in enumerate(self.volume_ids):
            self.live.attach(AttachedVolume(volume_id, f"/dev/sd{chr(ord('f') + n)}"))
        self.agent = GuestAgent(socket.socket())
        self.processors = Processors(self.monitor)
        self.freezing = Freezing(self.live, self.monitor, self.processors, self.agent, self.events)
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def io(self, volume_id: str, command: str) -> str:
        """Have QEMU do what a guest's disk driver would ask it to, and make it durable."""
        line = f'qemu-io -d /machine/peripheral/{volume_id}/virtio-backend "{command}"'
        before = len(self.said.read_text())
        self.monitor.execute("human-monitor-command", **{"command-line": line})
        return self.said.read_text()[before:]

    def write(self, volume_id: str, pattern: int, offset: int, length: int = 4096) -> None:
        assert "wrote" in self.io(volume_id, f"write -P {pattern} {offset} {length}")
        self.io(volume_id, "flush")

    def holds(self, volume_id: str, pattern: int, offset: int, length: int = 4096) -> bool:
        said = self.io(volume_id, f"read -P {pattern} {offset} {length}")
        assert f"read {length}/{length}" in said
        return "failed" not in said

    def freeze(self, name: str) -> Capture:
        way, files = self.freezing.freeze(name, self.volume_ids)
        return Capture(name, way, {volume_id: tuple(names) for volume_id, names in files.items()})

    def release(self, name: str) -> None:
        self.freezing.release(name, self.volume_ids)

    def files(self, volume_id: str = ROOT) -> tuple[str, ...]:
        return self.instances.volumes.get(volume_id).files

    def await_merged(self) -> None:
        """Wait until every volume is one file again."""
        while any(len(self.files(volume_id)) > 1 for volume_id in self.volume_ids):
            self.qemu.poll()
            assert self.qemu.returncode is None
            with self.live.turn:
                pass


@pytest.fixture
def volumes(instances: Instances, stored: StoredDisk) -> Instances:
    instances.volumes.create(ROOT, SIZE, stored.store.url, stored.block_map)
    instances.volumes.create(DATA, SIZE, stored.store.url, None)
    return instances


def contents(instances: Instances, stored: StoredDisk, capture: Capture, folder: Path) -> dict[str, bytes]:
    """Return the volumes as a capture stored them."""
    found = {}
    with stored.store.writing() as writing:
        for volume_id, kept in store(instances, capture, writing).items():
            writing.save(kept.block_map)
            restore_disk(stored.store, kept.block_map, folder / volume_id)
            found[volume_id] = (folder / volume_id).read_bytes()
    return found


def test_a_capture_is_one_moment_of_all_volumes(volumes: Instances, stored: StoredDisk, tmp_path: Path) -> None:
    before = stored.path.read_bytes().ljust(SIZE, b"\0")
    with Run(volumes, ROOT, DATA) as run:
        run.write(ROOT, 1, 4096)
        run.write(DATA, 2, BLOCK)
        capture = run.freeze("ami-1")
        assert capture.way == "paused"
        assert run.processors.state() == "running"
        run.write(ROOT, 3, 4096)
        run.write(ROOT, 3, 2 * BLOCK)
        run.write(DATA, 4, BLOCK)
        found = contents(volumes, stored, capture, tmp_path)
        again = contents(volumes, stored, Capture.from_json(capture.as_json()), tmp_path)
        assert run.holds(ROOT, 3, 4096)
        run.release("ami-1")
        run.await_merged()
        assert run.holds(ROOT, 3, 2 * BLOCK)
        assert run.holds(DATA, 4, BLOCK)
    assert found == again
    assert found[ROOT] == before[:4096] + b"\1" * 4096 + before[8192:]
    assert found[DATA] == bytes(BLOCK) + b"\2" * 4096 + bytes(SIZE - BLOCK - 4096)


def test_only_what_changed_is_read_and_stored(volumes: Instances, stored: StoredDisk) -> None:
    with Run(volumes, ROOT) as run:
        run.write(ROOT, 1, 3 * BLOCK + 8192)
        run.write(ROOT, 0, 9 * BLOCK, BLOCK)
        assert "discard" in run.io(ROOT, f"discard 0 {128 << 10}")
        capture = run.freeze("ami-1")
        with stored.store.writing() as writing:
            kept = store(volumes, capture, writing)[ROOT]
        assert kept.changed == {0, 3, 9}
        assert writing.new_blocks == 2
        unchanged = [index for index, _ in stored.block_map.items() if index not in kept.changed]
        assert all(kept.block_map.get(index) == stored.block_map.get(index) for index in unchanged)


def test_two_captures_at_once_are_two_moments(volumes: Instances, stored: StoredDisk, tmp_path: Path) -> None:
    with Run(volumes, DATA) as run:
        run.write(DATA, 1, 0)
        first = run.freeze("ami-1")
        run.write(DATA, 2, 4096)
        second = run.freeze("ami-2")
        run.write(DATA, 3, 0)
        with pytest.raises(InstanceError, match="already"):
            run.freeze("ami-2")
        run.release("ami-1")
        assert len(run.files(DATA)) == 3, "the second one reads the first one's file, too"
        assert contents(volumes, stored, second, tmp_path)[DATA][:8192] == b"\1" * 4096 + b"\2" * 4096
        assert contents(volumes, stored, first, tmp_path)[DATA][:8192] == b"\1" * 4096 + bytes(4096)
        run.release("ami-2")
        run.await_merged()
        assert run.holds(DATA, 3, 0)
        assert run.holds(DATA, 2, 4096)


def test_a_capture_ends_a_merge_that_runs(volumes: Instances, stored: StoredDisk, tmp_path: Path) -> None:
    with Run(volumes, DATA) as run:
        for n in range(1, 6):
            run.write(DATA, n, 0, 4 << 20)
            name = f"ami-{n}"
            capture = run.freeze(name)
            run.write(DATA, n + 100, 5 << 20)
            assert contents(volumes, stored, capture, tmp_path)[DATA][: 4 << 20] == bytes([n]) * (4 << 20)
            run.release(name)
        run.await_merged()
        assert run.holds(DATA, 5, 0, 4 << 20)
        assert run.holds(DATA, 105, 5 << 20)
        assert len(list(volumes.volumes.path(DATA).glob("disk*"))) == 1


def test_a_transaction_that_fails_leaves_everything_as_it_was(volumes: Instances) -> None:
    with Run(volumes, ROOT, DATA) as run:
        run.write(DATA, 1, 0)
        execute = run.monitor.execute

        def refuse(command: str, **arguments: object) -> object:
            if command == "transaction":
                raise MachineError("No.")
            return execute(command, **arguments)

        run.monitor.execute = refuse  # type: ignore[method-assign]
        with pytest.raises(MachineError, match="No"):
            run.freeze("ami-1")
        run.monitor.execute = execute  # type: ignore[method-assign]
        assert run.files(ROOT) == run.files(DATA) == ("disk.qcow2",)
        assert volumes.volumes.captures() == {}
        assert len(list(volumes.volumes.path(DATA).glob("disk*"))) == 1
        assert run.processors.state() == "running"
        run.freeze("ami-1")
        assert run.holds(DATA, 1, 0)


def kill_before_saving(run: Run, when: Callable[[Volume], bool]) -> None:
    """Have QEMU killed, as with its keeper, when a record is about to be written; it is not written then."""
    save = run.instances.volumes.save

    def killed(volume: Volume) -> None:
        if when(volume):
            run.qemu.kill()
            run.qemu.wait()
            raise MachineError("Killed.")
        save(volume)

    run.instances.volumes.save = killed  # type: ignore[method-assign]


def test_killed_before_a_merge_is_recorded_it_holds_everything(volumes: Instances) -> None:
    with Run(volumes, ROOT) as run:
        run.write(ROOT, 1, 0)
        run.freeze("ami-1")
        run.write(ROOT, 2, 4096)
        save = run.instances.volumes.save
        kill_before_saving(run, lambda volume: len(volume.files) == 1)
        run.release("ami-1")
        run.qemu.wait()
        run.instances.volumes.save = save  # type: ignore[method-assign]
    assert len(volumes.volumes.get(ROOT).files) == 2
    with Run(volumes, ROOT) as run:
        run.await_merged()
        assert run.holds(ROOT, 1, 0)
        assert run.holds(ROOT, 2, 4096)


def test_killed_after_a_merge_is_recorded_it_holds_everything(volumes: Instances) -> None:
    with Run(volumes, ROOT) as run:
        run.freeze("ami-1")
        run.write(ROOT, 2, 4096)
        execute = run.monitor.execute

        def kill_first(command: str, **arguments: object) -> object:
            if command == "cont" and len(run.files()) == 1:
                run.qemu.kill()
                run.qemu.wait()
            return execute(command, **arguments)

        run.monitor.execute = kill_first  # type: ignore[method-assign]
        run.release("ami-1")
        run.qemu.wait()
    assert volumes.volumes.get(ROOT).files == ("disk.qcow2",)
    with Run(volumes, ROOT) as run:
        assert run.holds(ROOT, 2, 4096)
        assert len(list(volumes.volumes.path(ROOT).glob("disk*"))) == 1


@pytest.mark.parametrize("moment", ["blockdev-snapshot", "block-commit", "block-job-complete"])
def test_killed_at_any_moment_a_volume_holds_everything(volumes: Instances, moment: str) -> None:
    with Run(volumes, ROOT, DATA) as run:
        run.write(ROOT, 1, 0)
        run.write(DATA, 1, BLOCK)
        execute = run.monitor.execute

        def kill_after(command: str, **arguments: object) -> object:
            told = execute(command, **arguments)
            if moment in {command, "blockdev-snapshot" if command == "transaction" else ""}:
                run.qemu.kill()
                run.qemu.wait()
            return told

        run.monitor.execute = kill_after  # type: ignore[method-assign]
        if moment == "blockdev-snapshot":
            with pytest.raises(MachineError):
                run.freeze("ami-1")
        else:
            run.freeze("ami-1")
            run.write(ROOT, 2, 4096)
            run.release("ami-1")
            run.qemu.wait()
    with Run(volumes, ROOT, DATA) as run:
        assert run.holds(ROOT, 1, 0)
        assert run.holds(DATA, 1, BLOCK)
        assert moment == "blockdev-snapshot" or run.holds(ROOT, 2, 4096)
        for volume_id in (ROOT, DATA):
            for name in volumes.volumes.get(volume_id).holds:
                run.freezing.release(name, [volume_id])
        run.await_merged()
        assert run.holds(ROOT, 1, 0)


def test_volumes_of_a_stopped_instance_are_frozen_without_it(
    volumes: Instances, stored: StoredDisk, tmp_path: Path
) -> None:
    with Run(volumes, DATA) as run:
        run.write(DATA, 1, 0)
    first = freeze(volumes, "ami-1", [DATA, ROOT])
    assert first.way == "stopped"
    second = freeze(volumes, "ami-2", [DATA])
    assert second.files[DATA] == first.files[DATA], "nothing was written in between"
    with pytest.raises(InstanceError, match="already"):
        freeze(volumes, "ami-2", [DATA])
    with Run(volumes, DATA) as run:
        run.write(DATA, 2, 0)
        assert contents(volumes, stored, first, tmp_path)[DATA][:4096] == b"\1" * 4096
        run.release("ami-1")
        run.release("ami-2")
        run.await_merged()
    release(volumes, first)
    release(volumes, replace(second, name="ami-3"))
    third = freeze(volumes, "ami-4", [DATA, ROOT])
    assert contents(volumes, stored, third, tmp_path)[DATA][:4096] == b"\2" * 4096
    release(volumes, third)
    release(volumes, third)
    assert volumes.volumes.captures() == {}
    assert volumes.volumes.get(DATA).files == ("disk.qcow2",)
    assert len(list(volumes.volumes.path(DATA).glob("disk*"))) == 1


def test_a_volume_deleted_while_captured_goes_when_it_is_released(
    volumes: Instances, stored: StoredDisk, tmp_path: Path
) -> None:
    capture = freeze(volumes, "ami-1", [ROOT])
    volumes.volumes.delete(ROOT)
    assert volumes.volumes.ids() == [DATA]
    assert contents(volumes, stored, capture, tmp_path)[ROOT] == stored.path.read_bytes().ljust(SIZE, b"\0")
    release(volumes, capture)
    assert not volumes.volumes.path(ROOT).exists()


def test_a_damaged_file_is_told_and_stores_nothing(volumes: Instances, stored: StoredDisk) -> None:
    capture = freeze(volumes, "ami-1", [ROOT])
    (volumes.volumes.path(ROOT) / "disk.qcow2").write_bytes(b"QFI\xfb" + bytes(600))
    with stored.store.writing() as writing, pytest.raises(InstanceError, match="cannot be read"):
        store(volumes, capture, writing)


def test_a_volume_that_leaves_is_given_back_with_its_files(volumes: Instances) -> None:
    with Run(volumes, ROOT, DATA) as run:
        run.freeze("ami-1")
        run.write(DATA, 9, 0)
        assert not run.live.detach(DATA, 0.1), "there is no guest to let it go"
        run.monitor.execute("system_reset")  # with which QEMU unplugs what was to go
        while volumes.volumes.get(DATA).holder:
            assert run.qemu.poll() is None
        assert [one.volume_id for one in run.live.attached()] == [ROOT]
    subprocess.run(["qemu-img", "check", "-q", volumes.volumes.path(DATA) / "disk.1.qcow2"], check=True)
