"""Who publishes to a place now: one process, and the others are told which."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from goldsmith.publish.aws.clients import AwsPublishError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOCK, _HOLDER = ".lock", ".holder"


@contextmanager
def held(folder: Path, image: str) -> Iterator[None]:
    """Hold a place for this process, which publishes ``image``. Raises AwsPublishError that names who has it."""
    with (folder / _LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise AwsPublishError(
                f"{_holder(folder)} publishes to this place now.", mend="Wait until it has ended, then run it again."
            ) from busy
        said = folder / _HOLDER
        arriving = said.with_suffix(".new")
        arriving.write_text(
            json.dumps({"image": image, "process": os.getpid(), "since": datetime.now(UTC).isoformat()})
        )
        arriving.replace(said)
        try:
            yield
        finally:
            said.unlink(missing_ok=True)


def _holder(folder: Path) -> str:
    try:
        said = json.loads((folder / _HOLDER).read_text())
        since = datetime.fromisoformat(said["since"])
        return f"Another goldsmith (process {said['process']}, with {said['image']} since {since:%H:%M} UTC)"
    except (OSError, KeyError, TypeError, ValueError):
        return "Another goldsmith"
