"""ListFiles: the files of a folder (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files
from goldsmith.executor.facts import readable_fields

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs

_BELOW = 'find "$1" -mindepth 1 -name "$2" -xtype f -print0'
_INSIDE = 'find "$1" -mindepth 1 -maxdepth 1 -name "$2" -xtype f -print0'


def list_files(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Give the files of ``path`` that match ``fileNamePattern`` as ``files``: absolute, sorted, joined by commas."""
    folder = guest_files.require(attempt, guest_files.absolute(attempt, inputs.text("path")), "folder")
    script = _BELOW if inputs.flag("recursive", default=False) else _INSIDE
    pattern = inputs.optional("fileNamePattern", "*")
    listing = attempt.shell(script, f"{folder.rstrip('/')}/", pattern, failing=f"Could not list {folder}")
    return {"files": ",".join(sorted(readable_fields(listing)))}
