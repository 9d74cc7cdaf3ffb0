from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.blocks.block_map import BLOCK
from goldsmith.machines.instances.changes import Extent, assemble, by_block, covers, parse_extents, written_extents
from goldsmith.machines.instances.spec import InstanceError
from goldsmith.machines.instances.volume import Volume
from goldsmith.machines.instances.volumes import make_file

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 3 * BLOCK
K = 1024
VOLUME = Volume("vol-0123456789abcdef0", SIZE, "file:///nowhere", based=False)


def entry(start: int, length: int, **fields: object) -> dict[str, object]:
    return {"start": start, "length": length, "present": True, "zero": False, "data": True, "offset": 0, **fields}


def test_what_is_not_there_is_passed_over() -> None:
    told = [entry(0, K, present=False), entry(K, K, offset=7 * K), entry(2 * K, K, zero=True, data=False)]
    assert parse_extents(told, SIZE) == [Extent(K, K, 7 * K), Extent(2 * K, K, None)]


@pytest.mark.parametrize(
    "told",
    [
        [entry(0, SIZE + 1)],
        [entry(-1, K)],
        [entry(0, 0)],
        [entry(0, 2 * K), entry(K, K)],
        [{"start": 0, "length": K, "present": True, "zero": False, "data": True}],
    ],
)
def test_what_no_volume_can_have_is_refused(told: list[dict[str, object]]) -> None:
    with pytest.raises(InstanceError):
        parse_extents(told, SIZE)


writes = st.lists(
    st.lists(
        st.tuples(st.integers(0, SIZE // K - 1), st.integers(1, 600), st.booleans()),
        max_size=4,
    ),
    max_size=3,
)


@given(writes, st.booleans())
@settings(max_examples=60, deadline=None)
def test_blocks_are_what_the_layers_hold_one_over_the_other(
    layers: list[list[tuple[int, int, bool]]], based: bool
) -> None:
    base = bytes([7]) * SIZE if based else bytes(SIZE)
    wanted = bytearray(base)
    extents: list[list[Extent]] = []
    with tempfile.TemporaryFile() as file:
        for number, layer in enumerate(layers):
            extents.append([])
            end = 0
            for start, length, zero in sorted(layer):
                begin, until = max(start * K, end), min((start + length) * K, SIZE)
                if begin >= until:
                    continue
                end = until
                fill = 0 if zero else number + 1
                place = None if zero else file.tell()
                if not zero:
                    file.write(bytes([fill]) * (until - begin))
                extents[-1].append(Extent(begin, until - begin, place))
                wanted[begin:until] = bytes([fill]) * (until - begin)
        file.flush()
        blocks = by_block(extents)
        for index in range(3):
            part = slice(index * BLOCK, (index + 1) * BLOCK)
            pieces = blocks.get(index, [])
            below = None if covers(pieces, BLOCK) else base[part]
            assert assemble(below, pieces, [file.fileno()] * len(layers)) == wanted[part]


@pytest.mark.sandbox
def test_qemus_files_are_read_as_qemu_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "disk.qcow2"
    make_file(file, VOLUME)
    commands = ["write -P 1 4k 4k", f"write -P 2 {BLOCK - 8192} 16k", f"write -z {2 * BLOCK} 64k"]
    subprocess.run(["qemu-io", *[part for command in commands for part in ("-c", command)], file], check=True)
    extents = written_extents(tmp_path, file.name, SIZE)
    assert sum(extent.length for extent in extents) == 4 * K + 16 * K + 64 * K, "subclusters of 4 KiB"
    raw = tmp_path / "disk.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", file, raw], check=True)
    descriptor = os.open(file, os.O_RDONLY)
    for index, pieces in by_block([extents]).items():
        assert assemble(None, pieces, [descriptor]) == raw.read_bytes()[index * BLOCK : (index + 1) * BLOCK]
    os.close(descriptor)


@pytest.mark.sandbox
def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "disk.qcow2").write_bytes(b"QFI\xfb" + bytes(100))
    with pytest.raises(InstanceError, match="cannot be read"):
        written_extents(tmp_path, "disk.qcow2", SIZE)
