"""AppendFile: content at the end of a file that exists (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files
from goldsmith.executor.encodings import encoded

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def append_file(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Append ``content`` to the file at ``path``."""
    path = guest_files.absolute(attempt, inputs.text("path"))
    content = encoded(inputs.optional("content"), inputs.optional("encoding"))
    guest_files.require(attempt, path, "file")
    attempt.shell('cat >>"$1"', path, stdin=content, failing=f"Could not append to {path}")
    return {}
