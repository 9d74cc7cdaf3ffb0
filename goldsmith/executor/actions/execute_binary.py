"""ExecuteBinary: one program with its arguments, no shell (4.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor.attempt import REBOOT_EXIT_CODE
from goldsmith.executor.failures import ActionError, RebootAndRerunError

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs

_RUN = 'command -v -- "$1" >/dev/null || exit 127; exec "$@"'

NOT_FOUND = 127
NOT_EXECUTABLE = 126


def execute_binary(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Run ``path``, looked up in PATH, with ``arguments``; the output is ``stdout``. 194 as in ExecuteBash."""
    path = inputs.text("path")
    arguments = inputs.texts("arguments")
    attempt.say(f"CmdExecution: Preparing object for command {path}")
    ended = attempt.execute(["sh", "-c", _RUN, "sh", path, *arguments])
    if ended.exit_code == REBOOT_EXIT_CODE:
        raise RebootAndRerunError
    if ended.exit_code == NOT_FOUND and not ended.stderr:
        raise ActionError(f"The program {path} was not found in the guest.")
    if ended.exit_code == NOT_EXECUTABLE:
        raise ActionError(f"The program {path} cannot be executed.", stderr=ended.stderr)
    if ended.exit_code:
        raise ActionError(f"{path} ended with exit code {ended.exit_code}.", stderr=ended.stderr)
    return {"stdout": ended.stdout}
