"""Small files that are whole or not there: written aside, made durable, renamed."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from goldsmith.machines.instances.spec import InstanceError

if TYPE_CHECKING:
    from pathlib import Path


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file's contents so that a crash at any moment leaves the old ones or the new ones."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with fresh.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON object durably."""
    write_durably(path, json.dumps(record, indent=1).encode() + b"\n")


def read_record(path: Path) -> dict[str, Any]:
    """Return a JSON object; InstanceError when the file does not hold one, FileNotFoundError when it is not there."""
    data = path.read_bytes()
    try:
        record = json.loads(data)
    except ValueError as torn:
        raise InstanceError(f"{path} is damaged: {torn}.") from torn
    if not isinstance(record, dict):
        raise InstanceError(f"{path} is damaged: it holds no JSON object.")
    return record


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
