"""A server's lives: a real engine on a real catalogue in processes that are killed where a test says, until all is over.

Run as a program, it reads what is asked as a line of JSON, lives it in processes of its own, and writes how they ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbos import DBOS

from goldsmith.catalog.accounts import create_account, find_account
from goldsmith.catalog.catalog import Catalog
from goldsmith.catalog.database import Database
from goldsmith.catalog.resources import Resource, every
from goldsmith.pipelines.engine import durable, ledger
from goldsmith.pipelines.engine.engine import Engine
from goldsmith.pipelines.engine.planned import PlannedWorkflow
from goldsmith.pipelines.engine.states import FINAL
from goldsmith.pipelines.events.events import Events
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.image_run import ImageRun, PinnedParent
from goldsmith.pipelines.workflows.action import ActionFailedError
from tests.pipelines.workflows.running import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldsmith.pipelines.workflows.action import StepRun

ARN = f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/golden/1.0.0"
PATIENCE = 60.0
ENDED = 3
HANGS = 9


@dataclass(frozen=True)
class Life:
    """One life of the server, and its end.

    It is killed at its ``record``-th new record, just before it is written (``lost``) or just after, or before its
    ``event``-th event is told. At the record ``cancel_at`` the build is cancelled. It is told to end, as by Ctrl-C,
    when the step ``end_in`` has begun. ``version`` is the engine's.
    """

    record: int = 0
    lost: bool = False
    event: int = 0
    cancel_at: int = 0
    end_in: str = ""
    version: str = durable.VERSION


class House:
    """A home with a catalogue, of which each life opens its own."""

    regions = (REGION,)
    ahead = 0.0

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.database = Database.in_folder(folder)
        self.database.prepare()
        with self.database.writing() as connection:
            if find_account(connection, ACCOUNT) is None:
                create_account(connection, "acme", number=ACCOUNT)

    def clock(self) -> float:
        return time.time() + self.ahead

    @contextmanager
    def catalog(self, account: str, region: str, *, writes: bool = True):
        with self.database.writing() if writes else self.database.reading() as connection:
            yield Catalog(connection, find_account(connection, account), region)

    def every(self, kind: str, states: Any = ()) -> list[Resource]:
        with self.database.reading() as connection:
            return list(every(connection, kind, states=states))

    def image(self, arn: str) -> Resource:
        with self.catalog(ACCOUNT, REGION, writes=False) as catalog:
            return catalog.own("image-build", arn)


@dataclass
class Actions:
    """Actions that leave a file under their token, a line for each beginning, and wait or fail as their step is named."""

    folder: Path

    def find(self, action: str) -> Any:
        return _Action(self, action)


@dataclass(frozen=True)
class _Action:
    actions: Actions
    action: str

    def run(self, step: StepRun) -> dict[str, Any]:
        _write_line(self.actions.folder / "begun", f"{step.name}#{step.attempt}")
        _write_line(self.actions.folder / "effects" / f"{self.action}.{step.id}", step.name)
        if step.name.startswith("Slow"):
            while not (self.actions.folder / "go").exists():
                step.stop.wait(0.02)
        if step.name.startswith("Flaky") and step.attempt == 1:
            raise ActionFailedError("The first attempt failed.")
        if step.name.startswith("Fails") and not (self.actions.folder / "mended").exists():
            raise ActionFailedError("It is broken.")
        if step.name.startswith("Breaks"):
            raise KeyError("a bug")
        number = step.id[-12:]
        return {"instanceId": f"i-{number}", "imageId": f"ami-{number}", "runCommandId": "c", "status": "Success"}

    def roll_back(self, step: StepRun, outputs: Mapping[str, Any]) -> bool:
        _write_line(self.actions.folder / "undone", step.name)
        if self.action == "CreateImage":
            return False
        (self.actions.folder / "effects" / f"{self.action}.{step.id}").unlink(missing_ok=True)
        return True


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _write_line(file: Path, line: str) -> None:
    file.parent.mkdir(exist_ok=True)
    with file.open("a") as out:
        out.write(f"{line}\n")


@dataclass
class Server:
    """The engine of one life, with the places where it ends."""

    home: Path
    plan: list[dict[str, Any]]
    life: Life
    limit: int = 2
    records: int = 0
    events: int = 0
    turn: Any = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.house = House(self.home)
        self.log = Events(self.house.home, (), time.time)
        self.engine: Engine | None = None

    def open(self) -> Engine:
        durable.VERSION = self.life.version
        real = durable.once

        def once(key: str, work: Callable[[], Any]) -> Any:
            fresh = False

            def counted() -> Any:
                nonlocal fresh
                result = work()
                fresh = True
                if self.life.lost:
                    self._count_record()
                return result

            result = real(key, counted)
            if fresh and not self.life.lost:
                self._count_record()
            return result

        ledger.once = once
        self.engine = Engine(
            self.house,
            pin=self._pin,
            plan=lambda _: [PlannedWorkflow.from_json(each) for each in self.plan],
            emit=self._emit,
            ended=lambda image: _write_line(self.home / "ended", f"{image.id} {image.state}"),
            find=Actions(self.home).find,
            limit=self.limit,
        )
        return self.engine

    def serve(self) -> None:
        """Build until every image is over."""
        engine = self.open()
        engine.start()
        deadline = time.monotonic() + PATIENCE
        looks = 0
        while self._going():
            if time.monotonic() > deadline:
                os._exit(HANGS)
            time.sleep(0.02)
            if self.life.end_in and f"{self.life.end_in}#1" in _lines(self.home / "begun"):
                self._end()
            looks += 1
            if looks % 10 == 0:
                engine.submit_pending()
        os._exit(0)

    def _going(self) -> bool:
        images = self.house.every("image-build")
        works = DBOS.list_workflows(status=["ENQUEUED", "PENDING"], app_version=self.life.version)
        return bool(works) or any(image.state not in FINAL for image in images)

    def _pin(self, image: Resource) -> ImageRun:
        return ImageRun(
            arn=image.id,
            account=ACCOUNT,
            region=REGION,
            name="golden",
            slug="golden",
            version="1.0.0",
            build=int(image.id.rpartition("/")[2]),
            date_time="2026-11-23T20:00:00.000Z",
            kind="AMI",
            platform="Linux",
            recipe={"name": "golden"},
            infrastructure={},
            parent=PinnedParent("bootstrap", "debian/12", "debian/12"),
            components=(),
        )

    def _emit(self, *told: Any, **where: Any) -> None:
        with self.turn:
            self.events += 1
            if self.events == self.life.event:
                _die()
        self.log.emit(*told, **where)

    def _count_record(self) -> None:
        with self.turn:
            self.records += 1
            if self.records == self.life.record:
                _die()
            cancels = self.records == self.life.cancel_at
        if cancels:
            for image in self.house.every("image-build"):
                with self.house.catalog(ACCOUNT, REGION) as catalog:
                    catalog.save(image.knowing(cancel=True))
                self.engine.cancel(image.id)

    def _end(self) -> None:
        """End as the service does, with all that it had open, while builds still run."""
        self.engine.end()
        (self.home / "go").touch()
        deadline = time.monotonic() + 10
        while self.engine.running and time.monotonic() < deadline:
            time.sleep(0.02)
        self.engine.close()
        self.house.database.close()
        os._exit(ENDED)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def main() -> None:
    """Live what is asked for, line after line."""
    for line in sys.stdin:
        asked = json.loads(line)
        ends = live(Path(asked.pop("home")), **asked)
        sys.stdout.write(json.dumps(ends) + "\n")
        sys.stdout.flush()


def live(home: Path, plan: list[Any], lives: list[dict[str, Any]], *, most: int = 200, limit: int = 2) -> list[int]:
    """Live one life after the other, each in a process of its own; the last life is repeated until all is over.

    Returns how the processes ended.
    """
    ends: list[int] = []
    for number in range(most):
        child = os.fork()
        if not child:
            try:
                Server(home, plan, Life(**lives[min(number, len(lives) - 1)]), limit).serve()
            except BaseException:  # noqa: BLE001 - the process ends here, and tells why
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(1)
        _, status = os.waitpid(child, 0)
        ends.append(os.waitstatus_to_exitcode(status))
        if ends[-1] not in {-signal.SIGKILL, ENDED}:
            break
    return ends


def life(**members: Any) -> dict[str, Any]:
    """Return a life as JSON."""
    return asdict(Life(**members))


if __name__ == "__main__":
    main()
