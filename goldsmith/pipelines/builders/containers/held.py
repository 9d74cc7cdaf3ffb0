"""Processes that stand still inside a container, so that the executor can work there from outside.

The engine runs a Dockerfile's RUN by itself; ours says its process's id and stops. Whoever waits for that enters the
container's mounts and root beside it, runs components, and lets it go on or ends it: the Dockerfile is never split,
and nothing is brought into the container.
"""

from __future__ import annotations

import queue
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from goldsmith.errors import GoldsmithError
from goldsmith.guests.guest import Guest, GuestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from goldsmith.guests.process import Completed, Stream

DEFAULTS = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
}
"""What commands in a container see unless its image says otherwise."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_GO_ON = 'while [ -e "/proc/$1" ] && ! grep -q "^State:.T" "/proc/$1/status"; do sleep 0.05; done; kill -CONT "$1"'
"""A process that has just said where it is may not stand still yet."""


class ContainerGuest(Guest):
    """A container as a guest: commands run as its root beside the process ``pid`` of the guest ``host``."""

    def __init__(self, host: Guest, pid: int) -> None:
        self._host = host
        self._pid = pid
        words = host.get(f"/proc/{pid}/environ").decode(errors="replace").split("\0")
        self._environment = DEFAULTS | dict(word.split("=", 1) for word in words if _VARIABLE.match(word))

    def command(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str) -> list[str]:
        """Enter the container's mounts and root with its image's environment, change the folder, run."""
        words = [f"{name}={value}" for name, value in {**self._environment, **env}.items()]
        entered = ["/usr/bin/nsenter", f"--target={self._pid}", "--mount", "--uts", "--root", f"--wdns={cwd}", "--"]
        return self._host.command(["/usr/bin/env", "-i", *words, *entered, *argv], env={}, cwd="/")

    def reboot(self) -> None:
        """Refuse: a container has nothing that could start it again."""
        raise GuestError(
            "The component asks for a reboot, and a container cannot reboot while it is built or tested.",
            mend="Leave the Reboot step and exit status 194 out of components for containers.",
        )


class HeldRun:
    """A command of the engine in which processes with ``token`` stand still; iterate over their containers.

    A container whose turn in the loop ends well goes on; leaving the loop by an error ends the command.
    """

    def __init__(
        self, host: Guest, argv: Sequence[str], token: str, hear: Callable[[Stream, bytes], None], *, cwd: str
    ) -> None:
        self._host = host
        self._argv = argv
        self._hear = hear
        self._cwd = cwd
        self._mark = f"{token} ".encode()
        self._held: queue.Queue[int | None] = queue.Queue()
        self._line = b""
        self._standing = 0
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        self._running = self._pool.submit(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        if self._standing:
            with suppress(GoldsmithError):
                self._host.run(["kill", "-KILL", str(self._standing)])
        self._pool.shutdown()

    def __iter__(self) -> Iterator[ContainerGuest]:
        while (pid := self._held.get()) is not None:
            self._standing = pid
            yield ContainerGuest(self._host, pid)
            self._host.run(["sh", "-c", _GO_ON, "sh", str(pid)])
            self._standing = 0

    def result(self) -> Completed:
        """Return how the command ended."""
        return self._running.result()

    def _run(self) -> Completed:
        try:
            return self._host.run(self._argv, on_output=self._listen, cwd=self._cwd)
        finally:
            self._hear("stdout", self._line)
            self._held.put(None)

    def _listen(self, stream: Stream, chunk: bytes) -> None:
        if stream == "stderr":
            self._hear(stream, chunk)
            return
        *lines, self._line = (self._line + chunk).split(b"\n")
        for line in lines:
            if line.startswith(self._mark) and line[len(self._mark) :].isdigit():
                self._held.put(int(line[len(self._mark) :]))
            else:
                self._hear(stream, line + b"\n")
