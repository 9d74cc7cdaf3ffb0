from __future__ import annotations

import pytest

from goldsmith.pipelines.schedules.results import note_result
from goldsmith.pipelines.schedules.why import FIRST
from goldsmith.pipelines.world import RefusedError
from tests.pipelines.schedules.conftest import DAILY, REGION

ALWAYS = {**DAILY, "pipelineExecutionStartCondition": "EXPRESSION_MATCH_ONLY"}


def test_a_run_begins_when_it_is_due_and_not_again(house):
    house.recipe()
    arn = house.pipeline(ALWAYS)
    scheduler = house.scheduler()
    scheduler.tick()
    assert house.show(arn)["dateNextRun"] == "2026-11-23T10:00:00.000Z"
    house.move("2026-11-23 09:59:59")
    scheduler.tick()
    assert not house.started
    house.move("2026-11-23 10:00:00")
    for _ in range(3):
        scheduler.tick()
    assert [trigger.as_json() for _, trigger in house.started] == [
        {"due": house.now[0], "always": "the schedule builds at every match"}
    ]
    assert house.show(arn)["dateNextRun"] == "2026-11-24T10:00:00.000Z"
    house.move("2026-11-24 10:00:01")
    scheduler.tick()
    assert len(house.started) == 2
    assert f"Building {house.started[1][0]} for 2026-11-24T10:00:00.000Z" in house.log(arn)


def test_runs_that_were_missed_are_made_up_for_once(house):
    house.recipe()
    arn = house.pipeline({**ALWAYS, "scheduleExpression": "rate(10 minutes)"})
    house.scheduler().tick()
    house.move("2026-11-26 12:04:30")
    later = house.scheduler()
    later.tick()
    later.tick()
    assert len(house.started) == 1
    assert house.show(arn)["dateNextRun"] == "2026-11-26T12:10:00.000Z"
    assert "The run of 2026-11-23T09:40:00.000Z was missed" in house.log(arn)


def test_the_first_run_builds_and_later_ones_need_a_reason(house):
    house.recipe(components=(pinned := f"arn:aws:imagebuilder:{REGION}:aws:component/nginx/1.0.0/1",))
    arn = house.pipeline()
    scheduler = house.scheduler()
    scheduler.tick()
    house.move("2026-11-23 10:00:02")
    scheduler.tick()
    ((first, trigger),) = house.started
    assert trigger.causes.always == FIRST
    house.move("2026-11-24 10:00:02")
    scheduler.tick()
    assert "No image is built for 2026-11-24T10:00:00.000Z: " in house.log(arn)
    assert f"the build of {first} is not over" in house.log(arn)
    house.finish(first, parent={"kind": "bootstrap", "reference": "debian/12"}, components=[pinned])
    house.move("2026-11-25 10:00:02")
    scheduler.tick()
    assert len(house.started) == 1
    assert "2026-11-25T10:00:00.000Z: nothing that the last image is made of is newer" in house.log(arn)
    second = house.recipe("1.1.0")
    house.move("2026-11-26 10:00:02")
    scheduler.tick()
    assert house.started[1][1].causes.recipe[0].now == second


def test_a_failed_build_is_no_image_to_compare_with(house):
    house.recipe()
    house.pipeline()
    scheduler = house.scheduler()
    scheduler.tick()
    house.move("2026-11-23 10:00:00")
    scheduler.tick()
    house.finish(house.started[0][0], "FAILED")
    house.move("2026-11-24 10:00:00")
    scheduler.tick()
    assert house.started[1][1].causes.always == FIRST


def test_disabled_pipelines_and_those_without_a_schedule_do_not_run(house):
    recipe = house.recipe()
    arn = house.pipeline(ALWAYS, status="DISABLED")
    scheduler = house.scheduler()
    scheduler.tick()
    house.move("2026-11-25 10:00:00")
    scheduler.tick()
    assert "dateNextRun" not in house.show(arn)
    infra = house.arn("infrastructure-configuration/infra")
    asked = {"imagePipelineArn": arn, "imageRecipeArn": recipe, "infrastructureConfigurationArn": infra}
    house.ask("UpdateImagePipeline", **asked, schedule=ALWAYS)
    scheduler.tick()
    assert not house.started, "what was due while it was disabled is not made up for"
    assert house.show(arn)["dateNextRun"] == "2026-11-26T10:00:00.000Z"
    house.ask("UpdateImagePipeline", **asked)
    house.move("2026-11-27 10:00:00")
    scheduler.tick()
    assert not house.started
    assert "dateNextRun" not in house.show(arn)


def test_a_changed_schedule_is_reckoned_anew(house):
    recipe = house.recipe()
    arn = house.pipeline(ALWAYS)
    scheduler = house.scheduler()
    scheduler.tick()
    infra = house.arn("infrastructure-configuration/infra")
    schedule = {**ALWAYS, "timezone": "Europe/Berlin"}
    asked = {"imagePipelineArn": arn, "imageRecipeArn": recipe, "infrastructureConfigurationArn": infra}
    house.ask("UpdateImagePipeline", **asked, schedule=schedule)
    scheduler.tick()
    assert house.show(arn)["dateNextRun"] == "2026-11-24T09:00:00.000Z"
    assert not house.started


def test_a_schedule_that_never_comes_again_is_left_alone(house):
    house.recipe()
    arn = house.pipeline({**ALWAYS, "scheduleExpression": "cron(0 10 23 11 ? 2026)"})
    scheduler = house.scheduler()
    scheduler.tick()
    house.move("2026-11-23 10:00:00")
    scheduler.tick()
    house.move("2026-11-24 10:00:00")
    scheduler.tick()
    assert len(house.started) == 1
    assert "dateNextRun" not in house.show(arn)


class Killed(BaseException):
    """The end of the process."""


@pytest.mark.parametrize("begun", [False, True])
def test_a_start_that_a_kill_cut_short_is_taken_up_once(house, begun):
    house.recipe()
    house.pipeline(ALWAYS)

    def start(pipeline, trigger):
        if begun:
            house.start(pipeline, trigger)
        raise Killed

    house.scheduler().tick()
    house.move("2026-11-23 10:00:00")
    with pytest.raises(Killed):
        house.scheduler(start=start).tick()
    scheduler = house.scheduler()
    scheduler.tick()
    assert len(house.started) == begun, "another server may just be starting it"
    house.move("2026-11-23 10:05:00")
    scheduler.tick()
    scheduler.tick()
    assert len(house.started) == 1


def test_two_servers_begin_one_image(house):
    house.recipe()
    house.pipeline(ALWAYS)
    other = house.scheduler()

    def start(pipeline, trigger):
        other.tick()
        return house.start(pipeline, trigger)

    one = house.scheduler(start=start)
    one.tick()
    house.move("2026-11-23 10:00:00")
    one.tick()
    other.tick()
    assert len(house.started) == 1


def test_a_build_that_cannot_begin_is_told_and_counts_as_a_failure(house):
    house.recipe()
    arn = house.pipeline({**ALWAYS, "autoDisablePolicy": {"failureCount": 2}})

    def refuse(*_):
        raise RefusedError("ServiceQuotaExceededException", "There are too many builds.")

    scheduler = house.scheduler(start=refuse)
    scheduler.tick()
    house.move("2026-11-23 10:00:00")
    scheduler.tick()
    scheduler.tick()
    assert (house.show(arn)["consecutiveFailures"], house.show(arn)["status"]) == (1, "ENABLED")
    assert "could not be begun: There are too many builds." in house.log(arn)
    house.move("2026-11-24 10:00:00")
    scheduler.tick()
    assert (house.show(arn)["consecutiveFailures"], house.show(arn)["status"]) == (2, "DISABLED")


def test_a_pipeline_that_breaks_does_not_keep_others_from_running(house):
    house.recipe()
    broken = house.pipeline(ALWAYS)
    asked = {"imageRecipeArn": house.arn("image-recipe/web/x.x.x"), "schedule": ALWAYS}
    infra = house.arn("infrastructure-configuration/infra")
    house.ask("CreateImagePipeline", name="other", infrastructureConfigurationArn=infra, **asked)

    def start(pipeline, trigger):
        if pipeline.id == broken:
            raise ZeroDivisionError
        return house.start(pipeline, trigger)

    scheduler = house.scheduler(start=start)
    scheduler.tick()
    house.move("2026-11-23 10:00:00")
    scheduler.tick()
    assert len(house.started) == 1


class TestAutoDisable:
    @pytest.fixture
    def ended(self, house):
        """End builds of a pipeline that three failures in a row disable."""
        house.recipe()
        arn = house.pipeline({**ALWAYS, "autoDisablePolicy": {"failureCount": 3}})
        scheduler = house.scheduler()
        scheduler.tick()

        def end(state, *, scheduled=True):
            trigger = type("Due", (), {"due": len(house.started), "as_json": lambda _: {}})()
            image = house.start(house.world.every("image-pipeline")[0], trigger)
            done = house.finish(image, state)
            done = done if scheduled else done.having(buildType="USER_INITIATED")
            for _ in range(2):
                note_result(house.world, done, house.tell)
            return house.show(arn)["consecutiveFailures"], house.show(arn)["status"]

        return end

    def test_failures_in_a_row_disable(self, house, ended):
        assert ended("FAILED") == (1, "ENABLED")
        assert ended("FAILED", scheduled=False) == (1, "ENABLED")
        assert ended("CANCELLED") == (1, "ENABLED")
        assert ended("FAILED") == (2, "ENABLED")
        assert not house.told
        assert ended("FAILED") == (3, "DISABLED")
        arn = house.arn("image-pipeline/web")
        assert house.told == [
            ("EC2 Image Builder Image Pipeline Automatically Disabled", [arn], {"consecutive-failures": "3"})
        ]
        assert "Disabled after 3 scheduled runs in a row that failed." in house.log(arn)
        assert "dateNextRun" not in house.show(arn)
        assert ended("FAILED") == (4, "DISABLED")
        assert len(house.told) == 1

    def test_a_success_between_begins_the_count_anew(self, house, ended):
        assert ended("FAILED") == (1, "ENABLED")
        assert ended("FAILED") == (2, "ENABLED")
        assert ended("AVAILABLE") == (0, "ENABLED")
        assert ended("FAILED") == (1, "ENABLED")
        assert not house.told
