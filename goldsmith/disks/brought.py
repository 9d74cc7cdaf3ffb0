"""An image's bytes where somebody else put them: a file, or a stretch of one, as in an appliance's tar."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Brought:
    """``length`` bytes of a file from ``begin`` on."""

    path: Path
    begin: int
    length: int

    @classmethod
    def whole(cls, path: Path) -> Brought:
        """Return all of a file."""
        return cls(path, 0, path.stat().st_size)

    def read(self, at: int, length: int) -> bytes:
        """Return bytes of the image, fewer at its end."""
        if at < 0 or at >= self.length:
            return b""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, min(length, self.length - at), self.begin + at)
        finally:
            os.close(descriptor)

    def for_qemu(self, driver: str) -> str:
        """Return what qemu-img takes with --image-opts: the format and the file are told, and nothing is guessed."""
        name = os.path.abspath(self.path).replace(",", ",,")  # noqa: PTH100 - links stay
        if self.begin == 0 and self.length == self.path.stat().st_size:
            return f"driver={driver},file.driver=file,file.filename={name}"
        return (
            f"driver={driver},file.driver=raw,file.offset={self.begin},file.size={self.length},"
            f"file.file.driver=file,file.file.filename={name}"
        )
