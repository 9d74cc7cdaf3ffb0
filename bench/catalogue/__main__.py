"""`make bench`'s second half: the catalogue beside plain tools and moto's server; writes bench/catalogue.md."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.catalogue import capturing, describing, hashing, launching

RESULTS = Path(__file__).parents[1] / "catalogue.md"
CASES = {
    "hashing": hashing.measure,
    "launching": launching.measure,
    "capturing": capturing.measure,
    "describing": describing.measure,
}


@dataclass
class Row:
    """One thing measured beside its goal."""

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None


@dataclass
class Table:
    """The rows of a run, in order."""

    rows: list[Row] = field(default_factory=list)

    def add(self, what: str, measured: str, goal: str = "", *, met: bool | None = None) -> None:
        self.rows.append(Row(what, measured, goal, met))
        print(f"{what}: {measured}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.catalogue", description=__doc__)
    parser.add_argument(
        "--disk", type=Path, help="a bootable raw disk with cloud-init; by default the newest build here"
    )
    parser.add_argument("--only", default=",".join(CASES), help=", ".join(CASES))
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    table = Table()
    with tempfile.TemporaryDirectory(prefix="goldsmith-bench-", dir="/var/tmp") as name:
        disk = asked.disk or launching.newest_disk(Path(name))
        for case in asked.only.split(","):
            CASES[case](table, Path(name) / case, disk)
    asked.out.write_text(render(table))
    print(f"Written to {asked.out}")


def render(table: Table) -> str:
    """Return the table in Markdown."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    said = {True: "met", False: "**not met**", None: ""}
    machine = (
        f"{datetime.now(UTC):%Y-%m-%d}, one run. The machine: {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Linux {platform.release()}. Seconds are this machine's; the ratios are the point."
    )
    rows = [f"| {row.what} | {row.measured} | {row.goal} | {said[row.met]} |" for row in table.rows]
    return "\n".join(
        [
            "# The catalogue, measured by `make bench`",
            "",
            machine,
            "",
            "| what | measured | goal | |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    main()
