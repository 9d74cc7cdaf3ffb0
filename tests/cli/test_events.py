from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from goldsmith.cli.event_commands import register
from goldsmith.pipelines.events.event import IMAGE_STATE_CHANGE, STEP_WAITING, state_change, step_waiting
from goldsmith.pipelines.events.events import Events
from goldsmith.pipelines.home import Home

if TYPE_CHECKING:
    from pathlib import Path

ARN = "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1"


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Events:
    monkeypatch.setenv("GOLDSMITH_HOME", str(tmp_path))
    return Events(Home(tmp_path), [], time.time)


def run(*arguments: str) -> str:
    app = typer.Typer()
    register(app)
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def tell(events: Events, kind: str, detail: dict[str, object], arn: str = ARN) -> None:
    events.emit(kind, [arn], detail, account="123456789012", region="us-east-1")


def test_a_line_tells_when_what_and_how(events: Events) -> None:
    tell(events, IMAGE_STATE_CHANGE, state_change("BUILDING", "TESTING"))
    tell(events, STEP_WAITING, step_waiting("wf-1", "step-1", "Approve\x1b[2J"))
    first, second = run().splitlines()
    assert first[10:].endswith("Z  image/web/1.0.0/1  BUILDING → TESTING")
    assert second.endswith("image/web/1.0.0/1  waits for an answer in the step Approve?[2J")


def test_the_last_ones_are_shown_and_only_what_is_wanted(events: Events) -> None:
    for number in range(30):
        tell(events, IMAGE_STATE_CHANGE, state_change("", f"S{number}"), arn=f"{ARN}{number % 2}")
    assert len(run().splitlines()) == 20
    assert [line.split()[-1] for line in run("-n", "2").splitlines()] == ["S28", "S29"]
    assert [line.split()[-1] for line in run("-n", "2", "--resource", f"{ARN}0").splitlines()] == ["S26", "S28"]
    assert run("--type", "*Waiting") == ""
    assert len(run("--since", "2020-01-01").splitlines()) == 30


def test_nothing_yet_is_nothing(events: Events) -> None:
    assert run() == ""


def test_a_follower_gets_what_comes_as_json(events: Events, tmp_path: Path) -> None:
    tell(events, IMAGE_STATE_CHANGE, state_change("BUILDING", "TESTING"))
    program = (
        "import typer; from goldsmith.cli.event_commands import register; app = typer.Typer(); register(app); app()"
    )
    following = subprocess.Popen([sys.executable, "-c", program, "-f", "--json"], stdout=subprocess.PIPE, text=True)
    try:
        assert following.stdout
        assert json.loads(following.stdout.readline())["detail"]["state"]["status"] == "TESTING"
        tell(events, IMAGE_STATE_CHANGE, state_change("TESTING", "AVAILABLE"))
        assert json.loads(following.stdout.readline())["detail"]["state"]["status"] == "AVAILABLE"
    finally:
        following.kill()
        following.wait()
