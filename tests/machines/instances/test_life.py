"""One instance from its launch out of a block store to its end, by way of everything a guest has a part in."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from goldsmith.blocks.disk_files import restore_disk, store_disk
from goldsmith.blocks.store import open_store
from goldsmith.guests.machine import MachineGuest, SshAddress
from goldsmith.machines.instances.capture import freeze, release, store
from goldsmith.machines.instances.host_ports import first_port
from goldsmith.machines.instances.ingress import IngressRule, forwards_for, host_port
from goldsmith.machines.instances.instances import Instances
from goldsmith.machines.instances.spec import AttachedVolume, InstanceSpec
from goldsmith.machines.metadata import InstanceMetadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldsmith.blocks.block_map import BlockMap
    from goldsmith.blocks.store import BlockStore
    from goldsmith.machines.acceleration import Acceleration

pytestmark = [pytest.mark.boots, pytest.mark.long, pytest.mark.sandbox, pytest.mark.network]

GIB = 1 << 30
LIMIT = 600.0
INSTANCE, ROOT, DATA = "i-0123456789abcdef0", "vol-0123456789abcdef0", "vol-1123456789abcdef0"
SSH = IngressRule("tcp", 22, 22, "0.0.0.0/0")

TAG = """
import urllib.request as u
base = "http://169.254.169.254/latest/"
ask = u.Request(base + "api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
token = u.urlopen(ask).read().decode()
print(u.urlopen(u.Request(base + "meta-data/tags/instance/Name", headers={"X-aws-ec2-metadata-token": token})).read())
"""


@pytest.fixture
def instances(home: Path, acceleration: Acceleration) -> Iterator[Instances]:
    made = Instances(home / "instances", home / "volumes", acceleration)
    yield made
    for instance_id in made.ids():
        made.remove(instance_id)


@pytest.fixture
def base(home: Path, disk: Path) -> tuple[BlockStore, BlockMap]:
    store = open_store((home / "blocks").as_uri())
    with store.writing() as writing:
        block_map = store_disk(writing, disk)
        writing.save(block_map)
    return store, block_map


@pytest.fixture
def key(tmp_path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    return tmp_path / "key"


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that has to come."""
    deadline = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def needs_recovery(disk: Path) -> bool:
    """Whether the root file system was not clean, as after a power failure."""
    table = json.loads(subprocess.run(["sfdisk", "--json", disk], check=True, capture_output=True).stdout)
    root = max(table["partitiontable"]["partitions"], key=lambda one: int(one["size"]))
    place = f"{disk}?offset={root['start'] * 512}"
    told = subprocess.run(["dumpe2fs", "-h", place], check=True, capture_output=True, text=True).stdout
    features = next(line for line in told.splitlines() if line.startswith("Filesystem features"))
    return "needs_recovery" in features


def test_an_instances_life(instances: Instances, base: tuple[BlockStore, BlockMap], key: Path, home: Path) -> None:
    blocks, block_map = base
    metadata = launch(instances, blocks, block_map, key.with_suffix(".pub").read_text().strip())
    until(lambda: instances.reachable(INSTANCE).instance == "passed")
    folder = home / "ssh"
    folder.mkdir(mode=0o700)
    address = instances.status(INSTANCE).address
    guest = MachineGuest(SshAddress(address, host_port(22, first_port()), "admin", key, folder))
    guest.connect(time.monotonic() + LIMIT)
    sees_itself(instances, guest, metadata)
    digest = is_captured(instances, guest, blocks, home / "captured.raw")
    takes_another_volume(instances, guest, blocks)
    boot = guest.get("/proc/sys/kernel/random/boot_id")
    guest.close()
    instances.reboot(INSTANCE)
    until(lambda: b"reboot: Power down" in instances.console(INSTANCE))
    guest.connect(time.monotonic() + LIMIT)
    assert guest.get("/proc/sys/kernel/random/boot_id") != boot
    assert guest.run(["sha256sum", "/srv/ten"]).stdout == digest
    until(lambda: instances.volumes.get(ROOT).files == ("disk.qcow2",))
    guest.run(["sh", "-c", "systemctl poweroff"])
    guest.close()
    ended = instances.await_end(INSTANCE, LIMIT)
    assert (ended.state, ended.reason) == ("stopped", "guest")
    instances.remove(INSTANCE)
    instances.volumes.delete(ROOT)
    instances.volumes.delete(DATA)
    assert instances.volumes.ids() == []


def launch(instances: Instances, blocks: BlockStore, block_map: BlockMap, key: str) -> InstanceMetadata:
    instances.volumes.create(ROOT, 4 * GIB, blocks.url, block_map)
    spec = InstanceSpec(
        instance_id=INSTANCE,
        uuid=str(uuid.UUID(f"ec2{os.urandom(16).hex()[3:]}")),
        mac="02:00:00:00:07:01",
        private_ip="169.254.7.9",
        volumes=(AttachedVolume(ROOT, "/dev/xvda", boot=True),),
        forwards=forwards_for([SSH], first_port=first_port()).forwards,
    )
    metadata = InstanceMetadata(INSTANCE, spec.mac, local_ipv4=spec.private_ip, public_keys={"mine": key}, tags={})
    instances.create(spec, metadata)
    instances.start(INSTANCE)
    return metadata


def sees_itself(instances: Instances, guest: MachineGuest, metadata: InstanceMetadata) -> None:
    assert guest.run(["hostname"]).stdout == b"ip-169-254-7-9\n"
    assert b"169.254.7.9/16" in guest.run(["ip", "-4", "addr"]).stdout
    assert guest.get("/sys/class/block/vda/serial") == b"vol0123456789abcdef0"
    assert int(guest.get("/sys/class/block/vda/size")) * 512 == 4 * GIB
    assert b"Cloud-init" in instances.console(INSTANCE)
    instances.set_metadata(INSTANCE, replace(metadata, tags={"Name": "web"}))
    assert guest.run(["python3", "-c", TAG]).stdout == b"b'web'\n"


def is_captured(instances: Instances, guest: MachineGuest, blocks: BlockStore, restored: Path) -> bytes:
    guest.run(["systemctl", "start", "qemu-guest-agent"])
    first = capture(instances, blocks, "ami-1")
    guest.run(["sh", "-c", "dd if=/dev/urandom of=/srv/ten bs=1M count=10 && sync"])
    second = capture(instances, blocks, "ami-2")
    assert second.stored_bytes < 16 << 20
    assert {first.way, second.way} == {"frozen by the guest"}
    restore_disk(blocks, second.block_map, restored)
    assert not needs_recovery(restored)
    assert guest.run(["sh", "-c", "echo thawed >/srv/after"]).exit_code == 0
    return guest.run(["sha256sum", "/srv/ten"]).stdout


def takes_another_volume(instances: Instances, guest: MachineGuest, blocks: BlockStore) -> None:
    instances.volumes.create(DATA, GIB, blocks.url, None)
    instances.attach(INSTANCE, AttachedVolume(DATA, "/dev/sdf"))
    until(lambda: guest.run(["test", "-b", "/dev/vdb"]).exit_code == 0)
    assert guest.get("/sys/class/block/vdb/serial") == b"vol1123456789abcdef0"
    made = "mkfs.ext4 -q /dev/vdb && mount /dev/vdb /mnt && echo kept >/mnt/file && umount /mnt"
    assert guest.run(["sh", "-c", made]).exit_code == 0
    assert instances.detach(INSTANCE, DATA, patience=LIMIT / 6)
    assert guest.run(["test", "-b", "/dev/vdb"]).exit_code == 1


@dataclass(frozen=True)
class Taken:
    """What a capture made of the instance's boot volume."""

    block_map: BlockMap
    way: str
    stored_bytes: int


def capture(instances: Instances, blocks: BlockStore, name: str) -> Taken:
    frozen = freeze(instances, name, [ROOT])
    with blocks.writing() as writing:
        kept = store(instances, frozen, writing)[ROOT]
        writing.save(kept.block_map)
    release(instances, frozen)
    return Taken(kept.block_map, frozen.way, writing.stored_bytes)
