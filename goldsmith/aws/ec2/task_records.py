"""Tasks of imports and exports: how they stand, where they work, how they end."""

from __future__ import annotations

import logging
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.resources import Resource

ACTIVE = "active"
COMPLETED = "completed"
DELETING = "deleting"
DELETED = "deleted"

IMPORT_IMAGE = "import-image-task"
IMPORT_SNAPSHOT = "import-snapshot-task"
EXPORT_IMAGE = "export-image-task"
STORE_IMAGE = "store-image-task"
KINDS = (IMPORT_IMAGE, IMPORT_SNAPSHOT, EXPORT_IMAGE, STORE_IMAGE)

CANCELLED = "The task was cancelled."

log = logging.getLogger(__name__)


class TaskCancelledError(GoldsmithError):
    """Somebody cancelled the task, or it is gone."""


def noted(task: Resource, *, state: str | None = None, **members: Any) -> Resource:
    """Return a task with members of its answer replaced; those of a snapshot's import are one level down."""
    if task.kind == IMPORT_SNAPSHOT:
        detail = {**task.document["SnapshotTaskDetail"], **members}
        members = {"SnapshotTaskDetail": {key: value for key, value in detail.items() if value is not None}}
    return task.having(state=state, **members)


def report(cloud: Cloud, task: Resource, percent: int, message: str, **members: Any) -> None:
    """Show how far a task is. Raises TaskCancelledError when it is not wanted any more."""
    with cloud.catalog(task.account, task.region) as catalog:
        there = catalog.own(task.kind, task.id)
        if there is None or there.state != ACTIVE:
            raise TaskCancelledError(CANCELLED)
        catalog.save(noted(there, Progress=str(percent), StatusMessage=message, **members))


@contextmanager
def working(cloud: Cloud, task: Resource) -> Iterator[Path]:
    """Give a task a folder of its own; whatever goes wrong is told in its record, which is deleted then, as on AWS."""
    folder = scratch(cloud, task)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700, parents=True)
        yield folder
    except TaskCancelledError:
        _end(cloud, task, CANCELLED)
    except (GoldsmithError, OSError) as failure:
        log.warning("%s failed: %s", task.id, failure)
        message = failure.message if isinstance(failure, GoldsmithError) else str(failure)
        _end(cloud, task, f"ClientError: {message}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def scratch(cloud: Cloud, task: Resource) -> Path:
    """Return the folder in which a task works."""
    return cloud.home.path / "tasks" / task.id


def _end(cloud: Cloud, task: Resource, message: str) -> None:
    with cloud.catalog(task.account, task.region) as catalog:
        there = catalog.own(task.kind, task.id)
        if there is not None and there.state in {ACTIVE, DELETING}:
            catalog.save(noted(there, state=DELETED, Progress=None, StatusMessage=message))
