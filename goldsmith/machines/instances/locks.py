"""Locks on files: who holds one lives, however it may be asked."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAUSE = 0.005
"""Seconds between two tries for a lock that somebody has for a moment."""

LONG_PAUSE = 0.05
"""Seconds between two looks at a lock that somebody holds for as long as an instance runs."""


def take(path: Path, *, patience: float) -> int | None:
    """Return a descriptor that holds the lock until it and all its copies are closed, or None after ``patience`` s.

    A process that inherits the descriptor holds the lock, too.
    """
    deadline = time.monotonic() + patience
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return None
            time.sleep(PAUSE)
        else:
            return descriptor


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock now; looking takes it for a moment in a way that lets others look as well."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def await_free(path: Path, *, patience: float) -> bool:
    """Wait until nobody holds the lock; whether that came within ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while is_held(path):
        if time.monotonic() >= deadline:
            return False
        time.sleep(LONG_PAUSE)
    return True


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock for a few moments' work, after whoever has it now."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
