"""Small real actions that leave files, a ledger in memory that can be cut, and a world with a catalogue."""

from __future__ import annotations

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goldsmith.catalog.accounts import create_account, find_account
from goldsmith.catalog.catalog import Catalog
from goldsmith.catalog.database import Database
from goldsmith.documents.workflows.parameters import bind_parameters
from goldsmith.documents.workflows.parser import parse_workflow
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.image_run import ImageRun, PinnedParent
from goldsmith.pipelines.stop import Stop
from goldsmith.pipelines.workflows.action import ActionFailedError, ComponentFailure, NothingToDoError
from goldsmith.pipelines.workflows.catalogued import Executions
from goldsmith.pipelines.workflows.identity import workflow_execution_id
from goldsmith.pipelines.workflows.variables import variables_of
from goldsmith.pipelines.workflows.workflow_run import WorkflowRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from goldsmith.pipelines.workflows.action import StepRun

ACCOUNT = "100000000001"
REGION = "eu-central-1"
IMAGE = f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/golden/1.0.0/1"


class KilledError(BaseException):
    """The server was killed."""


class SmallWorld:
    """A home and, when it is asked for, a catalogue; a second goes by with each look at the clock."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.regions = (REGION,)
        self._seconds = itertools.count(1_790_000_000)
        self._database: Database | None = None

    def clock(self) -> float:
        return float(next(self._seconds))

    @contextmanager
    def catalog(self, account: str, region: str, *, writes: bool = True):
        if self._database is None:
            self._database = Database.in_folder(self.home.path)
            self._database.prepare()
            with self._database.writing() as connection:
                create_account(connection, "acme", number=ACCOUNT)
        with self._database.writing() if writes else self._database.reading() as connection:
            yield Catalog(connection, find_account(connection, account), region)

    def close(self) -> None:
        if self._database:
            self._database.close()


class Records:
    """Executions by their ids, with every status that each has had."""

    def __init__(self) -> None:
        self.workflows: dict[str, dict[str, Any]] = {}
        self.steps: dict[str, dict[str, Any]] = {}
        self.statuses: dict[str, list[str]] = {}

    def record_workflow(self, execution: str, facts: Mapping[str, Any]) -> None:
        self._record(self.workflows, execution, facts)

    def record_step(self, step: str, facts: Mapping[str, Any]) -> None:
        self._record(self.steps, step, facts)

    def _record(self, table: dict[str, dict[str, Any]], key: str, facts: Mapping[str, Any]) -> None:
        json.dumps(facts)
        table.setdefault(key, {}).update(facts)
        seen = self.statuses.setdefault(key, [])
        for status in (facts.get("status"), facts.get("rollbackStatus")):
            if status and seen[-1:] != [status]:
                seen.append(status)

    def step(self, name: str, attempt: int = 1) -> dict[str, Any]:
        (found,) = [each for each in self.steps.values() if (each["name"], each["attemptNumber"]) == (name, attempt)]
        return found

    @property
    def workflow(self) -> dict[str, Any]:
        (found,) = self.workflows.values()
        return found


@dataclass
class MemoryLedger:
    """Keeps what was recorded while the ledgers of one life come and go.

    ``cut`` counts the records until the server is killed, just before one is written (``lost``) or just after.
    ``cancel_at`` counts the records after which the build is cancelled.
    """

    records: Any = field(default_factory=Records)
    done: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    cut: int = 0
    lost: bool = False
    cancel_at: int = 0
    stop: Stop = field(default_factory=Stop)
    used: set[str] = field(default_factory=set)
    made: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def once(self, key: str, work: Callable[[], Any]) -> Any:
        with self.lock:
            assert key not in self.used, f"{key} is used twice"
            if self.used >= set(self.done):
                assert key not in self.done
            self.used.add(key)
        if key in self.done:
            return json.loads(json.dumps(self.done[key]))
        result = json.loads(json.dumps(work()))
        with self.lock:
            self.made += 1
            kill = self.made == self.cut
            if kill and self.lost:
                raise KilledError
            self.done[key] = result
            if kill:
                raise KilledError
            if self.made == self.cancel_at:
                self.stop.ask()
        return result

    def beside(self, works: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
        with ThreadPoolExecutor(len(works)) as pool:
            running = {name: pool.submit(work, self) for name, work in works.items()}
        return {name: each.result() for name, each in running.items()}

    def idle(self) -> AbstractContextManager[object]:
        return nullcontext()

    def record_workflow(self, execution: str, facts: Mapping[str, Any]) -> None:
        self.records.record_workflow(execution, facts)

    def record_step(self, step: str, facts: Mapping[str, Any]) -> None:
        self.records.record_step(step, facts)

    def say(self, line: str) -> None:
        self.lines.append(line)

    def again(self, **changes: Any) -> MemoryLedger:
        """Return the ledger of the server's next life."""
        return MemoryLedger(self.records, self.done, self.lines, **changes)


class Effects:
    """Actions that make and remove files of a folder under their tokens; each beginning is counted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.begun: list[str] = []
        self.undone: list[str] = []
        self.inputs: dict[str, Mapping[str, Any]] = {}

    def find(self, action: str) -> Any:
        return _Small(self, action)

    @property
    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@dataclass(frozen=True)
class _Small:
    effects: Effects
    action: str

    def run(self, step: StepRun) -> dict[str, Any]:
        self.effects.begun.append(step.name)
        self.effects.inputs[step.name] = step.inputs
        return getattr(self, f"_{self.action}")(step)

    def roll_back(self, step: StepRun, outputs: Mapping[str, Any]) -> bool:
        self.effects.undone.append(step.name)
        if step.name.startswith("Stuck"):
            raise ActionFailedError("It does not go away.")
        file = self._file(step)
        there = file.exists()
        file.unlink(missing_ok=True)
        return there

    def _file(self, step: StepRun) -> Path:
        return self.effects.folder / f"{self.action}.{step.id}"

    def _LaunchInstance(self, step: StepRun) -> dict[str, Any]:  # noqa: N802
        self._file(step).touch()
        return {"instanceId": f"i-{step.id[-12:]}"}

    def _TerminateInstance(self, step: StepRun) -> dict[str, Any]:  # noqa: N802
        for file in self.effects.folder.glob(f"LaunchInstance.*{step.inputs['instanceId'][2:]}"):
            file.unlink()
        return {}

    def _CreateImage(self, step: StepRun) -> dict[str, Any]:  # noqa: N802
        self._file(step).touch()
        return {"imageId": f"ami-{step.id[-12:]}"}

    def _ExecuteComponents(self, step: StepRun) -> dict[str, Any]:  # noqa: N802
        raise NothingToDoError("No component has anything to do.")

    def _CollectImageMetadata(self, step: StepRun) -> dict[str, Any]:  # noqa: N802
        step.stop.wait(3600)
        raise AssertionError

    def _SanitizeInstance(self, step: StepRun) -> dict[str, Any]:  # noqa: N802
        failure = ComponentFailure("arn:component", "build", "Install", "ExecuteBash", "exit status 1", "no such file")
        raise ActionFailedError("Document arn:component failed!", component=failure, outputs={"runCommandId": "c-1"})

    def _RunCommand(self, step: StepRun) -> dict[str, Any]:  # noqa: N802
        self._file(step).touch()
        name = step.inputs["documentName"]
        if name == "broken" or (name == "flaky" and step.attempt < 3):
            raise ActionFailedError(f"Attempt {step.attempt} failed.")
        if name == "bug":
            raise KeyError(name)
        return {"runCommandId": "c-1", "status": "Success", "output": ["one", "two"]}


@dataclass(frozen=True)
class Bench:
    """What a test runs workflows on."""

    world: SmallWorld
    effects: Effects

    def image(self, **changes: Any) -> ImageRun:
        known = {
            "arn": IMAGE,
            "account": ACCOUNT,
            "region": REGION,
            "name": "golden",
            "slug": "golden",
            "version": "1.0.0",
            "build": 1,
            "date_time": "2026-11-23T20:00:00.000Z",
            "kind": "AMI",
            "platform": "Linux",
            "recipe": {"name": "golden"},
            "infrastructure": {},
            "parent": PinnedParent("bootstrap", "debian/12", "debian/12"),
            "components": (),
        }
        return ImageRun(**{**known, **changes})

    def run(self, text: str, stage: str = "TEST", given: Any = (), place: str = "0", **changes: Any) -> WorkflowRun:
        document = parse_workflow(text, "workflow.yml", stage)
        image = self.image()
        known = {
            "world": self.world,
            "image": image,
            "document": document,
            "arn": f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:workflow/{stage.lower()}/mine/1.0.0/1",
            "execution": workflow_execution_id(IMAGE, place),
            "parameters": bind_parameters(document, given),
            "variables": variables_of(image, stage),
            "find": self.effects.find,
        }
        return WorkflowRun(**{**known, **changes})

    def catalogued(self) -> MemoryLedger:
        return MemoryLedger(Executions(self.world, self.image()))


def run_to_the_end(work: Callable[[MemoryLedger], Any], ledger: MemoryLedger, cuts: list[tuple[int, bool]]) -> Any:
    """Run work over lives of a server that is killed after so many records, written or lost, and then no more."""
    for cut, lost in cuts:
        ledger = ledger.again(cut=cut, lost=lost)
        try:
            return work(ledger)
        except KilledError:
            continue
    return work(ledger.again())
