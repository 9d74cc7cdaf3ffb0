"""A block store with a disk in it, and instances that end with their test."""

from __future__ import annotations

import os
import random
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.blocks.disk_files import store_disk
from goldsmith.blocks.store import BlockStore, open_store
from goldsmith.machines.acceleration import Acceleration
from goldsmith.machines.instances.instances import Instances
from goldsmith.machines.instances.spec import AttachedVolume, InstanceSpec
from goldsmith.machines.metadata import InstanceMetadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MIB = 1 << 20
SIZE = 8 * MIB
VOLUME = "vol-0123456789abcdef0"


@dataclass(frozen=True)
class StoredDisk:
    """A raw disk and the same in a store: random bytes, holes, and an end within a block."""

    path: Path
    store: BlockStore
    block_map: BlockMap


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredDisk:
    folder = tmp_path_factory.mktemp("stored")
    disk = folder / "disk.raw"
    draw = random.Random(7)  # noqa: S311 - the same bytes each time
    with disk.open("wb") as file:
        file.truncate(SIZE - 8192)
        for offset in (0, 3 * BLOCK + 4096, 9 * BLOCK, SIZE - 8192 - 512):
            file.seek(offset)
            file.write(draw.randbytes(512 if offset > 10 * BLOCK else BLOCK))
    store = open_store((folder / "store").as_uri())
    with store.writing() as writing:
        block_map = store_disk(writing, disk)
        writing.save(block_map)
    return StoredDisk(disk, store, block_map)


@pytest.fixture
def instances(tmp_path: Path) -> Iterator[Instances]:
    made = Instances(tmp_path / "instances", tmp_path / "volumes", Acceleration("tcg", "a test"))
    yield made
    for instance_id in made.ids():
        made.remove(instance_id)


@pytest.fixture
def make_instance(instances: Instances, stored: StoredDisk) -> Callable[..., InstanceSpec]:
    """Make an instance with a volume of its own on the stored disk, which boots to the firmware's despair."""

    def make(number: int = 0, **fields: object) -> InstanceSpec:
        instance_id, volume_id = f"i-{number:017x}", f"vol-{number:017x}"
        instances.volumes.create(volume_id, SIZE, stored.store.url, stored.block_map)
        spec = InstanceSpec(
            instance_id=instance_id,
            uuid=str(uuid.UUID(f"ec2{os.urandom(16).hex()[3:]}")),
            mac=f"02:00:00:00:00:{number:02x}",
            private_ip=f"169.254.7.{number + 1}",
            volumes=(AttachedVolume(volume_id, "/dev/xvda", boot=True),),
            memory=64,
            vcpus=1,
            firmware="bios",
            **fields,  # type: ignore[arg-type]
        )
        return instances.create(spec, InstanceMetadata(instance_id, spec.mac, local_ipv4=spec.private_ip))

    return make
