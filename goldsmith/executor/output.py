"""What a command writes: logged line by line, kept up to a limit, harmless whatever it is."""

from __future__ import annotations

from codecs import getincrementaldecoder
from typing import TYPE_CHECKING

from goldsmith.executor.failures import TooMuchOutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.executor.redaction import Redactor
    from goldsmith.guests.process import Stream

MEBIBYTE = 1 << 20

KEPT_BYTES = MEBIBYTE
"""Of each stream of a command this much is kept: the beginning of stdout (outputs), the end of stderr (failures)."""

LOGGED_CHARACTERS = 16 * MEBIBYTE
LOGGED_LINES = 100_000
"""Of each stream of a command this much goes to console.log and events; one line says that the rest was left out."""

MOST_BYTES = 256 * MEBIBYTE
"""A command that writes more than this to both streams together is ended, and its step fails."""

LONGEST_LINE = 64 * 1024

CUT = f"[cut: only the first {KEPT_BYTES // MEBIBYTE} MiB is kept]"


class StreamLines:
    """Splits one stream into lines without secrets and hands them on until the limit is reached."""

    def __init__(self, redactor: Redactor, emit: Callable[[list[str]], None]) -> None:
        self._redactor = redactor
        self._emit = emit
        self._decoder = getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self._lines = 0
        self._characters = 0
        self._left_out = False

    def feed(self, chunk: bytes) -> None:
        """Take a chunk as it came."""
        if self._left_out:
            return
        *lines, rest = (self._rest + self._decoder.decode(chunk).replace("\0", "�")).split("\n")
        if len(rest) > LONGEST_LINE:
            rest = self._redactor.text(rest)
            held = max(self._redactor.longest - 1, 0)
            lines.append(rest[: len(rest) - held])
            rest = rest[len(rest) - held :]
        self._rest = rest
        self._pass_on(lines)

    def end(self) -> None:
        """Hand on the last line, which may lack its newline."""
        last = self._rest + self._decoder.decode(b"", final=True)
        self._rest = ""
        if last:
            self._pass_on([last])

    def _pass_on(self, lines: list[str]) -> None:
        if not lines or self._left_out:
            return
        clean = self._redactor.text("\n".join(line.removesuffix("\r") for line in lines)).split("\n")
        room = LOGGED_LINES - self._lines
        self._lines += len(clean)
        self._characters += sum(map(len, clean))
        if self._lines > LOGGED_LINES or self._characters > LOGGED_CHARACTERS:
            self._left_out = True
            clean = [*clean[: max(room, 0)], "[the rest of this stream is left out of the log: too much output]"]
        self._emit(clean)


class Output:
    """Both streams of one command."""

    def __init__(self, stdout: StreamLines, stderr: StreamLines) -> None:
        self._lines: dict[Stream, StreamLines] = {"stdout": stdout, "stderr": stderr}
        self._head = bytearray()
        self._tail = bytearray()
        self._cut = False
        self._bytes = 0

    def take(self, stream: Stream, chunk: bytes) -> None:
        """Take a chunk as it came. Raises TooMuchOutputError when a command never stops writing."""
        self._bytes += len(chunk)
        if self._bytes > MOST_BYTES:
            raise TooMuchOutputError(
                f"The command wrote more than {MOST_BYTES // MEBIBYTE} MiB, so it was ended.",
                mend="Send its output to a file in the guest.",
                stderr=self.stderr,
            )
        if stream == "stdout":
            self._cut = self._cut or len(self._head) + len(chunk) > KEPT_BYTES
            self._head += chunk[: KEPT_BYTES - len(self._head)]
        else:
            self._tail += chunk
            del self._tail[:-KEPT_BYTES]
        self._lines[stream].feed(chunk)

    def end(self) -> None:
        """Hand on what stands in the last lines."""
        for lines in self._lines.values():
            lines.end()

    @property
    def stdout(self) -> str:
        """What was kept of stdout as text, without trailing white space; a cut is said in a last line."""
        kept = readable(bytes(self._head)).rstrip()
        return f"{kept}\n{CUT}" if self._cut else kept

    @property
    def stderr(self) -> str:
        """The end of stderr as text."""
        return readable(bytes(self._tail)).strip()


def readable(data: bytes) -> str:
    """Return bytes as text that can be an argument again: no NUL, and a mark for what is not UTF-8."""
    return data.decode(errors="replace").replace("\0", "�")
