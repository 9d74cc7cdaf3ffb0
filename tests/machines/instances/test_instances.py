"""Instances with real keepers and a real QEMU, whose guest gets no further than the firmware."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from goldsmith.machines.instances.ending import read_state
from goldsmith.machines.instances.orders import SOCKET, give_order
from goldsmith.machines.instances.spec import (
    AttachedVolume,
    Forward,
    InstanceError,
    InstanceStartError,
    NoSuchInstanceError,
    NotRunningError,
)
from goldsmith.machines.instances.volume import VolumeInUseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.machines.instances.instances import Instances
    from goldsmith.machines.instances.spec import InstanceSpec

    Make = Callable[..., InstanceSpec]

pytestmark = pytest.mark.sandbox

SERVER = """
import sys
from pathlib import Path
from goldsmith.machines.acceleration import Acceleration
from goldsmith.machines.instances.instances import Instances
folder = Path(sys.argv[1])
Instances(folder / "instances", folder / "volumes", Acceleration("tcg", "a test")).start(sys.argv[2])
"""


def connects(address: str, port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(5)
        return client.connect_ex((address, port)) == 0


def keeper(instances: Instances, instance_id: str) -> int:
    run = read_state(instances.path(instance_id))
    assert run is not None
    return run.keeper


def test_it_runs_until_it_is_told_to_end(
    instances: Instances, make_instance: Make, gone: Callable[[int], bool]
) -> None:
    spec = make_instance()
    assert instances.status(spec.instance_id).state == "stopped"
    assert instances.status(spec.instance_id).reason == ""
    instances.start(spec.instance_id)
    status = instances.status(spec.instance_id)
    assert (status.state, status.address, status.forward_faults) == ("running", spec.address, {})
    assert Path(f"/proc/{status.pid}/comm").read_text().startswith("qemu-system")
    instances.start(spec.instance_id)
    assert instances.status(spec.instance_id).pid == status.pid, "starting it again changes nothing"
    ended = instances.stop(spec.instance_id, force=True)
    assert (ended.state, ended.reason, ended.pid) == ("stopped", "forced", 0)
    assert gone(status.pid)
    assert ended.ended_at is not None
    assert ended.started_at is not None
    assert ended.ended_at > ended.started_at


def test_it_outlives_whoever_started_it(
    instances: Instances, make_instance: Make, tmp_path: Path, gone: Callable[[int], bool]
) -> None:
    spec = make_instance()
    server = subprocess.Popen([sys.executable, "-c", SERVER, tmp_path, spec.instance_id], start_new_session=True)
    assert server.wait() == 0
    status = instances.status(spec.instance_id)
    assert status.state == "running"
    assert os.getpgid(keeper(instances, spec.instance_id)) != server.pid
    assert instances.reachable(spec.instance_id).system == "passed"
    assert instances.reachable(spec.instance_id).instance == "initializing"


def test_a_killed_keeper_takes_everything_with_it(
    instances: Instances, make_instance: Make, gone: Callable[[int], bool]
) -> None:
    spec = make_instance(forwards=(Forward("tcp", 4022, 22),))
    instances.start(spec.instance_id)
    qemu = instances.status(spec.instance_id).pid
    os.kill(keeper(instances, spec.instance_id), signal.SIGKILL)
    assert gone(qemu)
    status = instances.await_end(spec.instance_id, 60)
    assert (status.state, status.reason, status.message) == ("stopped", "lost", "The instance's keeper was killed.")
    assert read_state(instances.path(spec.instance_id)).state == "stopped"  # type: ignore[union-attr]
    assert not connects(spec.address, 4022)
    assert instances.path(spec.instance_id) / SOCKET in instances.sweep()
    instances.start(spec.instance_id)
    assert instances.status(spec.instance_id).address == spec.address


def test_a_killed_qemu_is_told_with_its_signal(instances: Instances, make_instance: Make) -> None:
    spec = make_instance()
    instances.start(spec.instance_id)
    os.kill(instances.status(spec.instance_id).pid, signal.SIGKILL)
    status = instances.await_end(spec.instance_id, 60)
    assert (status.reason, status.message) == ("crashed", "QEMU ended by signal 9: it said nothing")


def test_a_run_of_before_the_hosts_restart_is_lost(instances: Instances, make_instance: Make) -> None:
    spec = make_instance()
    state = instances.path(spec.instance_id) / "state.json"
    run = {"state": "running", "started_at": 1.0, "keeper": 1, "qemu": 1, "boot_id": "another"}
    state.write_text(json.dumps(run))
    assert instances.status(spec.instance_id).message == "The host stopped or restarted."


def test_a_guest_that_does_not_shut_down_has_its_power_cut(instances: Instances, make_instance: Make) -> None:
    spec = make_instance()
    instances.start(spec.instance_id)
    instances.begin_stop(spec.instance_id, patience=1)
    assert instances.status(spec.instance_id).state == "stopping"
    with pytest.raises(InstanceError, match="being stopped"):
        instances.reboot(spec.instance_id)
    ended = instances.await_end(spec.instance_id, 60)
    assert ended.reason == "forced"
    assert ended.message == "The guest did not shut down within 1 s, so its power was cut."


def test_a_guest_that_does_not_reboot_is_reset(instances: Instances, make_instance: Make) -> None:
    spec = make_instance()
    instances.start(spec.instance_id)
    pid = instances.status(spec.instance_id).pid
    instances.reboot(spec.instance_id, patience=0)
    assert instances.status(spec.instance_id).pid == pid
    assert instances.reachable(spec.instance_id).system == "passed"
    assert instances.stop(spec.instance_id, patience=0.5).reason == "forced"
    assert not Path(f"/proc/{pid}").exists()


def test_qemus_words_are_told_and_nothing_is_left(instances: Instances, make_instance: Make, tmp_path: Path) -> None:
    spec = make_instance()
    (instances.volumes.path(spec.volumes[0].volume_id) / "disk.qcow2").write_bytes(b"no image")
    with pytest.raises(InstanceStartError, match="not in qcow2 format"):
        instances.start(spec.instance_id)
    assert instances.status(spec.instance_id).state == "stopped"
    assert not list(tmp_path.glob("instances/*/orders"))
    with pytest.raises(NotRunningError):
        give_order(instances.path(spec.instance_id), "reach")


def test_a_volume_is_one_running_instances(instances: Instances, make_instance: Make) -> None:
    first, second = make_instance(0), make_instance(1)
    shared = replace(first.volumes[0], device="/dev/sdf", boot=False)
    instances.start(first.instance_id)
    with pytest.raises(VolumeInUseError):
        instances.attach(second.instance_id, shared)
    instances.change(second.instance_id, volumes=(*second.volumes, shared))
    with pytest.raises(InstanceStartError, match="in use by"):
        instances.start(second.instance_id)
    instances.stop(first.instance_id, force=True)
    instances.start(second.instance_id)


def test_ports_open_and_close_while_it_runs(instances: Instances, make_instance: Make) -> None:
    spec = make_instance(forwards=(Forward("tcp", 4022, 22), Forward("udp", 4053, 53)))
    assert not connects(spec.address, 4022)
    instances.start(spec.instance_id)
    assert connects(spec.address, 4022)
    assert instances.set_forwards(spec.instance_id, (Forward("tcp", 4080, 80),)) == {}
    assert connects(spec.address, 4080)
    assert not connects(spec.address, 4022)
    with socket.socket() as other:
        other.bind((spec.address, 4090))
        other.listen()
        faults = instances.set_forwards(spec.instance_id, (Forward("tcp", 4090, 80),))
    assert list(faults) == ["tcp:4090"]
    assert instances.status(spec.instance_id).forward_faults == faults
    instances.stop(spec.instance_id, force=True)
    assert instances.set_forwards(spec.instance_id, (Forward("tcp", 4022, 22),)) == {}
    instances.start(spec.instance_id)
    assert connects(spec.address, 4022)


def test_a_volume_is_plugged_in_and_kept_over_a_stop(instances: Instances, make_instance: Make) -> None:
    spec = make_instance()
    volume = AttachedVolume("vol-1123456789abcdef0", "/dev/sdf")
    instances.volumes.create(volume.volume_id, 1 << 20, "file:///nowhere", None)
    instances.start(spec.instance_id)
    instances.attach(spec.instance_id, volume)
    assert instances.spec(spec.instance_id).volumes == (*spec.volumes, volume)
    for again in (volume, AttachedVolume("vol-2123456789abcdef0", "/dev/sdf")):
        instances.volumes.create(again.volume_id, 1 << 20, "file:///nowhere", None) if again != volume else None
        with pytest.raises(InstanceError, match="already"):
            instances.attach(spec.instance_id, again)
    with pytest.raises(InstanceError, match="runs from"):
        instances.detach(spec.instance_id, spec.volumes[0].volume_id)
    assert not instances.detach(spec.instance_id, volume.volume_id, patience=0.1), "a firmware lets no disk go"
    instances.stop(spec.instance_id, force=True)
    instances.start(spec.instance_id)
    instances.stop(spec.instance_id, force=True)
    assert instances.detach(spec.instance_id, volume.volume_id)
    assert instances.spec(spec.instance_id).volumes == spec.volumes
    instances.volumes.delete(volume.volume_id)


def test_its_screen_can_be_seen(instances: Instances, make_instance: Make) -> None:
    spec = make_instance()
    instances.start(spec.instance_id)
    picture = Image.open(io.BytesIO(instances.screenshot(spec.instance_id)))
    assert picture.format == "PNG"
    assert picture.width >= 640
    assert not list(instances.path(spec.instance_id).glob("*.png"))


def test_an_instance_may_be_made_again_and_changed_while_stopped(instances: Instances, make_instance: Make) -> None:
    spec = make_instance()
    assert spec.address.startswith("127.")
    metadata = instances.metadata(spec.instance_id)
    assert instances.create(replace(spec, address=""), metadata) == spec
    with pytest.raises(InstanceError, match="another instance"):
        instances.create(replace(spec, memory=128), metadata)
    assert instances.change(spec.instance_id, memory=128).memory == 128
    instances.start(spec.instance_id)
    with pytest.raises(InstanceError, match="runs"):
        instances.change(spec.instance_id, memory=64)


def test_what_is_not_there_is_told(instances: Instances, make_instance: Make, tmp_path: Path) -> None:
    with pytest.raises(NoSuchInstanceError):
        instances.status("i-00000000000000000")
    instances.remove("i-00000000000000000")
    spec = make_instance()
    assert instances.reachable(spec.instance_id).system == "not-applicable"
    with pytest.raises(NotRunningError):
        instances.screenshot(spec.instance_id)
    with pytest.raises(NotRunningError):
        instances.reboot(spec.instance_id)
    instances.begin_stop(spec.instance_id)
    half = tmp_path / "instances" / ".i-0123456789abcdef0"
    half.mkdir()
    assert half in instances.sweep()
    instances.remove(spec.instance_id)
    assert instances.ids() == []
    assert instances.volumes.ids() == [spec.volumes[0].volume_id]


def test_the_keeper_told_to_end_stops_the_instance(instances: Instances, make_instance: Make) -> None:
    spec = make_instance()
    instances.start(spec.instance_id)
    os.kill(keeper(instances, spec.instance_id), signal.SIGTERM)
    while instances.status(spec.instance_id).state == "running":
        time.sleep(0.01)
    give_order(instances.path(spec.instance_id), "force")
    assert instances.await_end(spec.instance_id, 60).reason == "forced"
