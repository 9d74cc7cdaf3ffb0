"""SetFolderOwner: who a folder belongs to (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def set_folder_owner(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Give ``path`` to ``owner`` and ``group``, with all that is below unless ``recursive`` is false.

    Links below are given away themselves, never what they lead to.
    """
    path = guest_files.require(attempt, guest_files.absolute(attempt, inputs.text("path")), "folder")
    whom = guest_files.owner_of(attempt, inputs.text("owner"), inputs.optional("group"))
    script = 'chown -RHh -- "$2" "$1/"' if inputs.flag("recursive", default=True) else 'chown -- "$2" "$1"'
    attempt.shell(script, path.rstrip("/"), whom, failing=f"Could not change the owner of {path}")
    return {}
