"""What is an S3 store's own: condemned keys, leases that expire, one collector, and faults that are told."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import pytest

from goldsmith.blocks import s3_collector, s3_lease
from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.blocks.copies import copy_map
from goldsmith.blocks.s3_lease import EXPIRY
from goldsmith.blocks.store import GRACE, BlockError, BlockStore, Collected, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Block = Callable[[int], bytes]
    Saved = Callable[..., str]
    TimePasses = Callable[[BlockStore, float], None]


@pytest.fixture
def keys(s3_endpoint: str) -> Callable[[BlockStore, str], list[str]]:
    """The keys of a store that begin with something, the prefix left out."""

    def listed(store: BlockStore, under: str) -> list[str]:
        parts = urlsplit(store.url)
        client = boto3.client("s3", endpoint_url=s3_endpoint, region_name="us-east-1")
        prefix = parts.path.strip("/") + "/"
        answer = client.list_objects_v2(Bucket=parts.netloc, Prefix=prefix + under)
        return [entry["Key"].removeprefix(prefix) for entry in answer.get("Contents", ())]

    return listed


def collected(store: BlockStore, live: list[str], time_passes: TimePasses) -> Collected:
    time_passes(store, 1)
    try:
        return store.collect(iter(live), grace=0)
    finally:
        time_passes(store, 1)


def test_what_is_condemned_is_written_again_under_another_key(
    s3_store: BlockStore, saved: Saved, block: Block, time_passes: TimePasses, keys: Callable[..., list[str]]
) -> None:
    saved(s3_store, 1, 2)
    assert collected(s3_store, [], time_passes) == Collected(0, 0, 0, condemned=3)
    assert len(keys(s3_store, "condemned/")) == 1
    with s3_store.writing() as writing:
        placed = {0: writing.put(block(1)), 1: writing.put(block(2))}
        assert writing.new_blocks == 2
        name = writing.save(BlockMap(2 * BLOCK, placed))
        assert len(keys(s3_store, "blocks/")) == 4
        gone = collected(s3_store, [], time_passes)
        assert (gone.maps, gone.blocks) == (1, 2)
    assert keys(s3_store, "condemned/") == []
    assert all("." in key for under in ("blocks/", "maps/") for key in keys(s3_store, under))
    assert [s3_store.get(digest) for _, digest in s3_store.load_map(name).items()] == [block(1), block(2)]
    assert s3_store.has(placed.values()) == set(placed.values())
    assert len(s3_store.blocks()) == 2
    with s3_store.writing() as writing:  # which finds them by their other keys
        assert writing.save(BlockMap(2 * BLOCK, placed)) == name
    for _ in range(2):
        collected(s3_store, [], time_passes)
    assert [key for key in keys(s3_store, "") if not key.startswith("leases/")] == []


def test_what_became_live_again_is_reprieved(
    s3_store: BlockStore, saved: Saved, block: Block, time_passes: TimePasses, keys: Callable[..., list[str]]
) -> None:
    name = saved(s3_store, 1)
    assert collected(s3_store, [], time_passes).condemned == 2
    assert collected(s3_store, [name], time_passes) == Collected(0, 0, 0)
    assert keys(s3_store, "condemned/") == []
    assert s3_store.get(s3_store.load_map(name).get(0) or b"") == block(1)


def test_what_is_found_is_not_removed_before_its_writing_ends(
    s3_store: BlockStore, saved: Saved, block: Block, time_passes: TimePasses
) -> None:
    saved(s3_store, 1)
    time_passes(s3_store, 1)
    with s3_store.writing() as writing:
        digest = writing.put(block(1))
        assert writing.known_blocks == 1
        found = [collected(s3_store, [], time_passes) for _ in range(3)]
        assert found == [Collected(0, 0, 0, condemned=2)] * 3
        name = writing.save(BlockMap(BLOCK, {0: digest}))
    assert s3_store.get(s3_store.load_map(name).get(0) or b"") == block(1)


def test_a_writer_that_shows_no_life_is_taken_for_dead_and_fails(
    s3_store: BlockStore, block: Block, time_passes: TimePasses, keys: Callable[..., list[str]]
) -> None:
    with s3_store.writing() as writing:
        digest = writing.put(block(1))
        time_passes(s3_store, EXPIRY - 1)
        s3_store.collect([])
        writing.flush()
        time_passes(s3_store, 2)
        for _ in range(2):
            s3_store.collect([])
            time_passes(s3_store, 1)
        assert keys(s3_store, "leases/") == []
        assert s3_store.blocks() == {}
        with pytest.raises(BlockError, match="held up"):
            writing.flush()
        with pytest.raises(BlockError, match="held up"):
            writing.save(BlockMap(BLOCK, {0: digest}))


def test_a_writer_shows_life(
    s3_store: BlockStore, keys: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_lease, "SIGN_OF_LIFE", 0.01)
    with s3_store.writing():
        deadline = time.monotonic() + 60
        while not any(key.endswith("/alive") for key in keys(s3_store, "leases/")):
            assert time.monotonic() < deadline
        threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("lease ")]
        assert len(threads) == 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lease ")]


def test_leases_are_forgotten_some_time_after_their_end(
    s3_store: BlockStore, saved: Saved, time_passes: TimePasses, keys: Callable[..., list[str]]
) -> None:
    name = saved(s3_store, 1)
    s3_store.collect([name])
    assert len(keys(s3_store, "leases/")) == 2
    time_passes(s3_store, GRACE + 1)
    s3_store.collect([name])
    assert keys(s3_store, "leases/") == []


def test_there_is_one_collector_unless_it_shows_no_life(
    s3_store: BlockStore, saved: Saved, time_passes: TimePasses, keys: Callable[..., list[str]]
) -> None:
    saved(s3_store, 1)
    collected(s3_store, [], time_passes)
    time_passes(s3_store, 1)

    def live_while_another_begins() -> list[str]:
        with pytest.raises(BlockError, match="Another collector is at work"):
            s3_store.collect([])
        time_passes(s3_store, EXPIRY + 1)
        assert s3_store.collect([]).blocks == 1
        saved(s3_store, 1)
        return []

    def lazily() -> object:
        yield from live_while_another_begins()

    with pytest.raises(BlockError, match="taken over"):
        _collect_slowly(s3_store, lazily)
    assert len(s3_store.blocks()) == 1
    assert keys(s3_store, "collecting") == []


def _collect_slowly(store: BlockStore, live: Callable[[], object]) -> None:
    """Collect as one that is held up after it has seen what is condemned."""
    with pytest.MonkeyPatch.context() as held_up:
        listed = s3_collector.keys_in

        def slowly(*where: object) -> set[str]:
            held_up.setattr(s3_collector, "keys_in", listed)
            found = listed(*where)  # type: ignore[arg-type]
            list(live())  # type: ignore[call-overload]
            return found

        held_up.setattr(s3_collector, "keys_in", slowly)
        store.collect([], grace=0)


def test_readers_and_copies_know_the_other_keys(
    s3_store: BlockStore, saved: Saved, time_passes: TimePasses, tmp_path: Path
) -> None:
    saved(s3_store, 1, 2)
    collected(s3_store, [], time_passes)
    name = saved(s3_store, 1, 2)
    collected(s3_store, [name], time_passes)
    local = open_store(f"file://{tmp_path}/store")
    assert copy_map(s3_store, local, name).sent_blocks == 2
    assert s3_store.check([name]).hit_maps == set()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://no-such-bucket/x?endpoint_url={}&region=us-east-1", "NoSuchBucket|does not exist"),
        ("s3://blocks/x?endpoint=http://here", "does not know: endpoint|do not know: endpoint"),
        ("s3://blocks/x?endpoint_url=nonsense", "cannot be opened|Invalid endpoint"),
    ],
)
def test_faults_are_told(s3_endpoint: str, url: str, said: str) -> None:
    with pytest.raises((BlockError), match=said), ExitStack() as stack:
        stack.enter_context(open_store(url.format(s3_endpoint)).writing())
