"""SetFolderPermissions: who may do what with a folder (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def set_folder_permissions(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Give ``path`` exactly the octal ``permissions``, with all that is below unless ``recursive`` is false."""
    path = guest_files.require(attempt, guest_files.absolute(attempt, inputs.text("path")), "folder")
    mode = guest_files.checked_mode(inputs.strictly_text("permissions", ""))
    script = 'chmod -R -- "$2" "$1/"' if inputs.flag("recursive", default=True) else 'chmod -- "$2" "$1"'
    attempt.shell(script, path.rstrip("/"), mode, failing=f"Could not change the permissions of {path}")
    return {}
