"""SetFileEncoding: a UTF-8 file in another encoding (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files
from goldsmith.executor.encodings import decoded, encoded

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def set_file_encoding(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Convert the file at ``path`` from UTF-8 to ``encoding``, in place."""
    path = guest_files.require(attempt, guest_files.absolute(attempt, inputs.text("path")), "file")
    data = attempt.shell('cat -- "$1"', path, failing=f"Could not read {path}")
    converted = encoded(decoded(data, "utf-8", path), inputs.optional("encoding"))
    attempt.shell('cat >"$1"', path, stdin=converted, failing=f"Could not write {path}")
    return {}
