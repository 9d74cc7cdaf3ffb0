"""A build as people and machines see it: a live view on a terminal, plain lines off it, JSON lines on demand."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Protocol

from goldsmith.cli.output import print_json_line
from goldsmith.pipelines.progress import Note, StageEnded, StageProgress, StageStarted

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from goldsmith.pipelines.progress import BuildEvent


class View(Protocol):
    """Shows a build's events until it is closed."""

    def __call__(self, event: BuildEvent) -> None:
        """Show an event."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def choose_view(*, as_json: bool) -> View:
    """Return JSON lines where asked for, a live view on a terminal, plain lines otherwise."""
    if as_json:
        return JsonLines()
    return LiveView() if sys.stderr.isatty() else PlainLines()


class JsonLines:
    """One JSON object a line on standard output."""

    def __call__(self, event: BuildEvent) -> None:
        """Show an event."""
        print_json_line({"event": type(event).__name__, **asdict(event)})

    def close(self) -> None:
        """Have nothing to restore."""


class PlainLines:
    """A line for each stage that ends and each note, on standard error."""

    def __call__(self, event: BuildEvent) -> None:
        """Show an event."""
        line = _plain(event)
        if line:
            print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Have nothing to restore."""


def _plain(event: BuildEvent) -> str:
    if isinstance(event, StageStarted):
        return f"[....] {event.stage}"
    if isinstance(event, Note):
        return f"       {event.text}"
    if isinstance(event, StageEnded):
        mark = "FAIL" if event.failed else " ok "
        return f"[{mark}] {event.stage}  {event.seconds:.1f} s" + (f"  {event.note}" if event.note else "")
    return ""


class LiveView:
    """Running stages at the bottom with their time and, where an amount is known, a bar; ended ones above."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._console = Console(stderr=True, highlight=False)
        self._progress: Progress = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}", markup=True),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._progress.start()

    def __call__(self, event: BuildEvent) -> None:
        """Show an event."""
        from rich.markup import escape

        if isinstance(event, StageStarted):
            self._tasks[event.stage] = self._progress.add_task(event.stage, total=None, note="")
        elif isinstance(event, StageProgress):
            self._progress.update(self._tasks[event.stage], completed=event.done, total=event.total)
        elif isinstance(event, Note):
            self._progress.update(self._tasks[event.stage], note=escape(event.text[:80]))
        else:
            self._progress.remove_task(self._tasks.pop(event.stage))
            mark = "[red]✗[/]" if event.failed else "[green]✓[/]"
            note = f"  [dim]{escape(event.note)}[/]" if event.note else ""
            self._console.print(f"{mark} {escape(event.stage)}  [cyan]{event.seconds:.1f} s[/]{note}")

    def close(self) -> None:
        """Take the running stages off the terminal."""
        self._progress.stop()
