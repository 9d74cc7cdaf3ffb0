"""A file as the parts of an upload: where each is, and its MD5 (S3 user guide, "Multipart upload limits")."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MIB = 1 << 20
SMALLEST_PART = 8 * MIB
MOST_PARTS = 10_000


@dataclass(frozen=True)
class Part:
    """A stretch of the file; numbers begin with 1."""

    number: int
    offset: int
    size: int
    md5: bytes


@dataclass(frozen=True)
class Parts:
    """All of a file of ``size`` bytes, with the SHA-256 of the whole."""

    size: int
    sha256: str
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, file: Path) -> Self:
        """Read a file once."""
        size = file.stat().st_size
        length = _length(size)
        whole = hashlib.sha256()
        digests = []
        with file.open("rb") as content:
            while data := content.read(length):
                whole.update(data)
                digests.append(hashlib.md5(data, usedforsecurity=False).digest())
        return cls(size, whole.hexdigest(), _parts(size, digests))

    @classmethod
    def known(cls, facts: Mapping[str, Any] | None) -> Self | None:
        """Return what `facts` gave of a file earlier, None for what is not that."""
        try:
            size, sha256 = int((facts or {})["size"]), str((facts or {})["sha256"])
            digests = [bytes.fromhex(each) for each in (facts or {})["md5"]]
        except (KeyError, TypeError, ValueError):
            return None
        return cls(size, sha256, _parts(size, digests)) if len(digests) == -(-size // _length(size)) else None

    @property
    def facts(self) -> dict[str, Any]:
        """What is to be known of the file later, as JSON has it."""
        return {"size": self.size, "sha256": self.sha256, "md5": [part.md5.hex() for part in self.parts]}

    @property
    def tag(self) -> str:
        """The ETag that S3 gives the object of these parts: the MD5 of their MD5s, and how many they are."""
        digest = hashlib.md5(b"".join(part.md5 for part in self.parts), usedforsecurity=False).hexdigest()
        return f"{digest}-{len(self.parts)}"


def _length(size: int) -> int:
    return max(SMALLEST_PART, -(-size // (MOST_PARTS * MIB)) * MIB)


def _parts(size: int, digests: list[bytes]) -> tuple[Part, ...]:
    length = _length(size)
    return tuple(
        Part(number, offset, min(length, size - offset), md5)
        for number, (offset, md5) in enumerate(zip(range(0, size, length), digests, strict=True), 1)
    )
