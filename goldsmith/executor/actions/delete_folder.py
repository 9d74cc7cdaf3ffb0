"""DeleteFolder: a folder away, with what is in it when forced (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files
from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def delete_folder(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Delete ``path``; a folder that is not empty needs ``force``."""
    path = guest_files.absolute(attempt, inputs.text("path")).rstrip("/") or "/"
    found = guest_files.kind(attempt, path, follow=False)
    if not found:
        raise ActionError(f"The folder {path} does not exist.")
    if found != "folder":
        raise ActionError(f"{path} is not a folder.", mend="Use DeleteFile.")
    script = 'rm -rf -- "$1"' if inputs.flag("force", default=False) else 'rmdir -- "$1"'
    attempt.shell(script, path, failing=f"Could not delete the folder {path}")
    return {}
