"""CopyFile: files to another place (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files
from goldsmith.executor.intake import forbid_folder

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def copy_file(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Copy ``source`` to ``destination``, links followed."""
    overwrite = inputs.flag("overwrite", default=True)
    for source, final in guest_files.transfers(attempt, inputs.text("source"), inputs.text("destination"), "file"):
        guest_files.forbid_existing(attempt, final, overwrite=overwrite)
        forbid_folder(final, guest_files.kind(attempt, final))
        guest_files.make_parents(attempt, final)
        attempt.shell('cp -T -- "$1" "$2"', source, final, failing=f"Could not copy {source} to {final}")
    return {}
