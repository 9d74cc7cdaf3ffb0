"""S3Upload: files to a bucket (4.5)."""

from __future__ import annotations

import posixpath
from io import RawIOBase
from typing import TYPE_CHECKING

from goldsmith.executor import guest_files
from goldsmith.executor.aws import aws_errors
from goldsmith.executor.facts import readable_fields
from goldsmith.executor.failures import ActionError
from goldsmith.executor.s3 import S3Address, owner_argument, s3_address

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs

SLICE = 8 << 20
"""Bytes fetched from the guest at a time, so that a large file never stands in memory whole."""

_SLICE = 'dd if="$1" iflag=skip_bytes,count_bytes,fullblock skip="$2" count="$3" bs=1M status=none'


class GuestFile(RawIOBase):
    """A file of the guest as a stream, read slice by slice."""

    def __init__(self, attempt: Attempt, path: str) -> None:
        super().__init__()
        self._attempt = attempt
        self._path = path
        self._offset = 0
        self._slice = b""

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as the slice at hand goes."""
        if not self._slice:
            self._slice = self._attempt.shell(
                _SLICE, self._path, str(self._offset), str(SLICE), failing=f"Could not read {self._path}"
            )
            self._offset += len(self._slice)
        count = min(len(buffer), len(self._slice))
        buffer[:count] = self._slice[:count]
        self._slice = self._slice[count:]
        return count


def s3_upload(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Upload ``source``, which may end in a wildcard, to a key or, for several files, below a prefix."""
    source = guest_files.absolute(attempt, inputs.text("source"))
    address = s3_address(inputs.text("destination"))
    arguments = owner_argument(inputs.optional("expectedBucketOwner"))
    for path, key in _targets(attempt, source, address.key, recurse=inputs.flag("recurse", default=False)):
        target = S3Address(address.bucket, key)
        with aws_errors(f"Could not upload {path} to {target}"):
            client = attempt.execution.services.client("s3")
            client.upload_fileobj(GuestFile(attempt, path), target.bucket, target.key, ExtraArgs=arguments)
        attempt.say(f"S3Upload: {path} was uploaded to {target}")
    return {}


def _targets(attempt: Attempt, source: str, key: str, *, recurse: bool) -> list[tuple[str, str]]:
    if guest_files.has_wildcard(source):
        return _matched(attempt, source, _as_prefix(key), recurse=recurse)
    if guest_files.kind(attempt, source) == "folder":
        if not recurse:
            raise ActionError(f"{source} is a folder.", mend="Set 'recurse: true' to upload what is in it.")
        return _tree(attempt, source, _as_prefix(key))
    guest_files.require(attempt, source, "file")
    return [(source, key + posixpath.basename(source) if not key or key.endswith("/") else key)]


def _matched(attempt: Attempt, pattern: str, prefix: str, *, recurse: bool) -> list[tuple[str, str]]:
    files = guest_files.matches(attempt, pattern, "file")
    targets = [(path, prefix + posixpath.basename(path)) for path in files]
    for folder in guest_files.matches(attempt, pattern, "folder") if recurse else ():
        targets += _tree(attempt, folder, f"{prefix}{posixpath.basename(folder)}/")
    if not targets:
        raise ActionError(f"No file matches {pattern}.")
    return targets


def _tree(attempt: Attempt, folder: str, prefix: str) -> list[tuple[str, str]]:
    base = f"{folder.rstrip('/')}/"
    listing = attempt.shell('find "$1" -xtype f -print0', base, failing=f"Could not list {folder}")
    return [(path, prefix + path.removeprefix(base)) for path in sorted(readable_fields(listing))]


def _as_prefix(key: str) -> str:
    prefix = key.removesuffix("*")
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
