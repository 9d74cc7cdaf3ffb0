"""Partition tables of any origin."""

from __future__ import annotations

import io
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.disks.plan import DiskError
from goldsmith.disks.tables import Stretch, read_table

MIB = 1 << 20
SIZE = 16 * MIB


def table_of(tmp_path, script):
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run(["sfdisk", "--quiet", disk], input=script, text=True, check=True, capture_output=True)
    with disk.open("rb") as file:
        return read_table(file, SIZE)


@pytest.mark.sandbox
def test_gpt(tmp_path):
    found = table_of(tmp_path, "label: gpt\n3 : start=2048, size=2048\n1 : start=8192, size=4096\n")
    assert found == [Stretch(1, 4 * MIB, 2 * MIB), Stretch(3, MIB, MIB)]


@pytest.mark.sandbox
def test_mbr_with_logical_partitions(tmp_path):
    script = "label: dos\n1 : start=2048, size=2048\n2 : start=4096, size=16384, type=5\n5 : start=6144, size=2048\n6 : start=10240, size=2048\n"
    assert table_of(tmp_path, script) == [Stretch(1, MIB, MIB), Stretch(5, 3 * MIB, MIB), Stretch(6, 5 * MIB, MIB)]


def test_no_table_is_the_whole_disk():
    assert read_table(io.BytesIO(bytes(SIZE)), SIZE) == [Stretch(0, 0, SIZE)]


def mbr(*entries):
    sector = bytearray(512)
    for n, (kind, begin, count) in enumerate(entries):
        sector[446 + 16 * n + 4] = kind
        sector[454 + 16 * n : 462 + 16 * n] = begin.to_bytes(4, "little") + count.to_bytes(4, "little")
    sector[510:] = b"\x55\xaa"
    return bytes(sector)


def test_a_partition_outside_the_disk_is_left_out():
    assert read_table(io.BytesIO(mbr((0x83, 2048, 1 << 31)) + bytes(MIB)), MIB) == [Stretch(0, 0, MIB)]


def test_a_chain_of_logical_partitions_that_bites_its_tail_ends():
    loop = mbr((0x83, 1, 1), (0x05, 0, 100))
    found = read_table(io.BytesIO(mbr((0x05, 1, 100)) + loop + bytes(MIB)), MIB)
    assert 0 < len(found) <= 256


def test_a_protective_table_without_a_gpt_is_damaged():
    with pytest.raises(DiskError, match="damaged"):
        read_table(io.BytesIO(mbr((0xEE, 1, 100)) + bytes(MIB)), MIB)


@given(
    st.binary(max_size=64), st.lists(st.tuples(st.integers(0, 255), *[st.integers(0, (1 << 32) - 1)] * 2), max_size=4)
)
@settings(max_examples=200, deadline=None)
def test_whatever_stands_there_ends_in_stretches_of_the_disk_or_a_sentence(noise, entries):
    disk = mbr(*entries) + b"EFI PART" + bytes(64) + noise
    try:
        found = read_table(io.BytesIO(disk), len(disk))
    except DiskError:
        return
    assert all(stretch.offset + stretch.size <= len(disk) for stretch in found)
