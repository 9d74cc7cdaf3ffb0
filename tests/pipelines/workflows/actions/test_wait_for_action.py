"""WaitForAction: resumed, stopped, over its time, cancelled; a killed server finds the answer that came meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from functools import partial

import pytest

from goldsmith.aws.cloud import Cloud
from goldsmith.aws.imagebuilder.world import CloudWorld
from goldsmith.catalog.accounts import create_account
from goldsmith.catalog.resources import Resource
from goldsmith.pipelines.events.events import Events
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.image_run import ImageRun, PinnedParent
from goldsmith.pipelines.stop import Stop, StoppedError
from goldsmith.pipelines.workflows.action import ActionFailedError, NothingToDoError, StepRun, find_action
from goldsmith.pipelines.workflows.waiting import answered, waits

ACCOUNT, REGION = "123456789012", "us-east-1"
ARN = f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/web/1.0.0/1"


@pytest.fixture
def cloud(tmp_path):
    made = Cloud(Home(tmp_path / "home").ready())
    made.database.prepare()
    with made.database.writing() as connection:
        create_account(connection, "acme", number=ACCOUNT)
    yield made
    made.close()


def image():
    parent = PinnedParent("bootstrap", "debian/12", "debian/12")
    parts = {"recipe": {}, "infrastructure": {}, "parent": parent, "components": ()}
    return ImageRun(ARN, ACCOUNT, REGION, "web", "web", "1.0.0", 1, "2026-11-18T11:06:40.000Z", "AMI", "Linux", **parts)


def step(cloud, identifier="", *, seconds=60, stop=None, said=None, action="WaitForAction", **inputs):
    return StepRun(
        world=CloudWorld(cloud),
        image=image(),
        workflow_execution="wf-1",
        id=identifier or recorded(cloud),
        name="Approve",
        stage="BUILD",
        inputs=inputs,
        timeout_seconds=seconds,
        attempt=1,
        output_image="",
        logs=cloud.home.path,
        say=(said if said is not None else []).append,
        stop=stop or Stop(),
    )


def recorded(cloud, **inner):
    identifier = f"step-{uuid.uuid4()}"
    with cloud.catalog(ACCOUNT, REGION) as catalog:
        document = {"name": "Approve", "action": "WaitForAction", "imageBuildVersionArn": ARN}
        catalog.add(Resource(identifier, "workflow-step", ACCOUNT, REGION, "wf-1", "RUNNING", 1.0, document, inner))
    return identifier


def record(cloud, identifier):
    with cloud.catalog(ACCOUNT, REGION, writes=False) as catalog:
        return catalog.own("workflow-step", identifier)


def answer(cloud, identifier, action, reason=""):
    with cloud.catalog(ACCOUNT, REGION) as catalog:
        catalog.save(answered(catalog.own("workflow-step", identifier), action, reason))


def until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def events(cloud):
    return [each.event for each in Events(cloud.home, (), cloud.clock).log.read()]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(find_action("WaitForAction"), "PACE", 0.05)


def test_it_waits_until_somebody_says_resume(cloud):
    outputs, said = [], []
    waiting = step(cloud, said=said)
    thread = threading.Thread(target=lambda: outputs.append(find_action("WaitForAction").run(waiting)))
    thread.start()
    until(lambda: waits(record(cloud, waiting.id)))
    assert not outputs
    answer(cloud, waiting.id, "RESUME", "good")
    thread.join(30)
    assert outputs == [{"action": "RESUME", "reason": "good"}]
    assert not waits(record(cloud, waiting.id))
    (told,) = events(cloud)
    assert told["detail-type"] == "EC2 Image Builder Workflow Step Waiting"
    assert told["resources"] == [ARN]
    assert told["detail"] == {
        "workflow-execution-id": "wf-1",
        "workflow-step-execution-id": waiting.id,
        "workflow-step-name": "Approve",
    }
    assert said == [f"Waiting for an action on step Approve ({waiting.id})"]


def test_stop_fails_it_with_the_reason(cloud):
    waiting = step(cloud)
    answer(cloud, waiting.id, "STOP", "not on a Friday")
    with pytest.raises(ActionFailedError, match="stopped: not on a Friday") as failed:
        find_action("WaitForAction").run(waiting)
    assert failed.value.outputs == {"action": "STOP", "reason": "not on a Friday"}


def test_its_time_counts_from_the_first_start_and_no_answer_is_taken_after_it(cloud):
    now = 1_795_000_000.0
    cloud.clock = lambda: now
    stop = Stop()
    waiting = step(cloud, seconds=100, stop=stop)
    stop.ask()
    with pytest.raises(StoppedError):
        find_action("WaitForAction").run(waiting)
    assert waits(record(cloud, waiting.id))
    now += 99
    again = Stop().within(0.3)
    with pytest.raises(Exception, match="did not end"):
        find_action("WaitForAction").run(step(cloud, waiting.id, seconds=100, stop=again))
    now += 1
    with pytest.raises(ActionFailedError, match="within 100 seconds"):
        find_action("WaitForAction").run(step(cloud, waiting.id, seconds=100, stop=Stop().within(20)))
    assert not waits(record(cloud, waiting.id))
    assert len(events(cloud)) == 1


def test_an_answer_that_is_there_at_the_end_of_the_time_still_counts(cloud):
    now = 1_795_000_000.0
    cloud.clock = lambda: now
    identifier = recorded(cloud, waiting=True, waiting_since=now - 1000)
    answer(cloud, identifier, "RESUME")
    assert find_action("WaitForAction").run(step(cloud, identifier, seconds=100))["action"] == "RESUME"


def test_a_topic_gets_the_payload_as_an_event(cloud):
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:approvals"
    waiting = step(cloud, snsTopicArn=topic, payload='{"ticket": 7}')
    answer(cloud, waiting.id, "RESUME")
    find_action("WaitForAction").run(waiting)
    told = events(cloud)[1]
    assert told["detail-type"] == "Goldsmith SNS Notification"
    assert told["resources"] == [topic, ARN]
    message = json.loads(told["detail"]["Message"])
    assert (message["payload"], message["stepExecutionId"]) == ({"ticket": 7}, waiting.id)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"lambdaFunctionName": "approve"}, "no Lambda here"),
        ({"payload": "{"}, "no JSON"),
        ({"payload": f'"{"x" * 16384}"'}, "16 KiB"),
    ],
)
def test_what_cannot_be_done_fails_at_once(cloud, inputs, said):
    with pytest.raises(ActionFailedError, match=said):
        find_action("WaitForAction").run(step(cloud, **inputs))
    assert events(cloud) == []


def test_a_step_without_a_record_fails(cloud):
    with pytest.raises(ActionFailedError, match="no record"):
        find_action("WaitForAction").run(step(cloud, f"step-{uuid.uuid4()}"))


WAITER = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from goldsmith.aws.cloud import Cloud
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.workflows.action import find_action
from tests.pipelines.workflows.actions.test_wait_for_action import step
cloud = Cloud(Home(Path(sys.argv[1])))
cloud.database.prepare()
print("begins", flush=True)
print(dict(find_action("WaitForAction").run(step(cloud, sys.argv[2]))), flush=True)
"""


def test_a_killed_server_goes_on_waiting_and_finds_what_was_said_meanwhile(cloud, pytestconfig):
    identifier = recorded(cloud)
    argv = [sys.executable, "-c", WAITER, str(cloud.home.path), identifier, str(pytestconfig.rootpath)]
    start = partial(subprocess.Popen, argv, stdout=subprocess.PIPE, text=True)
    with start() as killed:
        until(lambda: waits(record(cloud, identifier)) and events(cloud))
        killed.send_signal(signal.SIGKILL)
    answer(cloud, identifier, "RESUME", "while you were away")
    with start() as again:
        assert again.communicate(timeout=60)[0].splitlines()[-1] == str(
            {"action": "RESUME", "reason": "while you were away"}
        )
    assert len(events(cloud)) == 1


def test_what_there_is_not_says_so(cloud):
    with pytest.raises(ActionFailedError, match="no Step Functions"):
        find_action("ExecuteStateMachine").run(step(cloud))
    with pytest.raises(NothingToDoError, match="no vulnerability scanner"):
        find_action("CollectImageScanFindings").run(step(cloud))
    for action in ("WaitForAction", "ExecuteStateMachine", "CollectImageScanFindings"):
        assert find_action(action).roll_back(step(cloud), {}) is False
