from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from goldsmith.catalog.resources import Query, Resource
from goldsmith.pipelines.engine.states import in_state

from .lives import ACCOUNT, ARN, ENDED, REGION, House, life

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[3]
IMAGE = f"{ARN}/1"
LIVES = "tests.pipelines.engine.lives"
KILLED = -9

HEAD = "schemaVersion: 1.0\nsteps:\n"
LAUNCH = "  - {name: Launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n"
RUN = (
    "  - {name: NAME, action: RunCommand, retry: {maxAttempts: 2, backoffSeconds: 0}, "
    "inputs: {documentName: a, instanceId: $.stepOutputs.Launch.instanceId}}\n"
)
CREATE = "  - {name: Create, action: CreateImage, inputs: {instanceId: $.stepOutputs.Launch.instanceId}}\n"
GIVE = "outputs:\n  - {name: ImageId, value: $.stepOutputs.Create.imageId}\n"


def build(*runs: str) -> dict[str, Any]:
    """Return a build workflow that runs steps between launching and creating."""
    return planned("BUILD", HEAD + LAUNCH + "".join(RUN.replace("NAME", name) for name in runs) + CREATE + GIVE)


def checked(*steps: str, group: str = "") -> dict[str, Any]:
    """Return a test workflow of commands that are tried once."""
    run = RUN.replace("maxAttempts: 2", "maxAttempts: 1").replace("$.stepOutputs.Launch.instanceId", "i-1")
    text = HEAD + "".join(run.replace("NAME", name) for name in steps)
    return planned("TEST", text, group=group)


def planned(stage: str, text: str, *, group: str = "") -> dict[str, Any]:
    arn = f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:workflow/{stage.lower()}/mine/1.0.0/1"
    return {"arn": arn, "stage": stage, "text": text, "parameters": [], "group": group}


@dataclass
class Bench:
    """A home in which servers live and die, and what they have left there."""

    folder: Path
    server: subprocess.Popen[str]
    house: House = field(init=False)

    def __post_init__(self) -> None:
        self.house = House(self.folder)

    def begin(self, arn: str = IMAGE, *, state: str = "PENDING", **inner: Any) -> None:
        document = {"state": {"status": state}, "outputResources": {"amis": []}}
        image = Resource(
            arn, "image-build", ACCOUNT, REGION, "golden/1.0.0", state, time.time(), document, {"attempt": 1} | inner
        )
        with self.house.catalog(ACCOUNT, REGION) as catalog:
            catalog.add(image)

    def retry(self) -> None:
        """What RetryImage does."""
        image = self.image
        with self.house.catalog(ACCOUNT, REGION) as catalog:
            catalog.save(in_state(image, "PENDING").knowing(cancel=None, attempt=image.inner["attempt"] + 1))

    def live(self, plan: Sequence[dict[str, Any]], *lives: dict[str, Any], **asked: Any) -> list[int]:
        """Have a server live; return its exit codes, of which the last is 0 when all was over."""
        given = {"home": str(self.folder), "plan": list(plan), "lives": list(lives) or [life()], **asked}
        self.server.stdin.write(json.dumps(given) + "\n")
        self.server.stdin.flush()
        ends: list[int] = json.loads(self.server.stdout.readline())
        assert ends[-1] in {0, KILLED, ENDED}, "it hangs, or broke: see standard error"
        return ends

    @property
    def image(self) -> Resource:
        return self.house.image(IMAGE)

    @property
    def states(self) -> list[str]:
        """The states that were told of, in that order."""
        lines = [line for file in sorted(self.folder.glob("events/*.jsonl")) for line in file.read_text().splitlines()]
        return [json.loads(line)["detail"]["state"]["status"] for line in lines]

    @property
    def begun(self) -> list[str]:
        return self._lines("begun")

    @property
    def undone(self) -> list[str]:
        return self._lines("undone")

    @property
    def effects(self) -> list[str]:
        """What the steps' tokens have made, by the step's name."""
        return sorted(file.read_text().split()[0] for file in self.folder.glob("effects/*"))

    @property
    def steps(self) -> dict[str, str]:
        """The steps' statuses by their names."""
        with self.house.catalog(ACCOUNT, REGION, writes=False) as catalog:
            return {each.document["name"]: each.state for each in catalog.find(Query("workflow-step"))}

    @property
    def workflows(self) -> list[str]:
        with self.house.catalog(ACCOUNT, REGION, writes=False) as catalog:
            return [each.state for each in catalog.find(Query("workflow-execution"))]

    def _lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture(scope="session")
def server():
    """A process that has loaded all that servers need, and is forked for each of their lives."""
    command = [sys.executable, "-m", LIVES]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as started:
        yield started
        started.stdin.close()


@pytest.fixture
def bench(home, server):
    folder = Path(tempfile.mkdtemp(prefix="engine-", dir=home))
    folder.chmod(0o711)
    made = Bench(folder, server)
    yield made
    made.house.database.close()
