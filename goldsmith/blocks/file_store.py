"""A block store in a folder of this host."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from goldsmith.blocks.block_map import ZERO, ZEROS, BlockMap
from goldsmith.blocks.errors import BlockDamagedError, BlockMissingError
from goldsmith.blocks.frames import MAX_FRAME, unpack
from goldsmith.blocks.store import GRACE, BlockStore, Collected
from goldsmith.blocks.store_folder import StoreFolder, explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from goldsmith.blocks.checking import Checked
    from goldsmith.blocks.usage import Usage
    from goldsmith.blocks.writing import Writing

_CHECK = "`goldsmith storage check` tells what is missing and which snapshots that hits."


class FileStore:
    """The `BlockStore` at ``url``, ``file:///folder``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.threads = len(os.sched_getaffinity(0))
        self._folder = StoreFolder(Path(unquote(urlsplit(url).path)))

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Begin to write; see `BlockStore`."""
        from goldsmith.blocks.file_lease import FileLease  # noqa: PLC0415  a reader needs none of it
        from goldsmith.blocks.writing import Writing  # noqa: PLC0415

        lease = FileLease(self._folder)
        try:
            yield Writing(lease, self.url)
        finally:
            lease.end()

    def get(self, digest: bytes) -> bytes:
        """Return a block; see `BlockStore`."""
        if digest == ZERO:
            return ZEROS
        return unpack(self.frame(digest), digest, self.url)

    def frame(self, digest: bytes) -> bytes:
        """Return a block's frame; see `BlockStore`."""
        place = self._folder.block(digest)
        with explained(f"Block {digest.hex()} cannot be read from {self.url}"):
            try:
                with place.open("rb", buffering=0) as file:
                    return file.read(MAX_FRAME + 1)
            except FileNotFoundError:
                raise BlockMissingError(f"Block {digest.hex()} is not in {self.url}.", mend=_CHECK) from None

    def has(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return what is there; see `BlockStore`."""
        return {digest for digest in digests if digest == ZERO or self._folder.block(digest).exists()}

    def load_map(self, name: str) -> BlockMap:
        """Return a map; see `BlockStore`."""
        if not _is_name(name):
            raise BlockMissingError(f"{name!r} is not the name of a block map.", mend="Names are 64 hex digits.")
        with explained(f"Block map {name} cannot be read from {self.url}"):
            try:
                encoded = (self._folder.maps / name).read_bytes()
            except FileNotFoundError:
                raise BlockMissingError(f"Block map {name} is not in {self.url}.", mend=_CHECK) from None
        if hashlib.sha256(encoded).hexdigest() != name:
            raise BlockDamagedError(f"Block map {name} in {self.url} is damaged: its SHA-256 is another.", mend=_CHECK)
        return BlockMap.decode(encoded)

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

    def usage(self, live_maps: Iterable[str]) -> Usage:
        """Return what the maps take; see `BlockStore`."""
        from goldsmith.blocks.usage import measure  # noqa: PLC0415  a reader needs none of it

        return measure(self, live_maps)

    def check(
        self,
        live_maps: Iterable[str],
        *,
        repair: bool = False,
        source: BlockStore | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Checked:
        """Verify everything; see `BlockStore`."""
        from goldsmith.blocks.checking import check  # noqa: PLC0415  a reader needs none of it

        return check(self, live_maps, repair=repair, source=source, progress=progress)

    def set_aside(self, digest: bytes) -> None:
        """Move a block to the folder ``damaged``."""
        failure = f"Block {digest.hex()} cannot be set aside in {self.url}"
        with explained(failure), self._folder.removing(), suppress(FileNotFoundError):
            self._folder.block(digest).rename(self._folder.damaged / digest.hex())


def _is_name(name: str) -> bool:
    return len(name) == len(ZERO.hex()) and set(name) <= set("0123456789abcdef")
