from __future__ import annotations

import sqlite3

import pytest

from goldsmith.catalog.resources import Query
from goldsmith.pipelines.engine import durable
from goldsmith.pipelines.engine.durable import Durable, EngineError
from goldsmith.pipelines.engine.engine import KEPT
from goldsmith.pipelines.engine.states import in_state

from .conftest import KILLED, build, checked
from .lives import ACCOUNT, ARN, ENDED, REGION, Life, Server, life

pytestmark = pytest.mark.sandbox

WAY = ["CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"]
PLAN = [build("Flaky"), checked("First", group="all"), checked("Second", group="all")]
MADE = ["Create", "First", "Flaky", "Launch", "Second"]


def require_built(bench):
    assert bench.image.state == "AVAILABLE"
    assert bench.states == WAY
    assert bench.effects == MADE
    assert set(bench.steps.values()) == {"COMPLETED"}
    assert bench.workflows == ["COMPLETED"] * 3


def test_killed_after_each_record_it_goes_on_behind_it(bench):
    bench.begin()
    ends = bench.live(PLAN, life(record=1))
    assert len(ends) > 30
    assert ends == [KILLED] * (len(ends) - 1) + [0]
    require_built(bench)
    assert bench.begun[:4] == ["Launch#1", "Flaky#1", "Flaky#2", "Create#1"]
    assert set(bench.begun[4:]) == {"First#1", "Second#1"}, "one of a group may be cut short by the other's kill"


def test_killed_before_each_record_it_does_that_step_once_more_under_its_token(bench):
    bench.begin()
    bench.live(PLAN, *[life(record=2, lost=True)] * 30, life())
    require_built(bench)
    assert bench.begun[:8] == [each for each in ("Launch#1", "Flaky#1", "Flaky#2", "Create#1") for _ in range(2)]


@pytest.mark.parametrize("event", [1, len(WAY)])
def test_a_state_that_was_recorded_is_told_once_whenever_the_server_is_killed(bench, event):
    bench.begin()
    assert bench.live(PLAN, life(event=event), life(event=1), life()) == [KILLED, KILLED, 0]
    require_built(bench)


def test_a_failure_that_was_recorded_is_told_after_a_kill(bench):
    bench.begin()
    assert bench.live([build("Fails")], life(event=3), life()) == [KILLED, 0]
    assert bench.states == ["CREATING", "BUILDING", "FAILED"]
    assert bench.image.document["state"]["failureContext"]["failedStep"] == "Fails"
    assert bench.effects == []
    assert bench.undone == ["Fails", "Fails", "Launch"]


@pytest.mark.parametrize("record", [1, 3, 5, 8, 14, 16, 20])
def test_cancelled_anywhere_and_killed_at_once_it_ends_cancelled(bench, record):
    bench.begin()
    bench.live(PLAN, life(cancel_at=record, record=record + 1), life())
    assert bench.image.state == "CANCELLED"
    assert bench.states[-1] == "CANCELLED"
    assert bench.states.count("CANCELLED") == 1
    completed = bench.workflows.count("COMPLETED")
    stays = {"Create", *(("Launch", "Flaky") if completed else ()), *(("First", "Second") if completed > 1 else ())}
    assert set(bench.effects) <= stays
    assert set(bench.workflows) <= {"CANCELLED", "COMPLETED"}
    assert "RUNNING" not in bench.steps.values()


def test_cancelled_in_a_step_it_ends_at_once(bench):
    bench.begin()
    bench.live([build("Slow")], life(cancel_at=6))
    assert bench.states == ["CREATING", "BUILDING", "CANCELLED"]
    assert bench.undone[-1] == "Launch"
    assert bench.effects == []


def test_one_that_waits_for_its_turn_is_cancelled_without_one(bench):
    second = f"{ARN}/2"
    bench.begin()
    bench.begin(second, cancel=True)
    bench.live([build("Slow")], life(record=8), limit=1, most=1)
    assert bench.house.image(second).state == "CANCELLED"


def test_no_more_builds_run_than_the_limit(bench):
    for number in range(1, 4):
        bench.begin(f"{ARN}/{number}")
    bench.live([build("Slow")], life(record=8), limit=1, most=1)
    assert bench.begun == ["Launch#1"]


def test_a_retry_goes_on_after_the_stages_that_are_done(bench):
    bench.begin()
    bench.live([build(), checked("Fails")])
    assert bench.states == ["CREATING", "BUILDING", "TESTING", "FAILED"]
    built = bench.image.document["outputResources"]["amis"][0]["image"]
    (bench.folder / "mended").touch()
    bench.retry()
    bench.live([build(), checked("Fails")], life(record=1))
    assert bench.image.state == "AVAILABLE"
    assert bench.begun == ["Launch#1", "Create#1", "Fails#1", "Fails#1"]
    assert bench.image.document["outputResources"]["amis"][0]["image"] == built


def test_a_retry_of_a_failed_build_begins_anew(bench):
    bench.begin()
    bench.live([build("Fails")])
    (bench.folder / "mended").touch()
    bench.retry()
    bench.live([build("Fails")])
    assert bench.states[-1] == "AVAILABLE"
    assert bench.effects == ["Create", "Fails", "Launch"]


def test_the_try_before_does_not_meddle_with_the_next(bench):
    """Killed between its failure and the end of its record, the first try is taken up beside the second."""
    bench.begin()
    bench.live([build("Fails")], life(event=3), most=1)
    assert bench.image.state == "FAILED"
    (bench.folder / "mended").touch()
    bench.retry()
    bench.live([build("Fails")])
    assert bench.image.state == "AVAILABLE"
    assert bench.states.count("AVAILABLE") == 1


def test_a_server_that_ends_leaves_its_builds_where_they_are(bench):
    bench.begin()
    assert bench.live([build("Slow")], life(end_in="Slow"), life()) == [ENDED, 0]
    assert bench.image.state == "AVAILABLE"
    assert bench.begun == ["Launch#1", "Slow#1", "Slow#1", "Create#1"]


def test_a_bug_in_an_action_fails_the_build_with_a_reason(bench):
    bench.begin()
    bench.live([build("Breaks")])
    assert bench.image.state == "FAILED"
    assert "KeyError('a bug')" in bench.image.document["state"]["reason"]


def test_a_deleted_image_is_not_built(bench):
    bench.begin()
    bench.live(PLAN, life(record=6), most=1)
    with bench.house.catalog(ACCOUNT, REGION) as catalog:
        catalog.remove(bench.image)
    assert bench.live(PLAN) == [0]
    assert bench.begun == ["Launch#1"]


def test_builds_of_an_older_version_begin_their_stage_again(bench):
    bench.begin()
    bench.live(PLAN, life(version="1", record=20), most=1)
    begun = bench.begun
    assert bench.live(PLAN) == [0]
    assert bench.image.state == "AVAILABLE"
    assert bench.states == WAY
    assert bench.effects == MADE
    assert bench.begun[len(begun) :].count("Create#1") <= 1


def test_records_that_were_lost_are_made_anew(bench):
    bench.begin()
    bench.live(PLAN, life(record=22), most=1)
    for file in bench.folder.glob(f"{durable.FILE}*"):
        file.unlink()
    assert bench.live(PLAN) == [0]
    require_built(bench)


def test_a_build_that_the_records_say_is_over_fails_with_a_reason(bench):
    bench.begin()
    bench.live([build()])
    image = bench.image
    with bench.house.catalog(ACCOUNT, REGION) as catalog:
        catalog.save(in_state(image, "BUILDING"))
        (execution,) = catalog.find(Query("workflow-execution"))
        catalog.save(execution.having(state="RUNNING", status="RUNNING"))
    assert bench.live([build()]) == [0]
    assert bench.image.state == "FAILED"
    assert "was cut short" in bench.image.document["state"]["reason"]
    assert bench.workflows == ["FAILED"]


def test_records_of_deleted_images_and_of_old_builds_go(bench):
    bench.begin()
    bench.begin(f"{ARN}/2")
    bench.live(PLAN)
    with bench.house.catalog(ACCOUNT, REGION) as catalog:
        catalog.remove(bench.image)
    engine = Server(bench.folder, PLAN, Life()).open()
    engine.start()
    try:
        works = engine._durable.recorded
        assert set(works()) == {f"{ARN}/1#1", f"{ARN}/2#1"}
        engine.forget_old()
        assert set(works()) == {f"{ARN}/2#1"}
        engine.world.ahead += KEPT + 60
        engine.forget_old()
        assert not works()
    finally:
        engine.close()
    tables = sqlite3.connect(bench.folder / durable.FILE)
    assert tables.execute("SELECT count(*) FROM operation_outputs").fetchone() == (0,)
    tables.close()


def test_damaged_records_are_told(tmp_path):
    (tmp_path / durable.FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(EngineError, match=r"pipelines.sqlite, cannot be used: file is not a database") as told:
        Durable(tmp_path, lambda name, part: None)
    assert "move it away" in told.value.mend


def test_half_damaged_records_are_told(tmp_path):
    file = tmp_path / durable.FILE
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE words (word TEXT)")
    connection.executemany("INSERT INTO words VALUES (?)", [("x" * 500,)] * 200)
    connection.commit()
    connection.close()
    damaged = bytearray(file.read_bytes())
    damaged[4096 * 3 : 4096 * 6] = b"\xff" * 4096 * 3
    file.write_bytes(damaged)
    with pytest.raises(EngineError, match="cannot be used"):
        Durable(tmp_path, lambda name, part: None)


def test_records_that_cannot_be_written_are_told(tmp_path):
    (tmp_path / durable.FILE).mkdir()
    with pytest.raises(EngineError, match="cannot be used"):
        Durable(tmp_path, lambda name, part: None)
