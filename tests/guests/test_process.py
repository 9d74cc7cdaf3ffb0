from __future__ import annotations

import io
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from goldsmith.guests.process import HostToolMissingError, run_process

if TYPE_CHECKING:
    from collections.abc import Callable


def test_streams_arrive_apart_and_while_the_process_runs(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    heard: list[tuple[str, bytes]] = []

    def listen(stream: str, chunk: bytes) -> None:
        heard.append((stream, chunk))
        if chunk == b"one\n":
            gate.write_bytes(b"go")

    done = run_process(["sh", "-c", f"echo one; cat {gate} >/dev/null; echo two >&2"], on_output=listen, timeout=60)
    assert heard == [("stdout", b"one\n"), ("stderr", b"two\n")]
    assert (done.stdout, done.stderr, done.exit_code, done.timed_out) == (b"one\n", b"two\n", 0, False)


def test_a_timeout_kills_the_whole_group(tmp_path: Path, gone: Callable[[int], bool]) -> None:
    note = tmp_path / "pid"
    done = run_process(["sh", "-c", f"sleep 300 & echo $! >{note}; wait"], timeout=0.5)
    assert done.timed_out
    assert done.exit_code == 128 + signal.SIGKILL
    assert gone(int(note.read_text()))


def test_an_exception_kills_the_group_too(gone: Callable[[int], bool]) -> None:
    pids: list[int] = []

    def listen(_: str, chunk: bytes) -> None:
        pids.append(int(chunk))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_process(["sh", "-c", "echo $$; exec sleep 300"], on_output=listen)
    assert gone(pids[0])


def test_a_daemon_that_holds_the_pipes_does_not_hold_the_end(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    done = run_process(
        [
            "sh",
            "-c",
            f"mkfifo {note}.up; setsid sh -c 'echo $$ >{note}.up; exec sleep 300' & cat {note}.up >{note}; echo said",
        ],
        timeout=60,
    )
    os.kill(int(note.read_text()), signal.SIGKILL)
    assert done.stdout == b"said\n"
    assert not done.timed_out


def test_a_daemon_that_holds_the_input_unread_does_not_hold_the_end(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = (
        f"mkfifo {note}.up; exec 3<&0; setsid sh -c 'echo $$ >{note}.up; exec sleep 300' <&3 & cat {note}.up >{note}"
    )
    done = run_process(["sh", "-c", script], stdin=b"x" * (1 << 20), timeout=60)
    os.kill(int(note.read_text()), signal.SIGKILL)
    assert done.exit_code == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGSEGV"])
def test_a_signal_is_an_exit_code_as_the_shell_says_it(name: str) -> None:
    number = signal.Signals[name]
    assert run_process(["sh", "-c", f"kill -{int(number)} $$"]).exit_code == 128 + number


def test_an_input_larger_than_any_pipe_passes_whole() -> None:
    data = os.urandom(5 << 20)
    assert run_process(["cat"], stdin=data).stdout == data
    assert run_process(["cat"], stdin=io.BytesIO(data)).stdout == data


def test_a_reader_that_stops_early_is_no_error() -> None:
    assert run_process(["head", "-c", "3"], stdin=b"abc" * (1 << 20)).stdout == b"abc"


def test_real_files_are_the_process_s_own(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"words")
    with (tmp_path / "in").open("rb") as read, (tmp_path / "out").open("wb") as written:
        done = run_process(["cat"], stdin=read, output=written)
    assert (done.stdout, (tmp_path / "out").read_bytes()) == (b"", b"words")


def test_a_missing_program_says_what_to_do() -> None:
    with pytest.raises(HostToolMissingError, match="no-such-program is not installed") as missing:
        run_process(["no-such-program"])
    assert "doctor" in missing.value.mend


def test_nothing_of_a_run_is_left_open() -> None:
    before = (len(list(Path("/proc/self/fd").iterdir())), threading.active_count())
    for _ in range(20):
        run_process(["true"], stdin=b"x" * (1 << 18))
    assert (len(list(Path("/proc/self/fd").iterdir())), threading.active_count()) == before
