"""The one way commands reach a root file system, whatever stands behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, BinaryIO

from goldsmith.errors import GoldsmithError
from goldsmith.guests.process import Completed, run_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from goldsmith.guests.process import Stream


class GuestError(GoldsmithError):
    """The guest itself failed, rather than a command inside it."""


class Guest(ABC):
    """Runs argv, moves files, reboots. Everything else is built from these.

    A guest runs commands as its root user with an environment of its own (nothing of the host's
    environment is passed on).
    """

    @abstractmethod
    def command(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str) -> list[str]:
        """Return the host's argv that runs ``argv`` inside the guest."""

    def shell(self) -> list[str]:
        """Return the host's argv of a shell inside the guest, for a person at a terminal."""
        return self.command(["bash", "-i"], env={"TERM": "xterm"}, cwd="/")

    @abstractmethod
    def reboot(self) -> None:
        """Restart the guest and return when it takes commands again. Files stay, processes and /run do not."""

    def kill(self, token: str) -> None:  # noqa: B027 - most guests' processes are the host's to signal
        """End what the command that carried ``token`` left running, where the host cannot signal it itself."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | BinaryIO = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        timeout: float | None = None,
        on_output: Callable[[Stream, bytes], None] | None = None,
    ) -> Completed:
        """Run a command to its end.

        ``timeout`` is in seconds; when it passes, the command's whole process group is killed and
        ``Completed.timed_out`` is true. ``on_output`` is called with ("stdout" | "stderr", chunk) as output
        arrives. A command's failure is its exit code, never an exception; GuestError means the guest itself
        is gone.
        """
        return run_process(
            self.command(argv, env=env or {}, cwd=cwd), stdin=stdin, timeout=timeout, on_output=on_output
        )

    def put(self, path: str, data: bytes | BinaryIO, *, mode: int = 0o644) -> None:
        """Write a file inside the guest; its folder must exist. Links are followed inside the guest only."""
        done = self.run(["sh", "-c", 'cat >"$1" && chmod "$2" "$1"', "sh", path, f"{mode:o}"], stdin=data)
        if done.exit_code:
            raise GuestError(f"Could not write {path} in the guest: {done.stderr.decode(errors='replace').strip()}")

    def get(self, path: str) -> bytes:
        """Read a file inside the guest."""
        done = self.run(["cat", "--", path])
        if done.exit_code:
            raise GuestError(f"Could not read {path} in the guest: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout
