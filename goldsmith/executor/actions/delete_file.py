"""DeleteFile: files away (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files
from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def delete_file(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Delete ``path``, a link itself; a missing file is an error, a wildcard that matches nothing is not."""
    path = guest_files.absolute(attempt, inputs.text("path"))
    if guest_files.has_wildcard(path):
        paths = guest_files.matches(attempt, path, "file")
    else:
        found = guest_files.kind(attempt, path, follow=False)
        if not found:
            raise ActionError(f"The file {path} does not exist.")
        if found == "folder":
            raise ActionError(f"{path} is a folder.", mend="Use DeleteFolder.")
        paths = [path]
    for each in paths:
        attempt.shell('rm -f -- "$1"', each, failing=f"Could not delete {each}")
    return {}
