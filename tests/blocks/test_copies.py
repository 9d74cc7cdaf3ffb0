"""Copies between stores: only what is missing travels, and nothing damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldsmith.blocks.copies import Copied, copy_map
from goldsmith.blocks.store import BlockDamagedError, BlockStore, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Block = Callable[[int], bytes]
    Saved = Callable[..., str]


@pytest.fixture
def other(tmp_path: Path) -> BlockStore:
    return open_store(f"file://{tmp_path}/other")


@pytest.mark.parametrize("outward", [True, False])
def test_only_missing_blocks_travel(
    store: BlockStore, other: BlockStore, saved: Saved, block: Block, outward: bool
) -> None:
    source, target = (store, other) if outward else (other, store)
    saved(target, 1, 2)
    name = saved(source, 2, None, 0, 3, 4, 3)
    told: list[tuple[int, int]] = []
    copied = copy_map(source, target, name, progress=lambda *done: told.append(done))
    sizes = source.blocks()
    third, fourth = (source.load_map(name).get(index) or b"" for index in (3, 4))
    assert copied == Copied(name, blocks=3, sent_blocks=2, sent_bytes=sizes[third] + sizes[fourth])
    assert told == [(1, 2), (2, 2)]
    assert target.load_map(name) == source.load_map(name)
    assert target.get(third) == block(3)
    assert copy_map(source, target, name) == Copied(name, blocks=3, sent_blocks=0, sent_bytes=0)


def test_a_broken_copy_goes_on_from_there(
    file_store: BlockStore, other: BlockStore, saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = saved(file_store, *range(1, 7))
    monkeypatch.setattr("goldsmith.blocks.copies._FLUSHED_AT_ONCE", 2)

    def stop(done: int, _: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_map(file_store, other, name, progress=stop)
    assert other.maps() == set()
    assert len(other.blocks()) == 4
    assert copy_map(file_store, other, name).sent_blocks == 2


def test_damage_does_not_travel(file_store: BlockStore, other: BlockStore, saved: Saved, tmp_path: Path) -> None:
    name = saved(file_store, 1, 2)
    first, second = tmp_path.glob("store/blocks/??/*")
    first.write_bytes(second.read_bytes())
    with pytest.raises(BlockDamagedError, match=f"{file_store.url} is damaged"):
        copy_map(file_store, other, name)
    assert other.maps() == set()
