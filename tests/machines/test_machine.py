"""Machines that really boot."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from goldsmith.machines.boot import BootError, await_system, require_healthy
from goldsmith.machines.machine import Machine, draw_address
from goldsmith.machines.runs import sweep
from goldsmith.machines.spec import MachineError, MachineSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.machines.acceleration import Acceleration
    from tests.machines.conftest import Booted

pytestmark = [pytest.mark.boots, pytest.mark.sandbox, pytest.mark.network]

START = """
import sys
from pathlib import Path
from goldsmith.machines.acceleration import Acceleration
from goldsmith.machines.machine import Machine
from goldsmith.machines.spec import MachineSpec
folder = Path(sys.argv[1])
spec = MachineSpec(disk=folder / "empty.raw", evidence=folder / "evidence", firmware="bios")
with Machine(spec, Acceleration("tcg", "a test"), runs=folder / "runs") as machine:
    print(machine.process_id, flush=True)
    sys.stdin.read()
"""


def empty_disk(folder: Path) -> Path:
    path = folder / "empty.raw"
    with path.open("wb") as file:
        file.truncate(1 << 20)
    return path


def test_it_boots_to_a_system_where_everything_runs(booted: Booted) -> None:
    assert booted.report.failed_units == ()
    assert booted.report.firmware == "uefi"
    assert booted.report.kernel.endswith("-cloud-amd64")
    assert 0 < booted.report.systemd_seconds < booted.report.seconds


def test_the_evidence_is_kept(booted: Booted) -> None:
    evidence = booted.machine.spec.evidence
    assert b"Linux version" in (evidence / "console.log").read_bytes()
    assert (evidence / "screenshot.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((evidence / "boot.json").read_text())["kernel"] == booted.report.kernel


def test_cloud_init_took_it_for_an_ec2_instance(booted: Booted) -> None:
    guest = booted.machine.guest
    assert json.loads(guest.run(["cloud-init", "query", "--format={{v1 | tojson}}"]).stdout)["cloud_id"] == "aws"
    assert guest.get("/srv/from-user-data") == b"told"
    assert guest.run(["hostname"]).stdout == b"ip-169-254-1-10\n"
    assert guest.get("/sys/class/dmi/id/product_name") == b"m5.large\n"
    assert b"AAAAIFL5V39OdCSUSvwEJtLPk00" in guest.get("/home/admin/.ssh/authorized_keys")


def test_a_unit_that_failed_is_named_with_its_own_words(booted: Booted) -> None:
    guest = booted.machine.guest
    guest.run(["systemctl", "start", "broken.service"])
    state = await_system(guest, 60)
    assert state.failed_units == ("broken.service",)
    with pytest.raises(BootError, match=r"broken\.service") as failure:
        require_healthy(guest, state)
    assert "why it broke" in failure.value.message
    guest.run(["systemctl", "reset-failed"])


def test_the_image_itself_is_not_written(booted: Booted, disk: Path) -> None:
    before = hashlib.sha256(disk.read_bytes()).digest()
    booted.machine.guest.run(["sh", "-c", "echo changed >/etc/motd && sync"])
    assert hashlib.sha256(disk.read_bytes()).digest() == before


def test_a_disk_without_a_system_fails_with_the_console(tmp_path: Path, acceleration: Acceleration) -> None:
    spec = MachineSpec(disk=empty_disk(tmp_path), evidence=tmp_path / "evidence", firmware="uefi")
    with Machine(spec, acceleration, runs=tmp_path / "runs") as machine:
        qemu = machine.process_id
        with pytest.raises(BootError, match="the firmware found nothing to boot"):
            machine.await_boot()
    assert (tmp_path / "evidence" / "screenshot.png").exists()
    assert list((tmp_path / "runs").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(qemu, 0)


def test_the_time_limit_ends_the_wait(tmp_path: Path, acceleration: Acceleration) -> None:
    spec = MachineSpec(disk=empty_disk(tmp_path), evidence=tmp_path / "evidence", firmware="bios")
    with (
        Machine(spec, acceleration, runs=tmp_path / "runs") as machine,
        pytest.raises(BootError, match="not reached in time: no SSH server answered"),
    ):
        machine.await_boot(limit=1)


def test_a_disk_that_is_not_there_is_said(tmp_path: Path, acceleration: Acceleration) -> None:
    spec = MachineSpec(disk=tmp_path / "none.raw", evidence=tmp_path / "evidence", firmware="bios")
    with pytest.raises(MachineError, match=r"none\.raw"), Machine(spec, acceleration, runs=tmp_path / "runs"):
        pass
    assert list((tmp_path / "runs").iterdir()) == []


def test_nothing_outlives_a_kill(tmp_path: Path, gone: Callable[[int], bool]) -> None:
    empty_disk(tmp_path)
    command = [sys.executable, "-c", START, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        qemu = int(parent.stdout.readline())
        assert sweep(tmp_path / "runs") == []
        parent.send_signal(signal.SIGKILL)
    assert gone(qemu)
    assert len(sweep(tmp_path / "runs")) == 1
    assert list((tmp_path / "runs").iterdir()) == []


def test_machines_do_not_share_an_address() -> None:
    assert len({draw_address(22 if os.geteuid() == 0 else 2222) for _ in range(20)}) == 20
