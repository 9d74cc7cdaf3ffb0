"""The serial console's output on disk: bounded, so that no guest fills the host, and read from its end."""

from __future__ import annotations

import contextlib
import os
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from pathlib import Path

LONGEST = 1 << 20
"""Bytes after which a new file begins; the one before is kept."""

SHOWN = 64 << 10
"""Bytes that a console's reader gets, as GetConsoleOutput gives them."""

CHUNK = 1 << 16


def copy_console(source: socket.socket, path: Path) -> Thread:
    """Append what comes from a console to ``path`` in a thread of its own until the console ends."""
    thread = Thread(target=_copy, args=(source, path), daemon=True, name="console")
    thread.start()
    return thread


def read_console(path: Path, length: int = SHOWN) -> bytes:
    """Return the last ``length`` bytes of what the console said, runs before the last one included."""
    text = b""
    for file in (path, _older(path)):
        with contextlib.suppress(FileNotFoundError), file.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - (length - len(text))))
            text = log.read(length - len(text)) + text
    return text


def _copy(source: socket.socket, path: Path) -> None:
    log = path.open("ab", buffering=0)
    try:
        while chunk := _receive(source):
            if log.tell() + len(chunk) > LONGEST:
                log.close()
                path.replace(_older(path))
                log = path.open("ab", buffering=0)
            with contextlib.suppress(OSError):  # a full disk loses the console, not the instance
                log.write(chunk)
    finally:
        log.close()


def _receive(source: socket.socket) -> bytes:
    try:
        return source.recv(CHUNK)
    except OSError:
        return b""


def _older(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")
