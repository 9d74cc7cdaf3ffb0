"""A process that keeps namespaces alive for as long as its standard input stays open."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.guests.guest import GuestError

if TYPE_CHECKING:
    from collections.abc import Sequence

READY = b"ready\n"

HOST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

ENVIRONMENT = {"PATH": HOST_PATH, "LANG": "C.UTF-8"}
"""All that a holder knows of ours: a guest can read the environment of its process 1."""


REAPING = 100
"""Milliseconds after which a namespace that does not end is looked at for dead processes that nobody waits for."""


class Holder:
    """Starts ``argv``, which says "ready" on standard output and then waits on standard input.

    The kernel closes that input when we end, however we end, so that nothing is held for longer than we live.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._init: int | None = None
        self._process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=ENVIRONMENT,
        )
        try:
            self._await_ready()
        except BaseException:
            self.close()
            raise

    @property
    def process_id(self) -> int:
        """The host's id of the started process."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has gone, and what it held with it."""
        return self._process.poll() is not None

    def _await_ready(self) -> None:
        """Return when the process has said "ready"; raise GuestError with its last words when it ends instead."""
        line = self._process.stdout.readline() if self._process.stdout else b""
        if line != READY:
            self._process.wait()
            words = self._process.stderr.read() if self._process.stderr else b""
            raise GuestError(
                f"Namespaces could not be set up: {words.decode(errors='replace').strip() or line!r}",
                mend="`goldsmith doctor` checks what they need of this host.",
            )

    def init(self) -> int:
        """Return the host's id of process 1 inside: the first descendant that its own namespace calls 1."""
        pid = self._process.pid
        while _innermost_id(pid) != 1:
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        if self._init is None:
            self._init = os.pidfd_open(pid)
        return pid

    def kill(self) -> None:
        """End everything that is held, from any thread and without waiting; `close` is still to be called."""
        with contextlib.suppress(OSError):
            if self._init is not None:
                signal.pidfd_send_signal(self._init, signal.SIGKILL)

    def close(self) -> None:
        """End everything that is held and wait until it is gone: process 1 ends after all others of its namespace."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        if self._init is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)
            ended = select.poll()
            ended.register(self._init, select.POLLIN)
            while not ended.poll(REAPING):
                reap_adopted()
            os.close(self._init)
            self._init = None
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()


def reap_adopted() -> None:
    """Let go of dead processes of inner pid namespaces that have become our children.

    A process that adopts orphans, as process 1 of a container does, gets those whose nsenter(1) was killed; until they
    are waited for, their namespace does not end (pid_namespaces(7)). What we started ourselves is of our own namespace.
    """
    ours = len(_ids(os.getpid()))
    for thread in Path("/proc/self/task").iterdir():
        for child in map(int, (thread / "children").read_text().split()):
            with contextlib.suppress(OSError, ValueError):
                if len(_ids(child)) > ours:
                    os.waitpid(child, os.WNOHANG)


def _innermost_id(pid: int) -> int:
    """Return what the process is called in its own pid namespace."""
    return _ids(pid)[-1]


def _ids(pid: int) -> list[int]:
    """Return what the process is called in each pid namespace that it is in, ours first (proc(5), NSpid)."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("NSpid:"))
    return [int(number) for number in line.split()[1:]]


def nsenter(pid: int, *spaces: str, cwd: str | os.PathLike[str] | None = None) -> list[str]:
    """Return the argv that a command's argv follows to run in the namespaces of ``pid`` (nsenter(1))."""
    folder = [] if cwd is None else [f"--wdns={os.fspath(cwd)}"]
    return ["nsenter", f"--target={pid}", *spaces, *folder, "--"]
