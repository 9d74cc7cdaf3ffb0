from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from goldsmith.machines.instances.console_log import LONGEST, SHOWN, copy_console, read_console

if TYPE_CHECKING:
    from pathlib import Path


def say(path: Path, *texts: bytes) -> None:
    ours, theirs = socket.socketpair()
    thread = copy_console(ours, path)
    with theirs:
        for text in texts:
            theirs.sendall(text)
    thread.join()
    ours.close()


def test_what_a_console_says_is_kept_over_runs(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    say(path, b"first\n")
    say(path, b"second\n")
    assert read_console(path) == b"first\nsecond\n"
    assert read_console(path, 7) == b"second\n"


def test_a_console_that_never_ends_takes_no_more_than_two_files(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    line = b"x" * 1023 + b"\n"
    say(path, *[line] * (3 * LONGEST // 1024), b"the end")
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 2 * LONGEST
    shown = read_console(path)
    assert len(shown) == SHOWN
    assert shown.endswith(b"\nthe end")


def test_a_console_that_said_nothing_is_empty(tmp_path: Path) -> None:
    assert read_console(tmp_path / "console.log") == b""
