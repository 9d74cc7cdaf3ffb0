"""Processes that the kernel ends with us, however we end."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING

from goldsmith.guests.process import HostToolMissingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LAUNCHER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="launcher")
"""The kernel counts the *thread* that forked as the parent (prctl(2), PR_SET_PDEATHSIG), so one must outlive all."""


def start_bound(
    argv: Sequence[str],
    *,
    stdout: IO[bytes] | int = subprocess.DEVNULL,
    stderr: IO[bytes] | int = subprocess.DEVNULL,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start ``argv`` in a session of its own, without input and without a way to gain privileges.

    The kernel sends it SIGKILL when this process ends.
    """

    def launch() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--", *argv],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd,
            pass_fds=pass_fds,
            start_new_session=True,
        )

    try:
        return _LAUNCHER.submit(launch).result()
    except FileNotFoundError as missing:
        raise HostToolMissingError(
            "The program setpriv is not installed on this host.",
            mend="Install the package util-linux.",
        ) from missing


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and wait until it is gone."""
    process.kill()
    process.wait()
