"""Whether two raw disks are the same disk: a hole is zeros, and a format may fill up the last MiB with them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from goldsmith.disks.pieces import pieces
from goldsmith.disks.plan import MIB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def first_difference(disk: Path, other: Path, progress: Callable[[int, int], None] | None = None) -> int | None:
    """Return where, to the MiB, the first bytes are that only one of the disks has; None if they are the same."""
    found = [_not_in(disk, other, progress), _not_in(other, disk, None)]
    return min((at for at in found if at is not None), default=None)


def _not_in(disk: Path, other: Path, progress: Callable[[int, int], None] | None) -> int | None:
    descriptor = os.open(other, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for at, data in pieces(disk, MIB, bytes, progress):
            if os.pread(descriptor, MIB, at).ljust(MIB, b"\0") != data:
                return at
    finally:
        os.close(descriptor)
    return None
