"""What an image is made of: blobs, each known by its digest, size and media type (OCI image specification 1.1)."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

import zstandard

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    Progress = Callable[[int, int], None]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"

LARGEST_DOCUMENT = 4 << 20
"""Bytes of the largest manifest, index or configuration that is read: what the distribution specification asks for."""

CHUNK = 1 << 20

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class OciError(GoldsmithError):
    """A container image, or a registry, is not as the specifications have it, or not what can be used here."""


@dataclass(frozen=True)
class Descriptor:
    """What points to a blob: its media type, ``sha256:…``, its bytes, and what is said of it."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""

    @classmethod
    def of(cls, media_type: str, content: bytes, annotations: Mapping[str, str] | None = None) -> Self:
        """Return the descriptor of bytes that are at hand."""
        return cls(media_type, digest_of(content), len(content), annotations or {})

    @classmethod
    def read(cls, value: Any, where: str) -> Self:
        """Return what a document says. Raises OciError, naming ``where``, for anything but a descriptor."""
        fields = value if isinstance(value, dict) else {}
        digest, size = fields.get("digest"), fields.get("size")
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest) or type(size) is not int or size < 0:
            raise OciError(
                f"{where} names a blob without a digest (sha256) and a size.", mend="It is damaged: push it again."
            )
        annotations = fields.get("annotations")
        return cls(
            str(fields.get("mediaType") or ""),
            digest,
            size,
            {str(key): str(said) for key, said in annotations.items()} if isinstance(annotations, dict) else {},
            str(fields.get("artifactType") or ""),
        )

    @property
    def compression(self) -> str:
        """How a layer is packed: "gzip", "zstd" or "". Raises OciError for what is no layer that can be had."""
        base, _, packing = self.media_type.partition("+")
        if base == LAYER and packing in {"", "gzip", "zstd"}:
            return packing
        if self.media_type in {_DOCKER_LAYER, f"{_DOCKER_LAYER}.gzip"}:
            return "gzip" if self.media_type.endswith(".gzip") else ""
        raise OciError(
            f"The layer {self.digest} is of the type {self.media_type[:100]!r}, which is no tar that can be read here.",
            mend="Layers are tar archives, plain or packed with gzip or zstd.",
        )

    @property
    def is_layer(self) -> bool:
        """Tell whether it is a container image's layer that can be read."""
        try:
            _ = self.compression
        except OciError:
            return False
        return True

    def as_json(self) -> dict[str, Any]:
        """Return it as documents have it."""
        return {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
            **({"annotations": dict(sorted(self.annotations.items()))} if self.annotations else {}),
            **({"artifactType": self.artifact_type} if self.artifact_type else {}),
        }


@dataclass(frozen=True)
class Blob:
    """A blob that can be read: ``opened`` gives its bytes as they are described, seekable, unverified.

    ``fetch`` writes them to an open file where that is shorter than to copy them.
    """

    descriptor: Descriptor
    opened: Callable[[], BinaryIO]
    fetch: Callable[[int, Progress | None], None] | None = None

    @classmethod
    def of(cls, media_type: str, content: bytes, annotations: Mapping[str, str] | None = None) -> Self:
        """Return a blob of bytes that are at hand."""
        return cls(Descriptor.of(media_type, content, annotations), lambda: io.BytesIO(content))

    def read(self) -> bytes:
        """Return a document's bytes, verified. Raises OciError for one that is too large or other bytes."""
        if self.descriptor.size > LARGEST_DOCUMENT:
            raise OciError(f"The document {self.descriptor.digest} is too large: {self.descriptor.size} bytes.")
        with Verified(self.opened(), self.descriptor.digest, self.descriptor.size) as stream:
            return stream.read()

    def save(self, out: int, progress: Progress | None = None) -> None:
        """Write the bytes, verified, to an open, empty file; ``progress`` hears (bytes done, of how many)."""
        if self.fetch:
            self.fetch(out, progress)
            return
        at = 0
        with Verified(self.opened(), self.descriptor.digest, self.descriptor.size) as stream:
            while some := stream.read(CHUNK):
                at += os.pwrite(out, some, at)
                if progress:
                    progress(at, self.descriptor.size)

    def unpacked(self, diff_id: str) -> BinaryIO:
        """Return a layer's tar. Whoever reads to its end gets OciError if bytes or ``diff_id`` are not as promised."""
        packed = cast("BinaryIO", Verified(self.opened(), self.descriptor.digest, self.descriptor.size))
        plain: BinaryIO = packed
        if self.descriptor.compression == "gzip":
            plain = cast("BinaryIO", gzip.GzipFile(fileobj=packed, mode="rb"))
        elif self.descriptor.compression == "zstd":
            reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True, closefd=False)
            plain = cast("BinaryIO", reader)
        return cast("BinaryIO", io.BufferedReader(Unpacked(plain, packed, diff_id), CHUNK))


class Verified(io.RawIOBase):
    """A stream that must have ``size`` bytes of that digest: reading its end raises OciError if it had not."""

    def __init__(self, stream: BinaryIO, digest: str, size: int) -> None:
        self._stream = stream
        self._digest = digest
        self._left = size
        self._seen = hashlib.sha256()

    def readable(self) -> bool:
        """Say that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some, and look at the end."""
        count = self._stream.readinto(buffer)  # type: ignore[attr-defined]
        self._seen.update(memoryview(buffer)[:count])
        self._left -= count
        ended = not count and len(buffer)
        if self._left < 0 or (ended and (self._left or f"sha256:{self._seen.hexdigest()}" != self._digest)):
            raise OciError(
                f"The blob {self._digest} is damaged: it has other bytes than its digest says.",
                mend="Fetch, write or push the image again.",
            )
        return int(count)

    def close(self) -> None:
        """Close what it reads."""
        self._stream.close()
        super().close()


class Unpacked(io.RawIOBase):
    """A layer's tar out of its packing: at its end the packed bytes have been verified, and so has its diff id."""

    def __init__(self, plain: BinaryIO, packed: BinaryIO, diff_id: str) -> None:
        self._plain = plain
        self._packed = packed
        self._diff_id = diff_id
        self._seen = hashlib.sha256()

    def readable(self) -> bool:
        """Say that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some, and look at the end."""
        try:
            some = self._plain.read(len(buffer))
        except (EOFError, OSError, zstandard.ZstdError) as wrong:
            raise OciError(f"The layer with the diff id {self._diff_id} cannot be unpacked: {wrong}.") from wrong
        buffer[: len(some)] = some
        self._seen.update(some)
        if not some and len(buffer):
            while self._packed.read(CHUNK):
                pass
            if f"sha256:{self._seen.hexdigest()}" != self._diff_id:
                raise OciError(f"A layer is damaged: it is not the tar {self._diff_id} that its image names.")
        return len(some)

    def close(self) -> None:
        """Close all of it."""
        self._plain.close()
        self._packed.close()
        super().close()


class FileSection(io.RawIOBase):
    """Bytes ``begin`` to ``begin + size`` of an open file, whose own position stays where it is."""

    def __init__(self, descriptor: int, begin: int, size: int) -> None:
        self._descriptor = descriptor
        self._begin = begin
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Say that it is."""
        return True

    def seekable(self) -> bool:
        """Say that it is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte of the section."""
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read some."""
        some = os.pread(self._descriptor, max(0, min(len(buffer), self._size - self._at)), self._begin + self._at)
        buffer[: len(some)] = some
        self._at += len(some)
        return len(some)


def file_blob(media_type: str, digest: str, descriptor: int, begin: int, size: int, **more: Any) -> Blob:
    """Return a blob that is a section of an open file, for as long as that is open."""
    return Blob(
        Descriptor(media_type, digest, size, **more),
        lambda: cast("BinaryIO", io.BufferedReader(FileSection(descriptor, begin, size), CHUNK)),
    )


def digest_of(content: bytes) -> str:
    """Return the digest by which bytes are known."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
