"""MoveFolder: a folder to another place or name (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor import guest_files
from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs

_NESTED = """
from=$(realpath -- "$1"; printf .) && to=$(realpath -m -- "$2"; printf .) || exit 1
from=${from%??} to=${to%??}
case "$to/" in "$from"/*) exit 3;; esac
case "$from/" in "$to"/*) exit 3;; esac
"""
"""Ends with 3 where one folder is the other or holds it: then replacing the destination would lose the source."""

NESTED = 3


def move_folder(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Move ``source`` to ``destination``, which is replaced where it exists and ``overwrite`` is true."""
    overwrite = inputs.flag("overwrite", default=True)
    for source, final in guest_files.transfers(attempt, inputs.text("source"), inputs.text("destination"), "folder"):
        guest_files.forbid_existing(attempt, final, overwrite=overwrite)
        if attempt.command(["sh", "-c", _NESTED, "sh", source, final]).exit_code == NESTED:
            raise ActionError(f"Could not move {source} to {final}: one lies within the other.")
        guest_files.make_parents(attempt, final)
        attempt.shell(
            'rm -rf -- "$2" && mv -T -- "$1" "$2"',
            source.rstrip("/"),
            final.rstrip("/"),
            failing=f"Could not move {source} to {final}",
        )
    return {}
