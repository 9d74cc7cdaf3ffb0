"""DBOS behind a port of our own: named work that goes on after its last finished step when a killed server restarts.

Only the library's open part is used: no Conductor, no automatic upgrades. The executor's id is the home's, as one
server at a time has a home: what it had begun is its own again when it starts.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Protocol

from dbos import DBOS, SetWorkflowID
from dbos import Serializer as DbosSerializer
from sqlalchemy import create_engine, event

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

VERSION = "1"
"""Raised when recorded steps of builds that run are no longer understood."""

QUEUE = "builds"
POLLING = 0.2
"""Seconds between two looks at the queue."""

PATIENCE = 30
"""Seconds that a writer waits for another."""

ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
FILE = "pipelines.sqlite"


class Json(DbosSerializer):
    """What is recorded is JSON: nothing that is read back can run."""

    def serialize(self, data: Any) -> str:
        """Return a value's JSON; an error becomes its words."""
        return json.dumps(data, default=repr)

    def deserialize(self, serialized_data: str) -> Any:
        """Return the value of a JSON text."""
        return json.loads(serialized_data)

    def name(self) -> str:
        """Return what DBOS records with each value."""
        return "goldsmith_json"


class Work(Protocol):
    """What is run under a name, in a thread; `once` within it records. It must not raise."""

    def __call__(self, name: str, part: str) -> Any:
        """Do the whole of ``name``, or one ``part`` of it."""


class Durable:
    """One process's engine; there may be one at a time. ``limit`` pieces of work run beside each other."""

    def __init__(self, folder: Path, work: Work, *, url: str = "", limit: int = 2) -> None:
        _WORKING.append(work)
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
            settings["system_database_engine"] = _sqlite(folder / FILE)
        else:
            settings["use_listen_notify"] = False
        DBOS(config=settings)  # type: ignore[arg-type]
        self._limit = limit

    def launch(self) -> None:
        """Begin: what an earlier process left is taken up, then the queue is served."""
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=self._limit, polling_interval_sec=POLLING)

    def submit(self, name: str) -> None:
        """Put work into the queue; a name that was there before is not run again."""
        with SetWorkflowID(name):
            DBOS.enqueue_workflow(QUEUE, _run, name, "")

    def is_over(self, name: str) -> bool:
        """Tell whether work has ended or never was."""
        found = DBOS.get_workflow_status(name)
        return found is None or found.status in ENDED

    def close(self) -> None:
        """End; work that runs is not waited for and is taken up by the next process."""
        DBOS.destroy(workflow_completion_timeout_sec=0)
        _WORKING.pop()


def once(key: str, work: Callable[[], Any]) -> Any:
    """Within work: do a step and record what it returns; after a restart the record is returned instead."""
    return DBOS.run_step({"name": key}, work)


def fork(name: str, part: str) -> Callable[[], Any]:
    """Within work: begin a part that runs beside it and records for itself; call what is returned to wait for it."""
    with SetWorkflowID(f"{name} {part}"):
        handle = DBOS.start_workflow(_run, name, part)
    return handle.get_result


_WORKING: list[Work] = []
"""The work of the engine that is open, last: DBOS knows functions of modules only."""


@DBOS.workflow(name="build")
def _run(name: str, part: str) -> Any:
    return _WORKING[-1](name, part)


def _sqlite(file: Path) -> Engine:
    """Open the records in the mode in which a step costs milliseconds; readers and a writer do not wait for others."""
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": PATIENCE, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
