"""ReadFile: a text file's content as an output (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files
from goldsmith.executor.encodings import decoded
from goldsmith.executor.failures import ActionError
from goldsmith.executor.output import KEPT_BYTES

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def read_file(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Give the content of ``path``, links followed, as ``content``; at most as much as outputs may hold."""
    path = guest_files.require(attempt, guest_files.absolute(attempt, inputs.text("path")), "file")
    data = attempt.shell('head -c "$2" -- "$1"', path, str(KEPT_BYTES + 1), failing=f"Could not read {path}")
    if len(data) > KEPT_BYTES:
        raise ActionError(f"{path} is larger than the {KEPT_BYTES} bytes that an output may hold.")
    content = decoded(data, inputs.optional("encoding"), path)
    if inputs.flag("printFileContent", default=False) and not attempt.quiet:
        attempt.say(*content.splitlines())
    return {"content": content}
