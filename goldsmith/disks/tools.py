"""The host's disk tools: run with a bare environment, their failures as sentences."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from goldsmith.disks.plan import DiskError
from goldsmith.guests.process import run_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from goldsmith.guests.process import Stream

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run_tool(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    on_output: Callable[[Stream, bytes], None] | None = None,
) -> bytes:
    """Run a tool and return its output; raise DiskError with its words when it fails or exceeds ``timeout`` seconds.

    ``on_output`` hears what it prints as it comes.
    """
    variables = {"PATH": SEARCH_PATH, "LANG": "C.UTF-8", "TZ": "UTC", "HOME": os.sep, **(env or {})}
    done = run_process(argv, stdin=stdin, env=variables, timeout=timeout, on_output=on_output)
    if done.timed_out:
        raise DiskError(f"{argv[0]} did not finish in {timeout:.0f} seconds.", mend="The disk may be damaged.")
    if done.exit_code:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise DiskError(f"{argv[0]} failed with exit code {done.exit_code}: {said[-2000:]}")
    return done.stdout
