"""docs/reliability.md: how often the server was killed in what, and what held."""

from __future__ import annotations

import os
import platform
import statistics
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from goldsmith.pipelines.engine.states import ACTIVE

if TYPE_CHECKING:
    from bench.reliability.checks import Findings
    from bench.reliability.killing import Kill


@dataclass(frozen=True)
class Run:
    """What a run has shown."""

    seed: int
    seconds: float
    kills: list[Kill]
    ended: Counter[str]
    reasons: list[str]
    found: Findings
    booted: str


HEAD = """# Reliability

A build is a durable workflow: what a step did is recorded when it is done, and a server that is killed goes on after
the last step that was recorded when it starts again. A step that was cut short runs again, and what it makes outside is
made under its own token, so that twice begun is once done. How a build ends is told once.

`make reliability` (`python -m bench.reliability --kills {kills}`) writes this page: a real `goldsmith serve` builds
real Debian images for two accounts, three at a time, with components that are different in each build, a workflow with
commands, boot tests in virtual machines, and copies to second regions. The server gets `kill -9` at random moments,
most of them in the middle of a step, and starts again; in the end everything is looked at.
"""

COUNTED = """A kill hits all that goes on: two builds that work, and those that wait for their turn. Each row counts
the kills in which a build was in that state, or a step with that action ran."""


def render(run: Run) -> str:
    """Return the page."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    ends = ", ".join(f"{count} {state}" for state, count in sorted(run.ended.items()))
    answered = [kill.answered for kill in run.kills]
    resumed = [kill.resumed for kill in run.kills if kill.resumed is not None]
    machine = (
        f"{datetime.now(UTC):%Y-%m-%d}, seed {run.seed}, {run.seconds / 60:.0f} minutes. The machine: {os.cpu_count()} "
        f"cores, {memory:.0f} GiB, Linux {platform.release()}; processes that wanted them at the end: "
        f"{os.getloadavg()[2]:.0f} (load average of 15 minutes)."
    )
    lines = [
        HEAD.format(kills=len(run.kills)),
        machine,
        "",
        f"**{len(run.kills)} kills, {sum(run.ended.values())} builds: {ends}.**",
        *(["", "Why builds failed:", "", *(f"- {reason}" for reason in run.reasons)] if run.reasons else []),
        "",
        "| seconds | median | longest |",
        "|---|---|---|",
        _times("from the server's start to its first answer", answered),
        _times("from then until a build had gone on", resumed),
        "",
        "## What was killed",
        "",
        COUNTED,
        "",
        "| a build was | kills |",
        "|---|---|",
        *_counted([set(kill.states) for kill in run.kills], list(ACTIVE)),
        "",
        "| a step ran | kills |",
        "|---|---|",
        *_counted([set(kill.steps) or {"(between two steps)"} for kill in run.kills], []),
        "",
        "## What was left, or wrong",
        "",
        "| looked for | found |",
        "|---|---|",
        *(f"| {what} | {left} |" for what, left in run.found.checked),
        "",
        run.booted,
        "",
        *(["What was wrong:", "", *(f"- {each}" for each in run.found.wrong), ""] if run.found.wrong else []),
    ]
    return "\n".join(lines)


def _times(what: str, seconds: list[float]) -> str:
    return f"| {what} | {statistics.median(seconds):.1f} | {max(seconds):.1f} |"


def _counted(kills: list[set[str]], order: list[str]) -> list[str]:
    counts = Counter(each for kill in kills for each in kill)
    names = order or [name for name, _ in counts.most_common()]
    return [f"| {name} | {counts[name]} |" for name in names]
