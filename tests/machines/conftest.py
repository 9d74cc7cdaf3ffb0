"""One bootable Debian for all tests of machines, and one machine booted from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from goldsmith.disks.boot import boot_files
from goldsmith.disks.build import build_raw
from goldsmith.disks.plan import GIB, DiskPlan
from goldsmith.guests.sandbox import SandboxGuest
from goldsmith.guests.workspace import Workspace
from goldsmith.machines.acceleration import probe
from goldsmith.machines.machine import Machine
from goldsmith.machines.spec import MachineSpec
from goldsmith.trees.archives import archive_states
from goldsmith.trees.bootstrap import FORMAT, bootstrap, furnish
from goldsmith.trees.distributions import debian
from goldsmith.trees.kernels import newest_kernel, settle_kernels
from goldsmith.trees.layers import LayerKey, LayerStore, digest_of
from goldsmith.trees.package_cache import PackageCache
from goldsmith.trees.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from goldsmith.machines.acceleration import Acceleration
    from goldsmith.machines.boot import BootReport

EPOCH = 1_800_000_000
AREA_BYTES = 4 * GIB
BREAKAGE = {
    "/etc/systemd/system/broken.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo why it broke; exit 7'\n",
}


@dataclass(frozen=True)
class Booted:
    machine: Machine
    report: BootReport


@pytest.fixture(scope="session")
def disk(home: Path, cache: Path) -> Path:
    """A raw disk of Debian 12 as recipes get it from debian/12."""
    distribution = debian("12")
    states = archive_states(distribution.archives, cache / "archives")
    store = LayerStore(cache / "layers")
    inputs = [*distribution.packages, *(state.sha256 for state in states)]
    key = LayerKey("tests-machine", {"format": str(FORMAT), "machine": digest_of(inputs)})
    raw = home / "machine.raw"
    with Workspace(home, memory=AREA_BYTES) as workspace:
        tree = Tree(workspace)
        found = store.find(key, workspace)
        folder = tree.next_folder()
        if found:
            folder = store.tree(found)
        else:
            with PackageCache(cache / "packages", distribution.archives) as packages:
                bootstrap(workspace, distribution, folder, apt_conf=packages.apt_conf)
            with SandboxGuest(workspace, folder) as guest:
                furnish(guest)
                settle_kernels(guest, epoch=EPOCH)
            store.save(workspace, key, folder, {})
        tree.add(folder)
        tree.open(scaffold=False)
        plan = DiskPlan.derive("machines", EPOCH, 3 * GIB)
        with SandboxGuest(workspace, tree.root) as guest:
            for path, text in {**boot_files(plan), **BREAKAGE}.items():
                guest.run(["mkdir", "-p", path.rpartition("/")[0]])
                guest.put(path, text.encode())
        build_raw(workspace, tree.root, plan, raw)
        (home / "vmlinuz").write_bytes(workspace.call(newest_kernel, chroot=tree.root))
    return raw


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
