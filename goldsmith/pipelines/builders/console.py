"""A step's console.log: it grows while a command runs, so that whoever follows it sees each line at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from goldsmith.pipelines.progress import Note, StageEnded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.guests.process import Stream
    from goldsmith.pipelines.progress import BuildEvent, Listener


class ConsoleLog:
    """Appends lines to console.log in a step's folder; what was there, of an attempt cut short, stays."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / "console.log").open("a", encoding="utf-8", errors="backslashreplace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def line(self, text: str) -> None:
        """Write a line."""
        self._file.write(f"{text}\n")
        self._file.flush()

    def output(self, _: Stream, chunk: bytes) -> None:
        """Write what a command said, as it comes."""
        self._file.write(chunk.decode(errors="replace"))
        self._file.flush()


def telling(say: Callable[[str], None]) -> Listener:
    """Return a listener that tells ``say`` what a build's stages come to."""

    def listen(event: BuildEvent) -> None:
        if isinstance(event, StageEnded):
            outcome = "failed" if event.failed else event.note or "done"
            say(f"{event.stage}: {outcome} ({event.seconds:.1f} s)")
        elif isinstance(event, Note):
            say(f"{event.stage}: {event.text}")

    return listen
