"""One machine booted from the bootable disk that all tests share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from goldsmith.machines.acceleration import probe
from goldsmith.machines.machine import Machine
from goldsmith.machines.spec import MachineSpec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from goldsmith.machines.acceleration import Acceleration
    from goldsmith.machines.boot import BootReport


@dataclass(frozen=True)
class Booted:
    machine: Machine
    report: BootReport


@pytest.fixture(scope="session")
def kernel(disk: Path) -> Path:
    """The disk's own kernel, outside of it."""
    return disk.with_name("vmlinuz")


@pytest.fixture(scope="session")
def acceleration(cache: Path) -> Acceleration:
    return probe(cache / "acceleration")


@pytest.fixture(scope="session")
def booted(disk: Path, home: Path, acceleration: Acceleration) -> Iterator[Booted]:
    """A machine that has booted with UEFI, which is the usual; tests share it."""
    spec = MachineSpec(
        disk=disk,
        evidence=home / "evidence",
        user_data=b"#cloud-config\nwrite_files:\n- {path: /srv/from-user-data, content: told}\n",
        public_keys={
            "a person's": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFL5V39OdCSUSvwEJtLPk00+uYdUttKGRfY3uIZKcEf/ me"
        },
        launch_values={"instance_type": "m5.large"},
    )
    with Machine(spec, acceleration, runs=home / "machines") as machine:
        yield Booted(machine, machine.await_boot())
