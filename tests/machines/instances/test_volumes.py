from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from goldsmith.blocks.block_map import BlockMap
from goldsmith.machines.instances.locks import take
from goldsmith.machines.instances.spec import InstanceError
from goldsmith.machines.instances.volume import LONGEST_CHAIN, NoSuchVolumeError, Volume, VolumeInUseError
from goldsmith.machines.instances.volumes import Volumes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.machines.instances.conftest import StoredDisk

pytestmark = pytest.mark.sandbox

ID, OTHER = "vol-0123456789abcdef0", "vol-1123456789abcdef0"
SIZE = 8 << 20


@pytest.fixture
def volumes(tmp_path: Path) -> Volumes:
    (tmp_path / "instances" / "i-0123456789abcdef0").mkdir(parents=True)
    return Volumes(tmp_path / "volumes", tmp_path / "instances")


@pytest.fixture
def living(tmp_path: Path) -> Iterator[str]:
    """The id of an instance whose lock is held."""
    lock = take(tmp_path / "instances" / "i-0123456789abcdef0" / "lock", patience=0)
    assert lock is not None
    yield "i-0123456789abcdef0"
    os.close(lock)


def test_a_volume_keeps_its_own_copy_of_its_bases_map(volumes: Volumes, stored: StoredDisk) -> None:
    made = volumes.create(ID, SIZE, stored.store.url, stored.block_map)
    assert volumes.get(ID) == made
    assert volumes.base(ID) == stored.block_map
    assert volumes.ids() == [ID]
    assert volumes.live_digests() == {(stored.store.url, digest) for digest in stored.block_map.digests()}
    assert volumes.path(ID).stat().st_mode & 0o077 == 0


def test_the_same_volume_may_be_made_again_and_another_may_not(volumes: Volumes, stored: StoredDisk) -> None:
    made = volumes.create(ID, SIZE, stored.store.url, stored.block_map)
    assert volumes.create(ID, SIZE, stored.store.url, stored.block_map) == made
    with pytest.raises(InstanceError, match="another volume"):
        volumes.create(ID, SIZE, stored.store.url, None)


@pytest.mark.parametrize("size", [0, -512, 1000])
def test_a_volume_has_whole_sectors(volumes: Volumes, size: int) -> None:
    with pytest.raises(InstanceError, match=f"cannot have {size} bytes"):
        volumes.create(ID, size, "file:///nowhere", None)


def test_a_volume_is_no_smaller_than_its_base(volumes: Volumes, stored: StoredDisk) -> None:
    with pytest.raises(InstanceError, match="cannot hold"):
        volumes.create(ID, 1 << 20, stored.store.url, stored.block_map)


def test_a_volume_of_64_tebibytes_takes_no_room(volumes: Volumes) -> None:
    volumes.create(ID, 64 << 40, "file:///nowhere", BlockMap(64 << 40, {}))
    assert sum(path.stat().st_blocks * 512 for path in volumes.path(ID).iterdir()) < 4 << 20


def test_only_one_that_lives_has_a_volume(volumes: Volumes, living: str) -> None:
    volumes.create(ID, SIZE, "file:///nowhere", None)
    volumes.claim(ID, "i-dead0000000000000")
    assert volumes.claim(ID, living).holder == living
    with pytest.raises(VolumeInUseError, match=living):
        volumes.claim(ID, "i-2123456789abcdef0")
    with pytest.raises(VolumeInUseError):
        volumes.delete(ID)
    volumes.release(ID, living)
    volumes.delete(ID)
    assert volumes.ids() == []
    volumes.delete(ID)


def test_a_volume_that_is_captured_is_deleted_afterwards(volumes: Volumes) -> None:
    volumes.save(volumes.create(ID, SIZE, "file:///nowhere", None).held("ami-1", 1))
    volumes.delete(ID)
    assert volumes.ids() == []
    assert volumes.captures() == {"ami-1": [ID]}
    assert (volumes.path(ID) / "disk.qcow2").exists()
    volumes.save(volumes.get(ID).released("ami-1"))
    assert volumes.sweep() == []
    assert not volumes.path(ID).exists()


def test_files_that_no_record_knows_go_when_the_volume_is_used(volumes: Volumes, living: str) -> None:
    volumes.create(ID, SIZE, "file:///nowhere", None)
    stray = volumes.path(ID) / "disk.3.qcow2"
    stray.touch()
    volumes.claim(ID, living)
    assert not stray.exists()
    assert (volumes.path(ID) / "disk.qcow2").exists()


def test_what_a_killed_process_left_is_swept(volumes: Volumes) -> None:
    volumes.create(ID, SIZE, "file:///nowhere", None)
    half = volumes.folder / f".{OTHER}"
    half.mkdir()
    assert volumes.sweep() == [half]
    assert volumes.ids() == [ID]


def test_a_volume_that_is_not_there_is_told(volumes: Volumes) -> None:
    with pytest.raises(NoSuchVolumeError):
        volumes.claim(ID, "i-0123456789abcdef0")
    assert not volumes.path(ID).exists()


def test_a_chain_has_an_end() -> None:
    volume = Volume(ID, SIZE, "file:///nowhere", based=False)
    for _ in range(LONGEST_CHAIN - 1):
        volume = volume.grown()
    assert volume.files[-1] == f"disk.{LONGEST_CHAIN - 1}.qcow2"
    with pytest.raises(InstanceError, match="captured"):
        volume.grown()
    assert replace(volume, fresh=False).merged().files == ("disk.qcow2",)
