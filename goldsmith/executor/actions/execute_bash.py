"""ExecuteBash: all commands as one script, run by bash (4.5)."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from goldsmith.errors import GoldsmithError
from goldsmith.executor.attempt import REBOOT_EXIT_CODE
from goldsmith.executor.failures import ActionError, RebootAndRerunError

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs

_WRITE = 'folder=$(mktemp -d /tmp/AWSTOEXXXXXXXXXX) && cat >"$folder/$1" && printf %s "$folder"'


def execute_bash(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Run ``commands``; the output is ``stdout``. Exit code 194 asks for a reboot and the same step again."""
    script = "\n".join(inputs.texts("commands", required=True)) + "\n"
    name = f"script-{secrets.randbelow(10**9)}.sh"
    made = attempt.shell(
        _WRITE, name, stdin=script.encode(errors="surrogateescape"), failing="Could not write the script to /tmp"
    )
    folder = made.decode()
    path = f"{folder}/{name}"
    attempt.say(
        f"ExecuteBash: Created temporary directory: {folder}",
        f"ExecuteBash: Created temporary script file at: {path}",
        f"CmdExecution: Preparing object for command bash with arguments [{path}]",
    )
    try:
        ended = attempt.execute(["bash", path])
    finally:
        attempt.say(f"ExecuteBash: Removing temporary directory: {folder}")
        with contextlib.suppress(GoldsmithError):
            attempt.execution.guest.run(["rm", "-rf", "--", folder], timeout=60)
            attempt.say(f"ExecuteBash: Successfully removed temporary directory: {folder}")
    if ended.exit_code == REBOOT_EXIT_CODE:
        raise RebootAndRerunError
    if ended.exit_code:
        raise ActionError(f"The script ended with exit code {ended.exit_code}.", stderr=ended.stderr)
    return {"stdout": ended.stdout}
