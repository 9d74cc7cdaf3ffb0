"""SetFileOwner: who a file belongs to (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def set_file_owner(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Give ``path``, links followed, to ``owner`` and ``group``, by default the owner's primary one."""
    path = guest_files.require(attempt, guest_files.absolute(attempt, inputs.text("path")), "file")
    whom = guest_files.owner_of(attempt, inputs.text("owner"), inputs.optional("group"))
    attempt.shell('chown -- "$2" "$1"', path, whom, failing=f"Could not change the owner of {path}")
    return {}
