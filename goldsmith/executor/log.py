"""A run's log folder: console.log and application.log line by line, the JSON files whole each time (4.9)."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.executor.events import Event
    from goldsmith.executor.redaction import Redactor

Level = Literal["Info", "Error", "Debug"]


def folder_name(execution_id: str, moment: datetime) -> str:
    """Return the log folder's name: TOE_<date>_<time>_UTC-0_<executionId>."""
    return f"TOE_{moment.astimezone(UTC):%Y-%m-%d_%H-%M-%S}_UTC-0_{execution_id}"


class RunLog:
    """Writes a run's log files so that a killed run keeps what was written; secrets are replaced on the way."""

    def __init__(
        self,
        folder: Path,
        redactor: Redactor,
        on_event: Callable[[Event], None] | None = None,
        *,
        trace: Callable[[str], Event] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.redactor = redactor
        self._on_event = on_event
        self._trace = trace
        self._on_line = on_line
        self._console = (folder / "console.log").open("w", encoding="utf-8", errors="backslashreplace")
        self._application = (folder / "application.log").open("w", encoding="utf-8", errors="backslashreplace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._console.close()
        self._application.close()

    def console(self, *lines: str, level: Level = "Info") -> None:
        """Write lines to console.log, and to application.log with them."""
        stamp = f"{_now()} {level} "
        clean = [stamp + part for line in lines for part in self.redactor.text(line).split("\n")]
        text = "\n".join(clean) + "\n"
        for file in (self._console, self._application):
            file.write(text)
            file.flush()
        if self._on_line:
            for line in clean:
                self._on_line(line)

    def output(self, label: str, lines: list[str]) -> None:
        """Write what a command said to console.log, each line behind its label; secrets are already replaced."""
        stamp = f"{_now()} Info {label}: "
        self._console.write("".join(f"{stamp}{line}\n" for line in lines))
        self._console.flush()
        if self._on_line:
            for line in lines:
                self._on_line(stamp + line)

    def application(self, text: str, *, level: Level = "Debug") -> None:
        """Write a line to application.log only; a tracing run sends it as an event, too."""
        line = f"{_now()} {level} {self.redactor.text(text)}"
        self._application.write(line + "\n")
        self._application.flush()
        if self._trace:
            self.event(self._trace(line))

    def event(self, event: Event) -> None:
        """Hand an event to whoever watches."""
        if self._on_event:
            self._on_event(event)

    def document(self, text: str, number: int) -> None:
        """Keep a document as it came: document.yaml for the first, document-2.yaml for the second and so on."""
        name = "document.yaml" if number == 1 else f"document-{number}.yaml"
        (self.folder / name).write_text(text, encoding="utf-8", errors="surrogateescape")

    def data(self, name: str, content: Any) -> None:
        """Replace one of the JSON files in one move."""
        temporary = self.folder / f".{name}.new"
        temporary.write_text(json.dumps(self.redactor.tree(content), indent=2) + "\n", encoding="utf-8")
        os.replace(temporary, self.folder / name)  # noqa: PTH105  # replaces, where Path.rename only promises to rename


def _now() -> str:
    moment = datetime.now(UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"
