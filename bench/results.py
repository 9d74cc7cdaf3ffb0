"""The table of a run: every case, the ratios beside their goals, what each disk holds, and who did not take part."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench import by_hand
from bench import goldsmith_cases as goldsmith

if TYPE_CHECKING:
    from bench.arena import Arena
    from bench.measuring import Case, Measurements

RATIOS = (
    ("cold bake to the sealed qcow2", goldsmith.COLD, by_hand.COLD, 1.05),
    ("packages cached", goldsmith.CACHED, by_hand.CACHED, 1.0),
    ("boot to tests passed, against the bare boot", goldsmith.TESTED, goldsmith.BARE, 1.3),
    ("the same, where cloud-init runs in the bare boot too", goldsmith.TESTED, goldsmith.INSTANCE, 1.3),
)
"""What, ours, theirs, and the goal: the most that ours may be of theirs (strictly below 1.0 for the second)."""

LIMITS = (
    ("nothing changed", goldsmith.UNCHANGED, 0.5),
    ("last component changed, to a new sealed qcow2", goldsmith.CHANGED, 3.0),
)
"""What, the case, and the goal in seconds."""

BESIDE = ((", cold", goldsmith.CACHED), (", one file changed", goldsmith.CHANGED))
"""What a peer's case is held against: its cold build has the packages in the local cache, so ours has them too."""


def write(arena: Arena, rounds: int) -> str:
    """Return the table in Markdown."""
    measured = arena.measurements
    sections = [_head(measured, rounds), _cases(measured.cases), _goals(measured.cases), _beside(measured.cases)]
    sections += [_contents(arena), _absent(measured)]
    return "\n".join(line for section in sections if section for line in [*section, ""])


def _head(measured: Measurements, rounds: int) -> list[str]:
    facts = "".join(f" {name.capitalize()}: {value}." for name, value in measured.facts.items())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        "# Measured by `make bench`",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, one run, medians of {rounds}, cases interleaved.",
        f"The machine: {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}.{facts}",
        "Seconds are this machine's; the ratios are the point.",
        "What each case does, and what is fair about it, is in [docs/bench.md](../docs/bench.md).",
    ]


def _cases(cases: dict[str, Case]) -> list[str]:
    lines = ["| case | seconds, median | all rounds | peak memory, MiB | image, MiB |", "|---|---:|---|---:|---:|"]
    for name, case in cases.items():
        every = ", ".join(f"{each:.2f}" for each in case.seconds)
        memory = f"{max(case.memory) >> 20}" if case.memory else ""
        image = f"{case.image_bytes / 2**20:.0f}" if case.image_bytes else ""
        lines.append(f"| {name} | {case.median:.2f} | {every} | {memory} | {image} |")
    return lines


def _goals(cases: dict[str, Case]) -> list[str]:
    lines = []
    for what, ours, theirs, goal in RATIOS:
        if ours in cases and theirs in cases:
            ratio = cases[ours].median / cases[theirs].median
            met = ratio < goal if goal == 1.0 else ratio <= goal
            asked = "below 1.00" if goal == 1.0 else f"at most {goal:.2f}"
            lines.append(f"| {what} | {ratio:.2f} of {theirs} | {asked} | {_said(met=met)} |")
    for what, ours, goal in LIMITS:
        if ours in cases:
            seconds = cases[ours].median
            lines.append(f"| {what} | {seconds:.2f} s | under {goal} s | {_said(met=seconds < goal)} |")
    return ["| goal | measured | asked | |", "|---|---|---|---|", *lines] if lines else []


def _beside(cases: dict[str, Case]) -> list[str]:
    lines = []
    for name, case in cases.items():
        ours = next((ours for part, ours in BESIDE if part in name and not name.startswith("goldsmith")), "")
        ours = goldsmith.COLD if name == by_hand.COLD else ours
        if ours in cases:
            lines.append(f"| {name} | {ours} | {case.median / cases[ours].median:.2f} |")
    return ["| case | beside | times as long |", "|---|---|---:|", *lines] if lines else []


def _contents(arena: Arena) -> list[str]:
    ours = arena.contents.get("goldsmith") or next(iter(arena.contents.values()), None)
    if ours is None:
        return []
    lines = ["What the disks hold, read from them after the first round:", ""]
    return lines + [
        f"- {name}: {held.kernel}, nginx with the page; "
        + (f"{len(held.packages)} packages" if held is ours else held.compared_with(ours))
        for name, held in arena.contents.items()
    ]


def _absent(measured: Measurements) -> list[str]:
    return ["Not measured:", "", *(f"- {name}: {why}" for name, why in measured.absent.items())] * bool(measured.absent)


def _said(*, met: bool) -> str:
    return "met" if met else "**not met**"


def version(*argv: str) -> str:
    """Return the first line that a tool prints of its version."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0]
