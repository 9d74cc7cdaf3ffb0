"""A folder is collected while others write to it, and writers may be killed."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.blocks.durability import sync_file_system, sync_path
from goldsmith.blocks.store import BlockError, BlockStore, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Block = Callable[[int], bytes]

KILLED = """
import sys
from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.blocks.store import open_store
with open_store(sys.argv[1]).writing() as writing:
    flushed = writing.put(b"1" * BLOCK)
    writing.flush()
    staged = writing.put(b"2" * BLOCK)
    print("put", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_writer_left_is_invisible_and_goes(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/store")
    argv = [sys.executable, "-c", KILLED, store.url]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == b"put\n"
        writings = tmp_path / "store" / "writings"
        assert len(store.blocks()) == 1
        assert store.collect([], grace=0).blocks == 0
        assert [len(list(own.iterdir())) for own in writings.iterdir()] == [2]
        writer.kill()
    assert store.collect([], grace=0).blocks == 1
    assert list(writings.iterdir()) == []
    assert store.blocks() == {}


def test_a_writing_that_fails_leaves_nothing(file_store: BlockStore, block: Block, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), file_store.writing() as writing:  # noqa: PT012  the writing is left by it
        writing.put(block(1))
        raise ZeroDivisionError
    assert file_store.blocks() == {}
    assert list((tmp_path / "store" / "writings").iterdir()) == []


def test_what_is_visible_was_durable_before(
    file_store: BlockStore, block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks reach the disk before they are shown, they and others' before the map, and the map before `save` ends."""
    visible: list[tuple[str, int, int]] = []

    def told(what: str, path: Path) -> None:
        visible.append((what, len(file_store.blocks()), len(file_store.maps())))
        (sync_file_system if what == "all" else sync_path)(path)

    monkeypatch.setattr("goldsmith.blocks.file_lease.sync_file_system", lambda path: told("all", path))
    monkeypatch.setattr("goldsmith.blocks.file_lease.sync_path", lambda path: told(path.name, path))
    with file_store.writing() as writing:
        blocks = {number: writing.put(block(number)) for number in range(1, 13)}
        assert file_store.blocks() == {}
        writing.flush()
        assert visible == [("all", 0, 0), ("all", 12, 0)]
        visible.clear()
        blocks[0] = writing.put(block(13))
        writing.save(BlockMap(13 * BLOCK, blocks))
        name = blocks[0].hex()
        assert visible == [(name, 12, 0), (name[:2], 13, 0), ("all", 13, 0), ("maps", 13, 1)]


def test_a_flush_that_failed_is_made_good_by_the_next(
    file_store: BlockStore, block: Block, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Path) -> None:
        raise OSError(5, "Input/output error")

    with file_store.writing() as writing:
        digest = writing.put(block(1))
        with monkeypatch.context() as broken:
            broken.setattr("goldsmith.blocks.file_lease.sync_path", fails)
            with pytest.raises(BlockError, match=r"cannot be made durable in .*: Input/output error"):
                writing.save(BlockMap(BLOCK, {0: digest}))
        assert file_store.maps() == set()
        name = writing.save(BlockMap(BLOCK, {0: digest}))
    assert file_store.get(file_store.load_map(name).get(0) or b"") == block(1)


def test_a_block_that_did_not_fit_is_told_and_can_be_put_again(file_store: BlockStore) -> None:
    noise = os.urandom(BLOCK)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with file_store.writing() as writing:
        resource.setrlimit(resource.RLIMIT_FSIZE, (BLOCK // 2, hard))
        try:
            with pytest.raises(BlockError, match=r"cannot be written to .*store: File too large") as told:
                writing.put(noise)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "space" in told.value.mend
        writing.flush()
        assert file_store.blocks() == {}
        digest = writing.put(noise)
        name = writing.save(BlockMap(BLOCK, {0: digest}))
    assert writing.new_blocks == 1
    assert file_store.get(file_store.load_map(name).get(0) or b"") == noise


def test_a_slow_writer_does_not_make_a_quick_one_s_block_old(
    file_store: BlockStore, block: Block, time_passes: Callable[[BlockStore, float], None]
) -> None:
    with ExitStack() as ending_slow:
        slow = ending_slow.enter_context(file_store.writing())
        slow.put(block(1))
        time_passes(file_store, 9)
        with file_store.writing() as quick:
            digest = quick.put(block(1))
            quick.flush()
            slow.flush()
            ending_slow.close()
            file_store.collect([], grace=0)
            name = quick.save(BlockMap(BLOCK, {0: digest}))
    assert file_store.get(file_store.load_map(name).get(0) or b"") == block(1)


def test_others_may_not_enter(file_store: BlockStore, tmp_path: Path) -> None:
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BlockError, match="file/store cannot be opened: Not a directory"):
        open_store(f"file://{tmp_path}/file/store")
