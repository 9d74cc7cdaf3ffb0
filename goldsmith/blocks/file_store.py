"""A block store in a folder of this host."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from goldsmith.blocks.block_map import ZERO
from goldsmith.blocks.frames import MAX_FRAME
from goldsmith.blocks.store import GRACE, BlockStore, Collected, missing_block
from goldsmith.blocks.store_folder import StoreFolder, explained

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.blocks.file_lease import FileLease


class FileStore(BlockStore):
    """The `BlockStore` at ``url``, ``file:///folder``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.threads = len(os.sched_getaffinity(0))
        self._folder = StoreFolder(Path(unquote(urlsplit(url).path)))

    def frame(self, digest: bytes) -> bytes:
        """Return a block's frame; see `BlockStore`."""
        with explained(f"Block {digest.hex()} cannot be read from {self.url}"):
            try:
                with self._folder.block(digest).open("rb", buffering=0) as file:
                    return file.read(MAX_FRAME + 1)
            except FileNotFoundError:
                raise missing_block(digest, self.url) from None

    def has(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return what is there; see `BlockStore`."""
        return {digest for digest in digests if digest == ZERO or self._folder.block(digest).exists()}

    def blocks(self) -> dict[bytes, int]:
        """Return all blocks; see `BlockStore`."""
        return {digest: status.st_size for digest, status in self._folder.blocks()}

    def maps(self) -> set[str]:
        """Return all maps' names; see `BlockStore`."""
        return {path.name for path in self._folder.maps.iterdir()}

    def collect(
        self, live_maps: Iterable[str], live_digests: Iterable[bytes] = (), *, grace: float = GRACE
    ) -> Collected:
        """Remove what is not needed; see `BlockStore` and, for why that is safe, `file_collector`."""
        from goldsmith.blocks.file_collector import collect  # noqa: PLC0415  a reader needs none of it

        return collect(self._folder, self.load_map, live_maps, live_digests, grace)

    def set_aside(self, digest: bytes) -> None:
        """Move a block to the folder ``damaged``."""
        failure = f"Block {digest.hex()} cannot be set aside in {self.url}"
        with explained(failure), self._folder.removing(), suppress(FileNotFoundError):
            self._folder.block(digest).rename(self._folder.damaged / digest.hex())

    def _lease(self) -> FileLease:
        from goldsmith.blocks.file_lease import FileLease  # noqa: PLC0415  a reader needs none of it

        return FileLease(self._folder)

    def _encoded_map(self, name: str) -> bytes | None:
        with explained(f"Block map {name} cannot be read from {self.url}"):
            try:
                return (self._folder.maps / name).read_bytes()
            except FileNotFoundError:
                return None
