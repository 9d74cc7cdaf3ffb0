"""`goldsmith pipeline` as a person types it; the last test builds an image of a small Debian."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from goldsmith.aws.cloud import Cloud
from goldsmith.catalog.accounts import create_account
from goldsmith.catalog.resources import Resource
from goldsmith.cli.here import here
from goldsmith.cli.main import app
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.image_run import image_folder

from .documents import failing, pipeline

ACCOUNT = "111122223333"
ARN = f"arn:aws:imagebuilder:us-east-1:{ACCOUNT}"
STEP = "step-11111111-2222-3333-4444-555555555555"
EXECUTION = "wf-11111111-2222-3333-4444-555555555555"


def invoke(*words):
    done = CliRunner().invoke(app, list(map(str, words)))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def told(*words):
    return invoke("pipeline", *words).stdout


def prepare():
    cloud = Cloud(Home.default().ready())
    cloud.database.prepare()
    with cloud.database.writing() as connection:
        create_account(connection, "acme", number=ACCOUNT)
    cloud.close()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A home with an account and the pipeline "plain"."""
    monkeypatch.setenv("GOLDSMITH_HOME", str(tmp_path / "home"))
    prepare()
    (tmp_path / "plain.yml").write_text(pipeline("nginx", more="schedule: {scheduleExpression: cron(0 3 * * ? *)}\n"))
    invoke("apply", tmp_path / "plain.yml", "--yes")
    return tmp_path


def begin():
    """Begin a build that nobody builds yet; return its ARN."""
    with here() as home:
        parameters = {"imagePipelineArn": f"{ARN}:image-pipeline/plain"}
        return home.call("imagebuilder", "StartImagePipelineExecution", **parameters)["imageBuildVersionArn"]


def put(arn, status, **state):
    """Put an image into a state, as the engine does."""
    with here() as home, home.cloud.catalog(ACCOUNT, "us-east-1") as catalog:
        image = catalog.own("image-build", arn)
        catalog.save(replace(image, state=status, document={**image.document, "state": {"status": status, **state}}))


def add(kind, identifier, name, status, inner=None, /, **document):
    with here() as home, home.cloud.catalog(ACCOUNT, "us-east-1") as catalog:
        catalog.add(Resource(identifier, kind, ACCOUNT, "us-east-1", name, status, 1.0, document, inner or {}))


def log(arn, *lines):
    file = image_folder(Home.default(), arn) / "service.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        out.writelines(f"2026-11-23T10:00:00.123Z {line}\n" for line in lines)


def test_pipelines_are_listed_and_shown_with_why_they_would_build(folder):
    row = told("list").splitlines()[1].split()
    assert row[:2] == ["plain", "ENABLED"]
    assert "cron(0 3 * * ? *)" in told("list")
    shown = told("show", "plain")
    assert "  recipe: plain/1.0.0\n" in shown
    assert "would build now: the pipeline has no image yet" in shown
    whole = json.loads(told("show", f"{ARN}:image-pipeline/plain", "--json"))
    assert whole["name"] == "plain"
    assert whole["images"] == []
    with pytest.raises(GoldsmithError, match="There is no pipeline plan here") as refused:
        told("show", "plan")
    assert refused.value.mend == "Did you mean plain?"


def test_images_are_listed_newest_first_and_found_by_any_of_their_names(folder):
    assert "plain has no image yet" in told("images", "plain")
    first, second = begin(), begin()
    put(first, "FAILED", reason="it broke")
    rows = [line.split()[:2] for line in told("images", "plain").splitlines()[1:]]
    assert rows == [["plain/1.0.0/2", "PENDING"], ["plain/1.0.0/1", "FAILED"]]
    log(first, "of the first")
    log(second, "of the second")
    for said in ("plain", "plain/1.0.0", second):
        assert told("logs", said) == "2026-11-23T10:00:00.123Z of the second\n"
    assert "of the first" in told("logs", "plain/1.0.0/1")
    with pytest.raises(GoldsmithError, match=r"There is no image plain/2.0.0 here"):
        told("logs", "plain/2.0.0")


def test_a_log_cannot_write_to_the_terminal(folder):
    arn = begin()
    log(arn, "\x1b[2J\x1b]0;owned\x07 harmless")
    assert "\x1b" not in told("logs", "plain")
    assert "harmless" in told("logs", "plain")


def test_a_followed_log_ends_with_why_the_image_failed(folder):
    arn = begin()
    log(
        arn,
        f"Started BUILD workflow {ARN}:workflow/build/w/1.0.0/1",
        "Started step Apply with action ExecuteComponents",
    )
    add(
        "workflow-step",
        STEP,
        EXECUTION,
        "FAILED",
        stepExecutionId=STEP,
        message="hello.yml broke\n    stderr: no such file",
        name="Apply",
    )
    context = {
        "imageStatus": "BUILDING",
        "workflowArn": f"{ARN}:workflow/build/w/1.0.0/1",
        "stepExecutionId": STEP,
        "failedStep": "Apply",
        "componentFailure": {
            "componentArn": f"{ARN}:component/hello/1.0.0/1",
            "phaseName": "build",
            "stepName": "Break",
            "action": "ExecuteBash",
            "errorMessage": "exit status 3",
        },
    }
    put(arn, "FAILED", reason="Workflow failed", failureContext=context)
    done = invoke("pipeline", "logs", "-f", "plain")
    assert done.stdout.splitlines() == [
        "10:00:00 Started BUILD workflow workflow/build/w/1.0.0/1",
        "10:00:00 Started step Apply with action ExecuteComponents",
    ]
    assert done.stderr.splitlines() == [
        "plain/1.0.0/1 is FAILED.",
        "  while: BUILDING",
        "  workflow: build/w/1.0.0/1",
        "  step: Apply",
        "  component: hello/1.0.0/1",
        "  phase: build",
        "  its step: Break",
        "  action: ExecuteBash",
        "  message: exit status 3",
        "    hello.yml broke",
        "        stderr: no such file",
    ]


def test_only_a_build_that_is_not_over_is_cancelled(folder):
    arn = begin()
    assert "plain/1.0.0/1 is being cancelled" in told("cancel", "plain")
    put(arn, "CANCELLED")
    with pytest.raises(GoldsmithError, match="There is no image of a build that runs plain here"):
        told("cancel", "plain")


def test_a_step_that_waits_is_answered(folder):
    arn = begin()
    with pytest.raises(GoldsmithError, match=r"plain/1.0.0/1 waits for nobody"):
        told("approve", "plain")
    document = {
        "stepExecutionId": STEP,
        "imageBuildVersionArn": arn,
        "workflowExecutionId": EXECUTION,
        "name": "Ask",
        "action": "WaitForAction",
        "status": "RUNNING",
    }
    add("workflow-step", STEP, EXECUTION, "RUNNING", {"waiting": True}, **document)
    assert told("approve", "plain", "--reason", "looks right") == "plain/1.0.0/1: Ask goes on.\n"
    with here() as home, home.cloud.catalog(ACCOUNT, "us-east-1", writes=False) as catalog:
        assert catalog.own("workflow-step", STEP).inner["answer"] == {"action": "RESUME", "reason": "looks right"}


@pytest.mark.sandbox
def test_a_pipeline_is_applied_run_broken_mended_and_run_again(goldsmith, root_tar, tmp_path):
    goldsmith.variables |= {
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
    }
    goldsmith("init")
    goldsmith.write("failing.yml", failing())
    goldsmith.write("plain.yml", pipeline("./failing.yml", parent=str(root_tar)))
    assert goldsmith("apply", "plain.yml", "--yes").returncode == 0
    done = goldsmith("pipeline", "run", "plain", "--tag", "team=web")
    assert done.returncode == 1
    for said in ("component: failing/1.0.0/1", "phase: build", "its step: Break", "action: ExecuteBash", "it broke"):
        assert said in done.stderr
    assert "plain/1.0.0/1 is FAILED" in goldsmith("pipeline", "logs", "-f", "plain").stderr
    goldsmith.write("failing.yml", failing("echo mended"))
    assert "new build" in goldsmith("pipeline", "apply", "plain.yml", "--yes").stdout
    done = goldsmith("pipeline", "run", "plain", "--json")
    assert done.returncode == 0, done.stderr
    assert "Started step" in done.stderr
    image = json.loads(done.stdout)
    assert (image["state"]["status"], image["arn"].partition("/")[2]) == ("AVAILABLE", "plain/1.0.0/2")
    ami = image["outputResources"]["amis"][0]["image"]
    assert ami in goldsmith("images", "--amis").stdout
    assert [line.split()[1] for line in goldsmith("pipeline", "images", "plain").stdout.splitlines()[1:]] == [
        "AVAILABLE",
        "FAILED",
    ]
