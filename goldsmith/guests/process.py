"""One subprocess from start to end: streamed, timed, and killed with its whole group."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import selectors
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Stream = Literal["stdout", "stderr"]

CHUNK = 1 << 16

LONGEST_WAIT = 86400.0
"""Seconds that one poll waits: the kernel takes no more than 24 days of milliseconds, and a timeout may be longer."""


@dataclass(frozen=True)
class Completed:
    """How a command ended. ``seconds`` is wall time; a signal N gives exit code 128 + N."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    timed_out: bool = False


class HostToolMissingError(GoldsmithError):
    """A program that Goldsmith runs on the host is not installed."""


def run_process(
    argv: Sequence[str],
    *,
    stdin: bytes | BinaryIO = b"",
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
    on_output: Callable[[Stream, bytes], None] | None = None,
    output: BinaryIO | None = None,
) -> Completed:
    """Run ``argv`` to its end in a session of its own.

    With ``output``, a real file, standard output goes straight there and ``Completed.stdout`` stays empty; an
    input that is a real file is likewise the process's own.

    When ``timeout`` seconds pass, or an exception (Ctrl-C) arrives, the whole process group is killed.
    """
    begun = time.monotonic()
    deadline = None if timeout is None else begun + timeout
    own_input = stdin if not isinstance(stdin, bytes) and _is_file(stdin) else None
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=own_input or subprocess.PIPE,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    except FileNotFoundError as missing:
        raise HostToolMissingError(
            f"The program {argv[0]} is not installed on this host.",
            mend="Run `goldsmith doctor`: it says which package holds it and how to install it.",
        ) from missing
    stop_reader, stop_writer = os.pipe()
    feeder = threading.Thread(target=_feed, args=(process, stdin, stop_reader), daemon=True)
    feeder.start()
    try:
        said, timed_out = _collect(process, deadline, on_output)
        exit_code = process.wait()
    finally:
        _kill_group(process)
        process.wait()
        os.close(stop_writer)
        feeder.join()
        os.close(stop_reader)
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
    return Completed(
        argv=tuple(argv),
        exit_code=exit_code if exit_code >= 0 else 128 - exit_code,
        stdout=bytes(said["stdout"]),
        stderr=bytes(said["stderr"]),
        seconds=time.monotonic() - begun,
        timed_out=timed_out,
    )


def _is_file(stream: BinaryIO) -> bool:
    try:
        stream.fileno()
    except (AttributeError, OSError):
        return False
    return True


def _feed(process: subprocess.Popen[bytes], stdin: bytes | BinaryIO, stop: int) -> None:
    """Write the input and close it; a reader that stops early is its own affair.

    ``stop`` ends at the process's own end: a child that outlives it may hold the pipe and read nothing.
    """
    pipe = process.stdin
    if pipe is None:
        return
    source = io.BytesIO(stdin) if isinstance(stdin, bytes) else stdin
    os.set_blocking(pipe.fileno(), False)
    with pipe, selectors.DefaultSelector() as selector, contextlib.suppress(BrokenPipeError, ValueError):
        selector.register(pipe, selectors.EVENT_WRITE)
        selector.register(stop, selectors.EVENT_READ)
        while chunk := source.read(CHUNK):
            rest = memoryview(chunk)
            while rest:
                if any(key.fd == stop for key, _ in selector.select()):
                    return
                with contextlib.suppress(BlockingIOError):
                    rest = rest[os.write(pipe.fileno(), rest) :]


def _collect(
    process: subprocess.Popen[bytes],
    deadline: float | None,
    on_output: Callable[[Stream, bytes], None] | None,
) -> tuple[dict[Stream, bytearray], bool]:
    """Read both pipes until the process has ended, or kill it at the deadline.

    A background child may hold the pipes open after the process itself has ended; what has arrived by then
    is what counts, so that a component that starts a daemon does not hang the build.
    """
    output: dict[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
    timed_out = False
    with selectors.DefaultSelector() as selector:
        if process.stdout:
            selector.register(process.stdout, selectors.EVENT_READ, "stdout")
        selector.register(process.stderr, selectors.EVENT_READ, "stderr")  # type: ignore[arg-type]
        ended = os.pidfd_open(process.pid)
        selector.register(ended, selectors.EVENT_READ, "ended")
        try:
            running = True
            while selector.get_map():
                last = not running
                if running and deadline is not None and time.monotonic() >= deadline:
                    timed_out = True
                    _kill_group(process)
                    deadline = None
                wait = None if deadline is None else min(max(0.0, deadline - time.monotonic()), LONGEST_WAIT)
                for key, _ in selector.select(0 if last else wait):
                    if key.data == "ended":
                        running = False
                        selector.unregister(ended)
                        continue
                    chunk = os.read(key.fd, fcntl.fcntl(key.fd, fcntl.F_GETPIPE_SZ))
                    if not chunk:
                        selector.unregister(key.fileobj)
                        continue
                    output[key.data] += chunk
                    if on_output:
                        on_output(key.data, chunk)
                if last:
                    break
        finally:
            os.close(ended)
    return output, timed_out


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
