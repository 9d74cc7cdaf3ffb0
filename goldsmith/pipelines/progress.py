"""What a build says while it goes on: the words that the command line, and later the API, listen to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class StageStarted:
    """A stage begins."""

    stage: str


@dataclass(frozen=True)
class StageProgress:
    """``done`` of ``total`` of a stage, both in ``unit``."""

    stage: str
    done: int
    total: int
    unit: str = "bytes"


@dataclass(frozen=True)
class StageEnded:
    """A stage has ended after ``seconds``; ``note`` says in a few words what came of it."""

    stage: str
    seconds: float
    note: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Note:
    """A line that belongs to a stage: a step that runs, a cache miss's reason."""

    stage: str
    text: str


BuildEvent = StageStarted | StageProgress | StageEnded | Note
Listener = Callable[[BuildEvent], None]


@dataclass
class Stage:
    """A running stage; set ``note`` to what came of it."""

    name: str
    listener: Listener
    note: str = ""

    def say(self, text: str) -> None:
        """Tell a line."""
        self.listener(Note(self.name, text))

    def progress(self, done: int, total: int) -> None:
        """Tell how many bytes of how many are done."""
        self.listener(StageProgress(self.name, done, total))


@dataclass
class Stages:
    """The stages of one build and how long each took."""

    listener: Listener
    timings: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Run a stage: tell its start and its end, and remember its seconds."""
        stage = Stage(name, self.listener)
        self.listener(StageStarted(name))
        begun = time.monotonic()
        try:
            yield stage
        except BaseException:
            self.listener(StageEnded(name, time.monotonic() - begun, stage.note, failed=True))
            raise
        seconds = time.monotonic() - begun
        self.timings.append({"stage": name, "seconds": round(seconds, 3), "note": stage.note})
        self.listener(StageEnded(name, seconds, stage.note))
