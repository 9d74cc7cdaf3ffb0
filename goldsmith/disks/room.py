"""Whether there is room for a disk, asked before it is written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from goldsmith.disks.plan import GIB, MIB, DiskError

if TYPE_CHECKING:
    from pathlib import Path

SPARE = GIB
"""Bytes of the host's disk that no disk from elsewhere takes."""


def require_room(output: Path, needed: int, *, spare: int = SPARE) -> None:
    """Refuse to begin where ``needed`` bytes do not fit and leave ``spare``: where ``output`` is, or will be."""
    found = os.statvfs(output if output.exists() else output.parent)
    if not found.f_blocks:  # memory without a limit of its own
        return
    free = found.f_bavail * found.f_frsize - spare
    if needed > free:
        raise DiskError(
            f"This takes {-(-needed // MIB)} MiB, and there are {max(0, free) // MIB} MiB for it.",
            mend=f"Free some on the disk of {output.parent}.",
        )
