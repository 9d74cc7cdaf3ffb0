"""A block store in an S3 bucket, or in whatever else speaks S3."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from goldsmith.blocks.block_map import MAX_ENCODED, ZERO
from goldsmith.blocks.frames import MAX_FRAME
from goldsmith.blocks.s3_lease import S3Lease, present
from goldsmith.blocks.s3_objects import THREADS, S3Objects, block_key, map_key, name_in
from goldsmith.blocks.store import GRACE, BlockStore, Collected, missing_block

if TYPE_CHECKING:
    from collections.abc import Iterable


class S3Store(BlockStore):
    """The `BlockStore` at ``url``, ``s3://bucket/prefix?endpoint_url=…&region=…``; credentials as boto3 finds them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.threads = THREADS
        self._objects = S3Objects(url)

    def frame(self, digest: bytes) -> bytes:
        """Return a block's frame; see `BlockStore`."""
        found = self._read(block_key(digest), MAX_FRAME)
        if found is None:
            raise missing_block(digest, self.url)
        return found

    def has(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return what is there; see `BlockStore`."""
        wanted = set(digests)
        return wanted & {ZERO} | present(self._objects, wanted - {ZERO})

    def blocks(self) -> dict[bytes, int]:
        """Return all blocks; see `BlockStore`."""
        sizes: Counter[bytes] = Counter()
        for entry in self._objects.list("blocks/"):
            sizes[bytes.fromhex(name_in(entry.key))] += entry.size
        return dict(sizes)

    def maps(self) -> set[str]:
        """Return all maps' names; see `BlockStore`."""
        return {name_in(entry.key) for entry in self._objects.list("maps/")}

    def collect(
        self, live_maps: Iterable[str], live_digests: Iterable[bytes] = (), *, grace: float = GRACE
    ) -> Collected:
        """Remove what is not needed, in two collections; see `BlockStore` and `s3_collector`."""
        from goldsmith.blocks.s3_collector import collect  # noqa: PLC0415  a reader needs none of it

        return collect(self._objects, self.load_map, live_maps, live_digests, grace)

    def set_aside(self, digest: bytes) -> None:
        """Move a block to ``damaged/``."""
        for entry in list(self._objects.list(block_key(digest))):
            self._objects.put(f"damaged/{digest.hex()}", self._objects.get(entry.key, MAX_FRAME) or b"")
            self._objects.remove([entry.key])

    def _lease(self) -> S3Lease:
        return S3Lease(self._objects)

    def _encoded_map(self, name: str) -> bytes | None:
        return self._read(map_key(name), MAX_ENCODED)

    def _read(self, key: str, most: int) -> bytes | None:
        """Return what is at ``key``, or at another key of the same thing."""
        found = self._objects.get(key, most)
        if found is None:
            for other in self._objects.list(key):
                return self._objects.get(other.key, most)
        return found
