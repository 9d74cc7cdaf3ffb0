"""A machine's own folder while it runs: locked while we live, swept when we did not clean up."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Run:
    """A folder of mode 0700 below ``runs``, with a lock beside it, for as long as the with block lasts.

    ``short`` is another name of the folder, short enough for any socket's path, good while this process lives.
    """

    def __init__(self, runs: Path) -> None:
        self.name = secrets.token_hex(6)
        self.path = runs / self.name
        self._lock_path = runs / f"{self.name}.lock"
        self._lock = -1
        self._folder = -1

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self._lock_path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path.mkdir(mode=0o700)
        self._folder = os.open(self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock_path.unlink(missing_ok=True)
        for descriptor in (self._folder, self._lock):
            if descriptor >= 0:
                os.close(descriptor)

    @property
    def short(self) -> Path:
        """The folder under a name of about 20 characters."""
        return Path(f"/proc/{os.getpid()}/fd/{self._folder}")


def sweep(runs: Path) -> list[Path]:
    """Remove the folders of runs whose process is gone; return what was removed."""
    removed = []
    for lock in sorted(runs.glob("*.lock")):
        with lock.open("rb") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            folder = lock.with_suffix("")
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)
            removed.append(folder)
    return removed
