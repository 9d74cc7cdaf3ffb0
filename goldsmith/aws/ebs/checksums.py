"""Checksums of the EBS direct APIs: SHA-256 in base 64, of a block and of a whole upload."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def encode(digest: bytes) -> str:
    """Return a digest as it travels."""
    return base64.b64encode(digest).decode()


class LinearChecksum:
    """The checksum of an upload, of its blocks' digests in ascending order of their indexes.

    The reference speaks of concatenating the checksums "to a string"; clients, and AWS, concatenate the digests
    themselves. Either is taken.
    """

    def __init__(self, digests: Iterable[bytes]) -> None:
        raw, text = hashlib.sha256(), hashlib.sha256()
        self.blocks = 0
        for digest in digests:
            raw.update(digest)
            text.update(base64.b64encode(digest))
            self.blocks += 1
        self._accepted = {encode(raw.digest()), encode(text.digest())}

    def is_right(self, checksum: str) -> bool:
        """Tell whether a client's checksum is this upload's."""
        return checksum in self._accepted
