"""CreateFile: a file with content, owner and permissions (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files
from goldsmith.executor.encodings import encoded
from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs

_SET_MODE = 'chmod "$(printf %o $((0$2 & ~0$(umask))))" "$1"'


def create_file(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Write ``content`` to ``path``; the permissions are subject to the umask and given to a new file, or if named."""
    path = guest_files.absolute(attempt, inputs.text("path"))
    content = encoded(inputs.optional("content"), inputs.optional("encoding"))
    named = inputs.strictly_text("permissions", "")
    mode = guest_files.checked_mode(named or "0666")
    guest_files.forbid_existing(attempt, path, overwrite=inputs.flag("overwrite", default=True))
    found = guest_files.kind(attempt, path)
    if found not in {"", "file"}:
        raise ActionError(f"{path} exists and is not a file.")
    guest_files.make_parents(attempt, path)
    failing = f"Could not write {path}"
    attempt.shell('cat >"$1"', path, stdin=content, failing=failing)
    if named or not found:
        attempt.shell(_SET_MODE, path, mode, failing=failing)
    guest_files.own(attempt, path, inputs.optional("owner"), inputs.optional("group"))
    return {}
