"""A guest of sixty bytes that writes to two disks in turn for ever, watched, captured and run out of room."""

from __future__ import annotations

import struct
import subprocess
import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from goldsmith.blocks.block_map import BLOCK
from goldsmith.blocks.disk_files import store_disk
from goldsmith.blocks.store import BlockStore, open_store
from goldsmith.machines.acceleration import Acceleration
from goldsmith.machines.instances.capture import freeze, release, store
from goldsmith.machines.instances.instances import Instances
from goldsmith.machines.instances.spec import AttachedVolume, InstanceSpec
from goldsmith.machines.metadata import InstanceMetadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldsmith.blocks.block_map import BlockMap

pytestmark = pytest.mark.sandbox

INSTANCE, FIRST, SECOND = "i-0123456789abcdef0", "vol-0123456789abcdef0", "vol-1123456789abcdef0"
SIZE = 1 << 30
STEP, SECTOR = 4096, 512


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that has to come."""
    deadline = time.monotonic() + 300
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def boot_sector() -> bytes:
    """Return a program that writes a sector's number to each eighth sector of disk 0x80, then of 0x81, from 8 on."""
    packet = 0x7C00 + 64
    number = packet + 8
    write = lambda disk: b"\xb8\x00\x43" + bytes([0xB2, disk]) + b"\xbe" + struct.pack("<H", packet) + b"\xcd\x13"  # noqa: E731
    begin = b"\x31\xc0\x8e\xd8\x8e\xc0"  # ds and es are 0
    mark = b"\x66\xa1" + struct.pack("<H", number) + b"\x66\xa3\x00\x80"  # the number goes to 0x8000
    step = b"\x66\x83\x06" + struct.pack("<H", number) + b"\x08"
    loop = mark + write(0x80) + write(0x81) + step
    code = begin + loop + b"\xeb" + struct.pack("<b", -len(loop) - 2)
    address = struct.pack("<BBHHHQ", 16, 0, 8, 0x8000, 0, 8)  # eight sectors from 0:0x8000
    return (code.ljust(64, b"\x90") + address).ljust(510, b"\0") + b"\x55\xaa"


class Writer:
    """An instance that writes, on volumes and a store of its own in ``folder``."""

    def __init__(self, folder: Path, volumes: Path) -> None:
        disk = folder / "boot.raw"
        disk.write_bytes(boot_sector())
        self.blocks: BlockStore = open_store((folder / "store").as_uri())
        with self.blocks.writing() as writing:
            base = store_disk(writing, disk)
            writing.save(base)
        self.instances = Instances(folder / "instances", volumes, Acceleration("tcg", "a test"))
        self.instances.volumes.create(FIRST, SIZE, self.blocks.url, base)
        self.instances.volumes.create(SECOND, SIZE, self.blocks.url, None)
        spec = InstanceSpec(
            instance_id=INSTANCE,
            uuid=f"ec2{str(uuid.uuid4())[3:]}",
            mac="02:00:00:00:00:01",
            private_ip="169.254.7.1",
            volumes=(AttachedVolume(FIRST, "/dev/xvda", boot=True), AttachedVolume(SECOND, "/dev/sdf")),
            memory=32,
            vcpus=1,
            firmware="bios",
        )
        self.instances.create(spec, InstanceMetadata(INSTANCE, spec.mac))

    def written(self) -> int:
        """Return about how many bytes the host has taken for the second volume."""
        folder = self.instances.volumes.path(SECOND)
        taken = 0
        for path in folder.glob("disk*.qcow2"):
            with suppress(FileNotFoundError):  # merged meanwhile
                taken += path.stat().st_blocks * 512
        return taken

    def await_more(self, amount: int) -> None:
        """Wait until the guest has written more."""
        target = self.written() + amount
        until(lambda: self.written() >= target)

    def capture(self, name: str) -> tuple[int, int]:
        """Return how many steps each volume holds in a capture, after making sure that none is missing."""
        frozen = freeze(self.instances, name, [FIRST, SECOND])
        with self.blocks.writing() as writing:
            stored = store(self.instances, frozen, writing)
            for kept in stored.values():
                writing.save(kept.block_map)
        release(self.instances, frozen)
        return tuple(self.steps(stored[volume_id].block_map) for volume_id in (FIRST, SECOND))  # type: ignore[return-value]

    def steps(self, block_map: BlockMap) -> int:
        numbers = [
            struct.unpack_from("<I", block, place)[0]
            for index, digest in block_map.items()
            for block in [self.blocks.get(digest)]
            for place in range(STEP if index == 0 else 0, BLOCK, STEP)
        ]
        count = numbers.index(0) if 0 in numbers else len(numbers)
        assert numbers[:count] == [8 * (n + 1) for n in range(count)], "each step follows the one before"
        assert not any(numbers[count:]), "no step is there whose predecessor is not"
        return count


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(tmp_path, tmp_path / "volumes")
    yield made
    made.instances.remove(INSTANCE)


def test_captures_of_a_guest_that_writes_are_moments(writer: Writer) -> None:
    writer.instances.start(INSTANCE)
    before = 0
    for name in ("ami-1", "ami-2", "ami-3"):
        writer.await_more(1 << 20)
        first, second = writer.capture(name)
        assert first - second in {0, 1}, "the same moment for both"
        assert second > before
        before = second
    writer.instances.stop(INSTANCE, force=True)
    first, second = writer.capture("ami-4")
    assert first - second in {0, 1}
    assert second > before
    assert writer.instances.volumes.captures() == {}


@pytest.mark.skipif("os.geteuid() != 0", reason="a small file system takes a mount")
def test_a_guest_waits_for_room_on_a_full_host(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8M", "tmpfs", small], check=True)
    try:
        writer = Writer(tmp_path, small / "volumes")
        writer.instances.start(INSTANCE)
        log = writer.instances.path(INSTANCE) / "keeper.log"
        until(lambda: "stands still until its write succeeds" in log.read_text())
        assert writer.instances.reachable(INSTANCE).system == "failed"
        subprocess.run(["mount", "-o", "remount,size=64M", small], check=True)
        writer.await_more(1 << 20)
        writer.instances.stop(INSTANCE, force=True)
        first, second = writer.capture("ami-1")
        assert first - second in {0, 1}
    finally:
        writer.instances.remove(INSTANCE)
        subprocess.run(["umount", "-l", small], check=True)
