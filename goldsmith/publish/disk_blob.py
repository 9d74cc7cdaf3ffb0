"""A disk as the one file of an artifact: made, or known by what it was when it was made before."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from goldsmith.disks.formats import named
from goldsmith.oci.artifact import TITLE
from goldsmith.oci.blobs import Blob, Descriptor, OciError, file_blob
from goldsmith.publish.conversions import converted
from goldsmith.publish.known import recall, remember

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.pipelines.home import Home
    from goldsmith.publish.source import Source

_MEDIA_TYPES = {
    "raw": "application/x-raw-disk-image",
    "qcow2": "application/x-qemu-disk",
    "vmdk": "application/x-vmdk-disk",
    "vmdk-sparse": "application/x-vmdk-disk",
    "vhd": "application/x-vhd-disk",
    "vhdx": "application/x-vhdx-disk",
    "ova": "application/x-virtualbox-ova",
    "raw.xz": "application/x-raw-disk-image-xz-compressed",
    "raw.zst": "application/zstd",
    "root-tar": "application/zstd",
}
"""What freedesktop.org's shared-mime-info calls them; all others are application/octet-stream."""


@contextmanager
def disk_blob(source: Source, form: str, home: Home, reference: str) -> Iterator[Blob]:
    """Give the disk in a format as a blob, for as long as the context; what it is is remembered."""
    with converted(source, form, home, reference) as path, path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
        remember(source, form, home, {"sha256": sha256, "size": size})
        said = _described(source, form, sha256, size)
        yield file_blob(said.media_type, said.digest, file.fileno(), 0, size, annotations=said.annotations)


def known_disk(source: Source, form: str, home: Home) -> Blob | None:
    """Return the blob that the disk is known to be, whose bytes are not at hand; None where nobody knows."""
    facts = recall(source, form, home)
    if not facts or not isinstance(facts.get("sha256"), str) or not isinstance(facts.get("size"), int):
        return None
    return Blob(_described(source, form, facts["sha256"], facts["size"]), not_at_hand)


def not_at_hand() -> NoReturn:
    """Refuse to read what is only known."""
    raise OciError("The registry lost a blob that it had a moment ago.", mend="Run it again: it is made and sent anew.")


def _described(source: Source, form: str, sha256: str, size: int) -> Descriptor:
    title = f"{source.facts.name}{named(form).suffix}"
    return Descriptor(_MEDIA_TYPES.get(form, "application/octet-stream"), f"sha256:{sha256}", size, {TITLE: title})
