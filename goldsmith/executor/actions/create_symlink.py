"""CreateSymlink: a link to something that exists (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files
from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def create_symlink(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Link ``path`` to ``target``, both made absolute; ``force`` replaces a link, never anything else."""
    path = guest_files.absolute(attempt, inputs.text("path"))
    target = guest_files.absolute(attempt, inputs.text("target"))
    if not guest_files.exists(attempt, target):
        raise ActionError(f"The link's target {target} does not exist.")
    found = guest_files.kind(attempt, path, follow=False)
    if found == "link" and not inputs.flag("force", default=False):
        raise ActionError(f"{path} is already a link.", mend="Set 'force: true' to replace it.")
    if found not in {"", "link"}:
        raise ActionError(f"{path} already exists and is not a link.")
    guest_files.make_parents(attempt, path)
    attempt.shell('ln -sfnT -- "$2" "$1"', path, target, failing=f"Could not link {path} to {target}")
    return {}
