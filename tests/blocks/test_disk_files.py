"""Disks become blocks and disks again; holes stay holes."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from goldsmith.blocks.block_map import BLOCK, ZERO, BlockMap
from goldsmith.blocks.disk_files import restore_disk, store_disk
from goldsmith.blocks.store import BlockDamagedError, BlockError, BlockStore, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Block = Callable[[int], bytes]


def disk(path: Path, size: int, *written: tuple[int, bytes]) -> Path:
    """A sparse file of ``size`` bytes with these bytes at these offsets."""
    with path.open("wb") as file:
        file.truncate(size)
        for offset, data in written:
            file.seek(offset)
            file.write(data)
    return path


def test_a_disk_comes_back(store: BlockStore, tmp_path: Path, block: Block) -> None:
    size = 40 * BLOCK + 1000
    raw = disk(
        tmp_path / "raw",
        size,
        (0, block(1)),
        (3 * BLOCK - 10, b"across two blocks' edge"),
        (7 * BLOCK, bytes(BLOCK)),
        (20 * BLOCK, block(1) + block(2)),
        (size - 5, b"end!!"),
    )
    told: list[tuple[int, int]] = []
    with store.writing() as writing:
        stored = store_disk(writing, raw, progress=lambda *done: told.append(done))
        name = writing.save(stored)
    assert [index for index, _ in stored.items()] == [0, 2, 3, 20, 21, 40]
    assert stored.size == size
    assert ZERO not in dict(stored.items()).values()
    assert told[-1][0] == told[-1][1] >= 6 * BLOCK
    assert told == sorted(told)
    back = tmp_path / "back"
    restore_disk(store, store.load_map(name), back)
    assert back.read_bytes() == raw.read_bytes()
    assert back.stat().st_blocks * 512 <= 6 * BLOCK
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "store") == ["back", "raw"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=some.integers(0, 3 * BLOCK),
    writes=some.lists(some.tuples(some.integers(0, 3 * BLOCK), some.binary(min_size=1, max_size=4096)), max_size=4),
)
def test_any_disk_comes_back(tmp_path: Path, size: int, writes: list[tuple[int, bytes]]) -> None:
    store = open_store(f"file://{tmp_path}/store")
    raw = disk(tmp_path / "raw", size, *writes)
    os.truncate(raw, size)
    with store.writing() as writing:
        stored = store_disk(writing, raw)
        writing.save(stored)
    restore_disk(store, stored, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == raw.read_bytes()


def test_the_next_disk_stores_what_changed(file_store: BlockStore, tmp_path: Path, block: Block) -> None:
    first = disk(tmp_path / "first", 9 * BLOCK, *((n * BLOCK, block(n)) for n in range(1, 9)))
    with file_store.writing() as writing:
        base = store_disk(writing, first)
        writing.save(base)
    second = disk(tmp_path / "second", 9 * BLOCK, *((n * BLOCK, block(n)) for n in range(2, 9)), (5 * BLOCK, b"x"))
    with file_store.writing() as writing:
        stored = store_disk(writing, second, base=base)
        writing.save(stored)
    assert (writing.new_blocks, writing.known_blocks) == (1, 6)
    assert stored == base.merged({1: None, 5: stored.get(5)})
    assert file_store.get(stored.get(5) or b"") == b"x" + block(5)[1:]


def test_a_base_that_is_gone_does_not_pass_for_stored(file_store: BlockStore, tmp_path: Path, block: Block) -> None:
    raw = disk(tmp_path / "raw", BLOCK, (0, block(1)))
    base = BlockMap(BLOCK, {0: hashlib.sha256(block(1)).digest()})
    with file_store.writing() as writing, pytest.raises(BlockError, match="1 of its 1 blocks are not in"):
        writing.save(store_disk(writing, raw, base=base))


def test_a_disk_that_fails_leaves_the_earlier_one(file_store: BlockStore, tmp_path: Path, block: Block) -> None:
    with file_store.writing() as writing:
        block_map = BlockMap(2 * BLOCK, {0: writing.put(block(1)), 1: writing.put(block(2))})
        writing.save(block_map)
    name = (block_map.get(1) or b"").hex()
    place = tmp_path / "store" / "blocks" / name[:2] / name[2:]
    place.write_bytes(place.read_bytes()[:-1])
    earlier = disk(tmp_path / "disk", 3, (0, b"old"))
    with pytest.raises(BlockDamagedError, match=name):
        restore_disk(file_store, block_map, earlier)
    assert earlier.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "store"]


def test_a_disk_that_is_not_there_is_told(file_store: BlockStore, tmp_path: Path) -> None:
    with file_store.writing() as writing, pytest.raises(BlockError, match="gone cannot be read: No such file"):
        store_disk(writing, tmp_path / "gone")
    with pytest.raises(BlockError, match="cannot be written: No such file"):
        restore_disk(file_store, BlockMap(0, {}), tmp_path / "no folder" / "disk")
