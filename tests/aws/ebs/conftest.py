"""Disks to upload."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BLOCK = 524288


@pytest.fixture
def make_disk(tmp_path: Path) -> Callable[..., Path]:
    """Write a sparse disk with random blocks at the given indexes."""

    def make(name: str, indexes: range | list[int], *, seed: int = 0, size: int = 1 << 30, base: Path | None = None):
        path = tmp_path / name
        generator = random.Random(seed)  # noqa: S311 - contents, not secrets
        path.write_bytes(b"")
        with path.open("r+b") as file:
            file.truncate(size)
            if base:
                old = os.open(base, os.O_RDONLY)
                offset = 0
                while True:
                    try:
                        begin = os.lseek(old, offset, os.SEEK_DATA)
                    except OSError:
                        break
                    offset = os.lseek(old, begin, os.SEEK_HOLE)
                    os.pwrite(file.fileno(), os.pread(old, offset - begin, begin), begin)
                os.close(old)
            for index in indexes:
                os.pwrite(file.fileno(), generator.randbytes(BLOCK), index * BLOCK)
        return path

    return make
