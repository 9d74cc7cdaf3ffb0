"""DBOS behind a port of our own: named work that goes on after its last finished step when a killed server restarts.

Only the library's open part is used: no Conductor, no automatic upgrades. The executor's id is the home's, as one
server at a time has a home: what it had begun is its own again when it starts.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dbos import DBOS, SetWorkflowID
from dbos import Serializer as DbosSerializer
from sqlalchemy import create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from sqlalchemy import Engine

    Standing = Literal["unknown", "going", "over", "older"]

VERSION = "2"
"""Raised when recorded steps of builds that run are no longer understood: such builds begin their stage again."""

QUEUE = "builds"
POLLING = 0.2
"""Seconds between two looks at the queue."""

PATIENCE = 30
"""Seconds that a writer waits for another."""

ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
FILE = "pipelines.sqlite"

_BROKEN = "goldsmith:broken"


class EngineError(GoldsmithError):
    """The engine's records cannot be used."""


class BrokenStepError(Exception):
    """A recorded step had broken; what was raised then is known by its words."""


class Ended(BaseException):
    """The engine ends: nothing more of this work is recorded, and the next process goes on with it."""


class Json(DbosSerializer):
    """What is recorded is JSON: nothing that is read back can run."""

    def serialize(self, data: Any) -> str:
        """Return a value's JSON; an error becomes its words."""
        return json.dumps({_BROKEN: repr(data)} if isinstance(data, BaseException) else data, default=repr)

    def deserialize(self, serialized_data: str) -> Any:
        """Return the value of a JSON text."""
        value = json.loads(serialized_data)
        return BrokenStepError(value[_BROKEN]) if isinstance(value, dict) and _BROKEN in value else value

    def name(self) -> str:
        """Return what DBOS records with each value."""
        return "goldsmith_json"


class Work(Protocol):
    """What is run under a name, in a thread; `once` within it records. It must not raise but `Ended`."""

    def __call__(self, name: str, part: str) -> Any:
        """Do the whole of ``name``, or one ``part`` of it."""


class Durable:
    """One process's engine; there may be one at a time. ``limit`` pieces of work run beside each other.

    Raises EngineError when what is recorded in ``folder``, or at ``url``, cannot be read and written.
    """

    def __init__(self, folder: Path, work: Work, *, url: str = "", limit: int = 2) -> None:
        logging.getLogger("dbos").setLevel(logging.ERROR)
        settings: dict[str, Any] = {
            "name": "goldsmith",
            "system_database_url": url or f"sqlite:///{folder / FILE}",
            "executor_id": "home",
            "application_version": VERSION,
            "serializer": Json(),
            "run_admin_server": False,
            "log_level": "ERROR",
            "enable_otlp": False,
        }
        if not url:
            _require_sound(folder / FILE)
            settings["system_database_engine"] = _sqlite(folder / FILE)
        else:
            settings["use_listen_notify"] = False
        _ENDING.clear()
        _WORKING.append(work)
        DBOS(config=settings)  # type: ignore[arg-type]
        self._limit = limit

    def launch(self) -> None:
        """Begin: what an earlier process left is taken up, then the queue is served. Raises EngineError."""
        try:
            DBOS.launch()
            DBOS.register_queue(QUEUE, worker_concurrency=self._limit, polling_interval_sec=POLLING)
        except SQLAlchemyError as refused:
            raise EngineError(
                f"The records of builds cannot be used: {refused}", mend="Look whether their database is there."
            ) from refused

    def submit(self, name: str) -> None:
        """Put work into the queue; a name that was there before is not run again."""
        with SetWorkflowID(name):
            DBOS.enqueue_workflow(QUEUE, _run, name, "")

    def standing(self, name: str) -> Standing:
        """Tell how work stands; "older" work is of another VERSION, which nobody takes up."""
        found = DBOS.get_workflow_status(name)
        if found is None:
            return "unknown"
        if found.status in ENDED:
            return "over"
        return "going" if found.app_version == VERSION else "older"

    def forget(self, names: Collection[str]) -> None:
        """Remove all that is recorded of works and their parts."""
        for name in names:
            DBOS.delete_workflow(name, delete_children=True)

    def recorded(self) -> dict[str, float]:
        """Return the names of all work that is not going on, and when it was last, in seconds since the epoch."""
        found = DBOS.list_workflows(has_parent=False, load_input=False, load_output=False)
        return {
            each.workflow_id: (each.updated_at or each.created_at or 0) / 1000
            for each in found
            if each.status in ENDED or each.app_version != VERSION
        }

    def end(self) -> None:
        """Record nothing more: work that runs leaves off at its next step, for the next process to go on there."""
        _ENDING.set()

    def close(self) -> None:
        """End; work that runs is not waited for."""
        self.end()
        DBOS.destroy(workflow_completion_timeout_sec=0)
        _WORKING.pop()


def once(key: str, work: Callable[[], Any]) -> Any:
    """Within work: do a step and record what it returns; after a restart the record is returned instead.

    Raises BrokenStepError where the record says that the step broke, and Ended.
    """

    def do() -> Any:
        leave_if_ended()
        try:
            return work()
        finally:
            leave_if_ended()

    return DBOS.run_step({"name": key}, do)


def leave_if_ended() -> None:
    """Leave work where it is. Raises Ended when the engine ends: then what failed may have failed for that."""
    if _ENDING.is_set():
        raise Ended


def fork(name: str, part: str) -> Callable[[], Any]:
    """Within work: begin a part that runs beside it and records for itself; call what is returned to wait for it."""
    with SetWorkflowID(f"{name} {part}"):
        handle = DBOS.start_workflow(_run, name, part)
    return handle.get_result


_WORKING: list[Work] = []
"""The work of the engine that is open, last: DBOS knows functions of modules only."""

_ENDING = threading.Event()


@DBOS.workflow(name="build")
def _run(name: str, part: str) -> Any:
    leave_if_ended()
    return _WORKING[-1](name, part)


def _require_sound(file: Path) -> None:
    """Raise EngineError when a file of records is damaged or cannot be written."""
    try:
        connection = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except sqlite3.Error as refused:
        found = str(refused)
    if found != "ok":
        raise EngineError(
            f"The records of builds, {file}, cannot be used: {found}.",
            mend="Look at the disk and the file's rights. If it is damaged, move it away, with the files of its name "
            "and -wal and -shm: images are not in it, and builds that ran begin their stage again.",
        )


def _sqlite(file: Path) -> Engine:
    """Open the records in the mode in which a step costs milliseconds; readers and a writer do not wait for others."""
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": PATIENCE, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
