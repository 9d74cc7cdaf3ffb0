"""Where the contestants work: folders on disk and in memory, one package cache, one set of measurements."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measuring import Measurements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.disks import DiskContents

MEMORY = Path("/dev/shm")


@dataclass
class Arena:
    """``proxy`` is the package cache's address, ``apt_option`` what sends apt there; ``memory`` a folder on tmpfs."""

    folder: Path
    proxy: str
    apt_option: str
    acceleration: str
    memory: Path = MEMORY
    measurements: Measurements = field(default_factory=Measurements)
    contents: dict[str, DiskContents] = field(default_factory=dict)

    @contextmanager
    def memory_folder(self, name: str) -> Iterator[Path]:
        """Give the path of a folder on tmpfs, to be made by its user; nothing of it stays."""
        path = self.memory / f"goldsmith-bench-{os.getpid()}-{name}"
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def looked_into(self, name: str, contents: DiskContents) -> None:
        """Remember what a contestant's disk holds, for the comparison at the end."""
        self.contents[name] = contents
