"""The formats that a disk can be written in; a later format is one more row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.plan import DiskError
from goldsmith.disks.qcow2 import write_qcow2
from goldsmith.disks.raw import write_raw

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.disks.about import About
    from goldsmith.disks.packing import Packing


class Write(Protocol):
    """Writes a raw disk to ``output``.

    ``about`` is what the format may say of the image, ``reuse`` an earlier output of the format, ``packing`` the
    disk's packing where that has begun; ``progress`` hears (bytes done, of how many).
    """

    def __call__(
        self,
        raw: Path,
        output: Path,
        *,
        about: About = NOTHING_KNOWN,
        reuse: Path | None = None,
        packing: Packing | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Write it; on failure leave no output."""


@dataclass(frozen=True)
class Format:
    """One row: what people call it, its file's suffix, what it is, and how it is written."""

    name: str
    suffix: str
    title: str
    write: Write


FORMATS = {
    row.name: row
    for row in (
        Format("qcow2", ".qcow2", "QEMU's image, compressed with zstd", write_qcow2),
        Format("raw", ".raw", "the disk byte for byte, sparse", write_raw),
    )
}


def named(name: str) -> Format:
    """Return the format of that name; raise DiskError with the names there are."""
    if name not in FORMATS:
        raise DiskError(f'There is no disk format "{name}".', mend=f"Choose from: {', '.join(FORMATS)}.")
    return FORMATS[name]
