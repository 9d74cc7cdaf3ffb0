"""An instance's metadata on disk: written whole by whoever manages it, read anew by its keeper when it changed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, fields
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from goldsmith.machines.instances.records import read_record, write_durably
from goldsmith.machines.instances.spec import InstanceError
from goldsmith.machines.metadata import InstanceMetadata

if TYPE_CHECKING:
    from pathlib import Path

_TUPLES = {field.name for field in fields(InstanceMetadata) if str(field.type).startswith("tuple")}


def encode_metadata(instance: InstanceMetadata) -> bytes:
    """Return metadata as JSON, user data in base64."""
    record = asdict(instance)
    record["launched"] = instance.launched.isoformat()
    if instance.user_data is not None:
        record["user_data"] = b64encode(instance.user_data).decode()
    return json.dumps(record, indent=1).encode() + b"\n"


def decode_metadata(record: dict[str, Any]) -> InstanceMetadata:
    """Return the metadata that `encode_metadata` wrote; InstanceError for anything else."""
    try:
        values: dict[str, Any] = {name: tuple(value) if name in _TUPLES else value for name, value in record.items()}
        values["launched"] = datetime.fromisoformat(record["launched"])
        if record["user_data"] is not None:
            values["user_data"] = b64decode(record["user_data"], validate=True)
        return InstanceMetadata(**values)
    except (KeyError, TypeError, ValueError) as unfit:
        raise InstanceError(f"An instance's metadata cannot be read: {unfit!r}.") from unfit


def write_metadata(path: Path, instance: InstanceMetadata) -> None:
    """Replace an instance's metadata; a running instance sees it with its next request."""
    write_durably(path, encode_metadata(instance))


def read_metadata(path: Path) -> InstanceMetadata:
    """Return an instance's metadata as it is now."""
    return decode_metadata(read_record(path))


class MetadataFile:
    """Metadata that is read again whenever its file was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._seen: tuple[int, int, int] | None = None
        self._instance: InstanceMetadata | None = None

    def current(self) -> InstanceMetadata:
        """Return what the file says now."""
        with self._lock:
            state = self._path.stat()
            mark = (state.st_ino, state.st_mtime_ns, state.st_size)
            if self._instance is None or mark != self._seen:
                self._instance, self._seen = read_metadata(self._path), mark
            return self._instance
