"""Whatever writers and collectors do in whatever order, what is recorded reads whole, and the rest goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, precondition, rule, run_state_machine_as_test

from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.blocks.file_store import FileStore
from goldsmith.blocks.s3_store import S3Store
from goldsmith.blocks.store import GRACE, BlockStore, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from goldsmith.blocks.writing import Writing

WRITER = Path(__file__).with_name("stress_writer.py")
WRITERS = 2
ROUNDS = {FileStore: 100, S3Store: 15}
NUMBERS = some.integers(1, 4)


@dataclass
class Writer:
    """A Writing that goes on, what it has put, and the maps it has saved and not yet recorded."""

    context: AbstractContextManager[Writing]
    writing: Writing
    put: list[bytes] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)


class Machine(RuleBasedStateMachine):
    """A store, some writers, the records of a catalogue, and lists of those records that were read before."""

    writers = Bundle("writers")
    opened: Callable[[], BlockStore]
    time_passes: Callable[[BlockStore, float], None]

    def __init__(self) -> None:
        super().__init__()
        self.store = self.opened()
        self.records: list[str] = []
        self.read: list[str] | None = None
        self.active: list[Writer] = []

    @rule(target=writers)
    def begin(self) -> Writer:
        context = self.store.writing()
        writer = Writer(context, context.__enter__())
        self.active.append(writer)
        return writer

    @rule(writer=writers, number=NUMBERS)
    def put(self, writer: Writer, number: int) -> None:
        writer.put.append(writer.writing.put(number.to_bytes(8, "little") * (BLOCK // 8)))

    @rule(writer=writers)
    def flush(self, writer: Writer) -> None:
        writer.writing.flush()

    @rule(writer=writers)
    def save(self, writer: Writer) -> None:
        blocks = dict(enumerate(dict.fromkeys(writer.put)))
        writer.saved.append(writer.writing.save(BlockMap(4 * BLOCK, blocks)))

    @precondition(lambda self: self.records)
    @rule(writer=writers, data=some.data())
    def save_over_a_base(self, writer: Writer, data: some.DataObject) -> None:
        base = self.store.load_map(data.draw(some.sampled_from(self.records)))
        changed = {3: writer.put[-1]} if writer.put else {0: None}
        writer.saved.append(writer.writing.save(base.merged(changed)))

    @rule(writer=writers)
    def record(self, writer: Writer) -> None:
        self.records += writer.saved
        writer.saved.clear()

    @rule(writer=consumes(writers))
    def end(self, writer: Writer) -> None:
        self.active.remove(writer)
        writer.context.__exit__(None, None, None)

    @precondition(lambda self: self.records)
    @rule(data=some.data())
    def delete(self, data: some.DataObject) -> None:
        self.records.remove(data.draw(some.sampled_from(self.records)))

    @rule()
    def read_records(self) -> None:
        self.read = list(self.records)

    @rule()
    def wait(self) -> None:
        self.time_passes(self.store, GRACE + 1)
        for writer in self.active:
            show_life = getattr(writer.writing._lease, "show_life", None)
            if show_life:
                show_life()
        self.read = None  # whoever read them must have begun to collect by now

    @rule()
    def collect(self) -> None:
        self.time_passes(self.store, 1)
        self.store.collect(iter(self.records), grace=0)
        self.whole()

    @precondition(lambda self: self.read is not None)
    @rule()
    def collect_what_was_read(self) -> None:
        assert self.read is not None
        self.store.collect([name for name in self.read if name in self.records or name in self.store.maps()])
        self.whole()

    def whole(self) -> None:
        for name in self.records:
            for digest in self.store.load_map(name).digests():
                self.store.get(digest)

    def teardown(self) -> None:
        while self.active:
            self.end(self.active[0])
        self.whole()
        for _ in range(2):
            self.time_passes(self.store, GRACE + 1)
            self.store.collect(self.records)
        assert self.store.maps() == set(self.records)
        assert set(self.store.blocks()) == {d for name in self.records for d in self.store.load_map(name).digests()}


def run(opened: Callable[[], BlockStore], time_passes: Any, examples: int, phases: Sequence[Phase]) -> None:
    machine = type(
        "StoreMachine", (Machine,), {"opened": staticmethod(opened), "time_passes": staticmethod(time_passes)}
    )
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=phases,
        ),
    )


@pytest.fixture
def folders() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="goldsmith-blocks-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    yield folder
    shutil.rmtree(folder)


def test_a_folder(folders: str, time_passes: Any) -> None:
    run(lambda: open_store(f"file://{tempfile.mkdtemp(dir=folders)}"), time_passes, examples=40, phases=tuple(Phase))


def test_a_bucket(s3_url: str, time_passes: Any) -> None:
    run(
        lambda: open_store(s3_url.replace("?", f"/{os.urandom(4).hex()}?")),
        time_passes,
        examples=4,
        phases=[Phase.reuse, Phase.generate],
    )


def test_live_maps_read_whole_whoever_writes_deletes_and_collects(
    store: BlockStore, tmp_path: Path, s3_clock: Any
) -> None:
    records = tmp_path / "records"
    records.mkdir()

    def live() -> Iterator[str]:
        for path in records.iterdir():
            yield path.name.partition(".")[0]

    writers = [
        subprocess.Popen(
            [sys.executable, WRITER, store.url, records, str(seed), str(ROUNDS[type(store)])], stderr=subprocess.PIPE
        )
        for seed in range(WRITERS)
    ]
    removed = 0
    while any(writer.poll() is None for writer in writers):
        removed += store.collect(live(), grace=0).blocks
        s3_clock.advance(1)
    for writer in writers:
        with writer:
            assert writer.stderr
            assert (writer.stderr.read(), writer.wait()) == (b"", 0)
    assert removed  # it did get its turn
    assert store.check(live()).hit_maps == set()
    for _ in range(2):
        store.collect(live(), grace=0)
        s3_clock.advance(1)
    assert store.maps() == set(live())
    assert set(store.blocks()) == {digest for name in live() for digest in store.load_map(name).digests()}
