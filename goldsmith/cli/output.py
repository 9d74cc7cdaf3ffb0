"""Tables and JSON: what the listing commands print."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
STEP = 1024


class UsageError(GoldsmithError):
    """The command was given what it cannot take."""

    exit_code = 2


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print(json.dumps(value, indent=2, default=str))


def print_json_line(value: Any) -> None:
    """Print a value as one line of JSON, at once and in one write: stages in several threads tell of themselves."""
    print(f"{json.dumps(value, default=str)}\n", end="", flush=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table with colours on a terminal, and columns parted by two spaces off it."""
    rows = [tuple(row) for row in rows]
    if sys.stdout.isatty():
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*headings, box=box.SIMPLE, header_style="bold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)
        return
    widths = [max(len(row[column]) for row in [tuple(headings), *rows]) for column in range(len(headings))]
    for row in [tuple(headings), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def bytes_for_people(size: float) -> str:
    """Return a size in bytes with a binary unit, as in "312.4 MiB"."""
    unit = 0
    while size >= STEP and unit < len(UNITS) - 1:
        size, unit = size / STEP, unit + 1
    return f"{size:.0f} B" if unit == 0 else f"{size:.1f} {UNITS[unit]}"
