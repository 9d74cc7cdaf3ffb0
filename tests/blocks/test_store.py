"""Both kinds of stores keep one promise."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from goldsmith.blocks.block_map import BLOCK, ZERO, ZEROS, BlockMap
from goldsmith.blocks.store import GRACE, BlockError, BlockMissingError, Collected, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.blocks.store import BlockStore

    Block = Callable[[int], bytes]
    Saved = Callable[..., str]
    Swept = Callable[..., list[Collected]]
    TimePasses = Callable[[BlockStore, float], None]


def read(store: BlockStore, name: str) -> list[bytes | None]:
    """All blocks of a map, verified."""
    block_map = store.load_map(name)
    return [store.get(digest) if (digest := block_map.get(i)) else None for i in range(-(-block_map.size // BLOCK))]


def test_what_was_saved_reads_back(store: BlockStore, saved: Saved, block: Block) -> None:
    name = saved(store, 1, None, 0, 2, 1)
    again = open_store(store.url)
    assert read(again, name) == [block(1), None, ZEROS, block(2), block(1)]
    assert again.maps() == {name}
    assert again.load_map(name).get(2) == ZERO
    assert len(again.blocks()) == 2


def test_a_second_writing_stores_only_what_changed(store: BlockStore, block: Block) -> None:
    with store.writing() as first:
        digests = [first.put(block(n)) for n in (1, 2, 2)]
        assert (first.new_blocks, first.known_blocks) == (2, 1)
        first.save(BlockMap(3 * BLOCK, dict(enumerate(digests))))
    stored = store.blocks()
    assert first.stored_bytes == sum(stored.values())
    with store.writing() as second:
        second.put(memoryview(bytearray(block(1))))
        second.put(block(2))
        second.put(block(3))
        second.put(ZEROS)
        second.flush()
    assert (second.new_blocks, second.known_blocks) == (1, 2)
    assert sum(store.blocks().values()) == sum(stored.values()) + second.stored_bytes


def test_an_expected_block_is_not_asked_for_but_by_save(store: BlockStore, block: Block, saved: Saved) -> None:
    base = store.load_map(saved(store, 1))
    digest = base.get(0)
    assert digest
    with store.writing() as writing:
        assert writing.put(block(1), expected=digest) == digest
        assert writing.put(block(2), expected=digest) != digest
        assert (writing.known_blocks, writing.new_blocks) == (1, 1)


def test_blocks_that_were_flushed_are_there_without_a_map(store: BlockStore, block: Block) -> None:
    with store.writing() as writing:
        digest = writing.put(block(5))
        writing.flush()
        assert open_store(store.url).get(digest) == block(5)
    with store.writing() as later:
        assert later.keep({digest, bytes(32), ZERO}) == {digest, ZERO}
        name = later.save(BlockMap(BLOCK, {0: digest}))
    assert read(store, name) == [block(5)]
    assert store.has([digest, bytes(32), ZERO]) == {digest, ZERO}


def test_a_map_without_its_blocks_is_not_saved(store: BlockStore, block: Block) -> None:
    with store.writing() as writing:
        here = writing.put(block(1))
        with pytest.raises(BlockMissingError, match="1 of its 2 blocks"):
            writing.save(BlockMap(2 * BLOCK, {0: here, 1: bytes(32)}))
    assert store.maps() == set()


def test_what_is_not_there_is_told(store: BlockStore) -> None:
    with pytest.raises(BlockMissingError, match="00000000 is not in") as told:
        store.get(bytes(32))
    assert store.url in told.value.message
    with pytest.raises(BlockMissingError, match=f"{'0' * 64} is not in"):
        store.load_map("0" * 64)
    for name in ("", "../collecting", "G" * 64):
        with pytest.raises(BlockMissingError, match="not the name"):
            store.load_map(name)


@pytest.mark.parametrize("length", [0, 1, BLOCK - 1, BLOCK + 1])
def test_only_whole_blocks_are_stored(file_store: BlockStore, length: int) -> None:
    with file_store.writing() as writing, pytest.raises(BlockError, match=f"A block of {length} bytes"):
        writing.put(bytes(length))


def test_threads_share_a_writing(store: BlockStore, block: Block) -> None:
    numbers = [n % 7 + 1 for n in range(40)]
    with store.writing() as writing:
        with ThreadPoolExecutor(8) as pool:
            digests = list(pool.map(lambda n: writing.put(block(n)), numbers))
        name = writing.save(BlockMap(40 * BLOCK, dict(enumerate(digests))))
    assert read(store, name) == [block(n) for n in numbers]
    assert (writing.new_blocks, writing.known_blocks) == (7, 33)


def test_the_collector_leaves_what_is_live(store: BlockStore, block: Block, saved: Saved, swept: Swept) -> None:
    live, dead = saved(store, 1, 2), saved(store, 2, 3)
    with store.writing() as writing:
        pending, lost = writing.put(block(4)), writing.put(block(5))
        writing.flush()
    lost_bytes = sum(store.blocks()[digest] for digest in (lost, store.load_map(dead).get(1)))
    found = swept(store, [live], (pending,))
    assert sum(c.maps for c in found) == 1
    assert sum(c.blocks for c in found) == 2
    assert sum(c.stored_bytes for c in found) == lost_bytes
    assert store.maps() == {live}
    assert store.has([pending, lost]) == {pending}
    assert read(store, live) == [block(1), block(2)]
    assert sum(store.blocks().values()) == sum(store.blocks()[d] for d in (*store.load_map(live).digests(), pending))
    assert swept(store, [live], (pending,))[1] == Collected(0, 0, 0)


def test_the_collector_leaves_what_is_young(
    store: BlockStore, saved: Saved, block: Block, time_passes: TimePasses
) -> None:
    time_passes(store, GRACE + 1)
    name = saved(store, 1)
    for _ in range(2):
        time_passes(store, GRACE / 2 - 1)
        assert store.collect([]) == Collected(0, 0, 0)
    assert read(store, name) == [block(1)]
    for _ in range(2):
        time_passes(store, GRACE / 2)
        store.collect([])
    assert store.maps() == set()
    assert store.blocks() == {}


def test_a_map_that_is_saved_again_is_young(
    store: BlockStore, saved: Saved, block: Block, time_passes: TimePasses
) -> None:
    saved(store, 1)
    time_passes(store, GRACE + 1)
    name = saved(store, 1)
    for _ in range(2):
        time_passes(store, GRACE / 3)
        store.collect([])
    assert read(store, name) == [block(1)]


def test_a_map_that_is_saved_again_stays_while_its_writing_lives(
    store: BlockStore, saved: Saved, block: Block, swept: Swept, time_passes: TimePasses
) -> None:
    saved(store, 1)
    time_passes(store, GRACE + 1)
    with store.writing() as writing:
        name = writing.save(BlockMap(BLOCK, {0: writing.put(block(1))}))
        swept(store, [])
        assert read(store, name) == [block(1)]


def test_a_map_is_as_young_as_its_record_may_be(
    store: BlockStore, block: Block, saved: Saved, time_passes: TimePasses
) -> None:
    live = [saved(store, 2)]  # read just before the map is recorded
    with store.writing() as writing:
        name = writing.save(BlockMap(BLOCK, {0: writing.put(block(1))}))
        time_passes(store, GRACE + 1)
    for _ in range(2):
        time_passes(store, GRACE / 3)
        store.collect(live)
    assert read(store, name) == [block(1)]


def test_the_collector_leaves_what_a_writing_that_lives_has(
    store: BlockStore, saved: Saved, block: Block, swept: Swept
) -> None:
    known = saved(store, 1)
    with store.writing() as writing:
        one, two = writing.put(block(1)), writing.put(block(2))
        swept(store, [])
        writing.flush()
        swept(store, [])
        name = writing.save(BlockMap(2 * BLOCK, {0: one, 1: two}))
        swept(store, [])
        assert read(store, name) == [block(1), block(2)]
        if known in store.maps():
            assert read(store, known) == [block(1)]
    swept(store, [name])
    assert read(store, name) == [block(1), block(2)]
    swept(store, [])
    assert store.blocks() == {}


def test_nothing_is_collected_while_a_live_map_cannot_be_read(store: BlockStore, saved: Saved) -> None:
    saved(store, 1)
    before = store.blocks()
    with pytest.raises(BlockMissingError):
        store.collect(["0" * 64], grace=0)
    assert store.blocks() == before


@pytest.mark.parametrize("url", ["/plain/path", "file://host/path", "s3:///prefix", "http://x/y", "file:relative"])
def test_what_names_no_store_is_told(url: str) -> None:
    with pytest.raises(BlockError, match="names no block store"):
        open_store(url)


def test_boto3_loads_only_with_an_s3_store(tmp_path: Path) -> None:
    program = (
        "import sys; from goldsmith.blocks.store import open_store; "
        f"open_store('file://{tmp_path}/store'); "
        "sys.exit('boto3' in sys.modules or 'botocore' in sys.modules or 'concurrent' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
