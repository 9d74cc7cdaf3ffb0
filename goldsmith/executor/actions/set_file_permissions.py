"""SetFilePermissions: who may do what with a file (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def set_file_permissions(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Give ``path``, links followed, exactly the octal ``permissions``."""
    path = guest_files.require(attempt, guest_files.absolute(attempt, inputs.text("path")), "file")
    mode = guest_files.checked_mode(inputs.strictly_text("permissions", ""))
    attempt.shell('chmod -- "$2" "$1"', path, mode, failing=f"Could not change the permissions of {path}")
    return {}
