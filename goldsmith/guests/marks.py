"""A remote command's output with notes in between: its process id, and its end on either stream."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.guests.process import Stream

LONGEST_NOTE = 32
"""Bytes that follow the token in a note, at most."""


class MarkedEnd(Exception):  # noqa: N818 - not an error: both streams have ended
    """The command has ended and all of its output has arrived."""


class MarkedOutput:
    """Takes chunks of both streams, passes the command's own bytes on and keeps the notes back.

    A note is NUL, the token, " pid N" or " end N", NUL. The token is random, so that no command's output is
    taken for one. The end is known even when a background process holds the streams open.
    """

    def __init__(self, on_output: Callable[[Stream, bytes], None] | None = None) -> None:
        self.token = secrets.token_hex(16)
        self.text: dict[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.process_id: int | None = None
        self.exit_code: int | None = None
        self._on_output = on_output
        self._held: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}
        self._ended: set[Stream] = set()
        self._start = b"\0" + self.token.encode()
        self._note = re.compile(re.escape(self._start) + rb" (pid|end) ([0-9]+)\0")

    def take(self, stream: Stream, chunk: bytes) -> None:
        """Take a chunk; raise MarkedEnd once both streams have come to their end."""
        if stream in self._ended:
            return
        data = self._held[stream] + chunk
        while note := self._note.search(data):
            self._pass_on(stream, data[: note.start()])
            data = data[note.end() :]
            if note[1] == b"pid":
                self.process_id = int(note[2])
                continue
            self.exit_code = int(note[2])
            self._ended.add(stream)
            if len(self._ended) == len(self.text):
                raise MarkedEnd
            return
        keep = self._unfinished(data)
        self._pass_on(stream, data[: len(data) - keep])
        self._held[stream] = data[len(data) - keep :]

    def _pass_on(self, stream: Stream, data: bytes) -> None:
        if not data:
            return
        self.text[stream] += data
        if self._on_output:
            self._on_output(stream, data)

    def _unfinished(self, data: bytes) -> int:
        """Return how many bytes at the end may be the beginning of a note."""
        begun = data.rfind(self._start)
        if begun >= 0 and len(data) - begun < len(self._start) + LONGEST_NOTE:
            return len(data) - begun
        longest = min(len(self._start) - 1, len(data))
        return next((length for length in range(longest, 0, -1) if data.endswith(self._start[:length])), 0)
