"""CopyFolder: a folder's content, with all that is below it, to another folder (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def copy_folder(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Copy ``source`` to ``destination`` with owners, modes, times and links as they are."""
    overwrite = inputs.flag("overwrite", default=True)
    for source, final in guest_files.transfers(attempt, inputs.text("source"), inputs.text("destination"), "folder"):
        guest_files.forbid_existing(attempt, final, overwrite=overwrite)
        guest_files.make_parents(attempt, final)
        attempt.shell(
            'cp -aT -- "$1" "$2"', f"{source.rstrip('/')}/", final, failing=f"Could not copy {source} to {final}"
        )
    return {}
