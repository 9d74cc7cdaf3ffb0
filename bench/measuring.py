"""Seconds and memory of cases that run in turn."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PERIOD_SECONDS = 0.05
"""How often memory is looked at."""

LAST_WORDS = 3000


class CaseFailedError(Exception):
    """A case did not end well; its last words are the message."""


class MemoryPeak:
    """The most memory that programs and in-memory files took on this host above what they had at the start.

    That is AnonPages and Shmem of /proc/meminfo together: programs' own pages, tmpfs, memfd and the memory of machines.
    The page cache of files on disk is not in it, and shared pages count once. On a host that does other things
    meanwhile it measures those too.
    """

    def __enter__(self) -> Self:
        self.start = self.most = _taken()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def bytes(self) -> int:
        return self.most - self.start

    def _watch(self) -> None:
        while not self._over.wait(PERIOD_SECONDS):
            self.most = max(self.most, _taken())


def _taken() -> int:
    text = Path("/proc/meminfo").read_text()
    return sum(int(size) * 1024 for size in re.findall(r"^(?:AnonPages|Shmem):\s+(\d+) kB", text, re.MULTILINE))


@dataclass
class Case:
    """What was measured of one case, a value for each round."""

    seconds: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    image_bytes: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass
class Measurements:
    """The cases by name in the order of their first run, facts beside them, and who did not take part and why."""

    cases: dict[str, Case] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[Case]:
        """Measure what the block does as one round of a case; nothing is recorded when it fails."""
        case = self.cases.get(name, Case())
        begun = time.monotonic()
        with MemoryPeak() as peak:
            yield case
        self.cases[name] = case
        case.seconds.append(time.monotonic() - begun)
        case.memory.append(peak.bytes)
        print(f"{name}: {case.seconds[-1]:.2f} s, {peak.bytes >> 20} MiB", flush=True)

    def record(self, name: str, seconds: float) -> None:
        """Record a time that was measured elsewhere."""
        self.cases.setdefault(name, Case()).seconds.append(seconds)
        print(f"{name}: {seconds:.2f} s", flush=True)

    def run(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str] | None = None, image: Path | None = None
    ) -> str:
        """Run a command as one round of a case; return what it printed."""
        with self.timed(name) as case:
            said = run(name, argv, env=env)
        if image:
            case.image_bytes = image.stat().st_size
        return said


def run(name: str, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> str:
    """Run a command that must end well; return its standard output."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        words = f"{done.stdout}\n{done.stderr}".strip()[-LAST_WORDS:]
        print(f"{name} failed:\n{words}", file=sys.stderr, flush=True)
        raise CaseFailedError(f"exit code {done.returncode}: {words.splitlines()[-1] if words else 'no words'}")
    return done.stdout
