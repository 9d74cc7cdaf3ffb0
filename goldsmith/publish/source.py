"""What is published: an image of this host or an AMI, its disk as blocks and as a raw file, made when asked for."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from goldsmith.blocks.block_map import BLOCK, ZERO, BlockMap
from goldsmith.blocks.concurrently import concurrently
from goldsmith.blocks.disk_files import fill_disk
from goldsmith.disks.about import About
from goldsmith.disks.containers import to_raw
from goldsmith.disks.raw import data_stretches
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from goldsmith.blocks.store import BlockStore
    from goldsmith.catalog.images import Image

    Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Facts:
    """What is known of an image: ``reference`` is how people name it here, ``created`` ISO 8601 in UTC.

    ``packages`` are the rows of its inventory (name, version, architecture, licences), where there is one.
    """

    reference: str
    name: str
    version: str = ""
    description: str = ""
    created: str = ""
    architecture: str = "x86_64"
    boot_mode: str = "uefi-preferred"
    distribution: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[Mapping[str, object], ...] = ()

    def about(self) -> About:
        """Return what formats say of the image: the same each time."""
        return About(
            name=self.name,
            version=self.version,
            description=self.description,
            created=self.created,
            distribution=self.distribution,
            epoch=int(datetime.fromisoformat(self.created).timestamp()) if self.created else 0,
            architecture=self.architecture,
            boot_mode=self.boot_mode or About.boot_mode,
            packages=self.packages,
        )


class Blocks(Protocol):
    """A disk of ``map.size`` bytes by its blocks of 512 KiB."""

    @property
    def map(self) -> BlockMap:
        """The digests of all blocks that are not zeros."""

    def read(self, index: int) -> bytes:
        """Return a block's 512 KiB, with zeros behind the disk's end; from any thread."""


class Source(Protocol):
    """An image that can go elsewhere."""

    @property
    def facts(self) -> Facts:
        """What is known of it."""

    def output(self, form: str) -> Path | None:
        """Return the file that its build wrote in a format, None where there is none."""

    def digest(self, form: str) -> str:
        """Return a digest of what its file in a format is made of, or is; "" where nobody knows."""

    def raw(self) -> AbstractContextManager[Path]:
        """Give its disk as a raw, sparse file, which nobody changes, for as long as the context."""

    def blocks(self, progress: Progress | None = None) -> AbstractContextManager[Blocks]:
        """Give its disk as blocks; ``progress`` hears (bytes read, of how many) where they must be found first."""


class BakedSource:
    """An image of this host; ``folder`` is its own, ``scratch`` one with room for its disk."""

    def __init__(self, image: Image, folder: Path, scratch: Path) -> None:
        self._image = image
        self._folder = folder
        self._scratch = scratch

    @property
    def facts(self) -> Facts:
        """What its build wrote down."""
        image = self._image
        return Facts(
            reference=image.reference,
            name=image.name,
            version=image.version,
            description=image.description,
            created=image.created,
            distribution=image.distribution,
            tags=image.tags,
            packages=image.packages,
        )

    def output(self, form: str) -> Path | None:
        """Return the file that its build wrote in a format."""
        return next((self._folder / disk.file for disk in self._image.disks if disk.format == form), None)

    def digest(self, form: str) -> str:
        """Return the SHA-256 that its build wrote down of the file, or of the disk that it is made of."""
        known = {disk.format: disk.sha256 for disk in self._image.disks}
        return next((known[each] for each in (form, "raw", "qcow2") if each in known), "")

    @contextmanager
    def raw(self) -> Iterator[Path]:
        """Give the raw disk that is there, or one made of the qcow2, gone afterwards."""
        disks = {disk.format: self._folder / disk.file for disk in self._image.disks}
        if "raw" in disks:
            yield disks["raw"]
        elif "qcow2" in disks:
            with _nameless(self._scratch) as (_, raw):
                to_raw(disks["qcow2"], "qcow2", raw)
                yield raw
        else:
            raise GoldsmithError(
                f"The image {self._image.reference} has neither a raw nor a qcow2 disk.",
                mend="Build it again with --format qcow2: everything else is made of that.",
            )

    @contextmanager
    def blocks(self, progress: Progress | None = None) -> Iterator[Blocks]:
        """Read the raw disk once, on all cores, for its blocks' digests."""
        with self.raw() as raw, FileBlocks.opened(raw, progress) as blocks:
            yield blocks


class StoredSource:
    """An AMI's disk, in a region's store; ``scratch`` is a folder with room for it."""

    def __init__(self, facts: Facts, store: BlockStore, block_map: BlockMap, scratch: Path) -> None:
        self.facts = facts
        self._store = store
        self._map = block_map
        self._scratch = scratch

    def output(self, form: str) -> Path | None:  # noqa: ARG002 - a store has blocks only
        """Return nothing: no build's files are kept with an AMI."""
        return None

    def digest(self, form: str) -> str:  # noqa: ARG002 - all are made of the blocks
        """Return a digest of the disk's size and of its blocks' own."""
        seen = hashlib.sha256(str(self._map.size).encode())
        for index, digest in self._map.items():
            if digest != ZERO:
                seen.update(index.to_bytes(8, "big") + digest)
        return seen.hexdigest()

    @contextmanager
    def raw(self) -> Iterator[Path]:
        """Give the disk written out, gone afterwards."""
        with _nameless(self._scratch) as (descriptor, raw):
            fill_disk(self._store, self._map, descriptor)
            yield raw

    @contextmanager
    def blocks(self, progress: Progress | None = None) -> Iterator[Blocks]:  # noqa: ARG002 - they are known
        """Give the store's own blocks."""
        yield StoreBlocks(self._store, self._map)


class StoreBlocks:
    """A disk's blocks as a store has them."""

    def __init__(self, store: BlockStore, block_map: BlockMap) -> None:
        written = {index: digest for index, digest in block_map.items() if digest != ZERO}
        self.map = BlockMap(block_map.size, written)
        self._store = store

    def read(self, index: int) -> bytes:
        """Return a block's bytes, verified by the store."""
        digest = self.map.get(index)
        return bytes(BLOCK) if digest is None else bytes(self._store.get(digest))


class FileBlocks:
    """A raw file's blocks."""

    def __init__(self, descriptor: int, block_map: BlockMap) -> None:
        self._descriptor = descriptor
        self.map = block_map

    @classmethod
    @contextmanager
    def opened(cls, raw: Path, progress: Progress | None = None) -> Iterator[FileBlocks]:
        """Open a raw disk and find what of it is not zeros."""
        descriptor = os.open(raw, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            indexes = list(_indexes(descriptor, size))

            def digested(index: int) -> tuple[int, bytes]:
                return index, hashlib.sha256(_block(descriptor, index)).digest()

            found: dict[int, bytes] = {}
            threads = len(os.sched_getaffinity(0))
            for done, (index, digest) in enumerate(concurrently(threads, digested, indexes), 1):
                if digest != ZERO:
                    found[index] = digest
                if progress:
                    progress(done * BLOCK, len(indexes) * BLOCK)
            yield cls(descriptor, BlockMap(size, found))
        finally:
            os.close(descriptor)

    def read(self, index: int) -> bytes:
        """Return a block's bytes."""
        return _block(self._descriptor, index)


@contextmanager
def _nameless(folder: Path) -> Iterator[tuple[int, Path]]:
    """Give a file of the folder's disk that has no name there: it is gone with this process, however that ends."""
    descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor, Path(f"/proc/{os.getpid()}/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _block(descriptor: int, index: int) -> bytes:
    return os.pread(descriptor, BLOCK, index * BLOCK).ljust(BLOCK, b"\0")


def _indexes(descriptor: int, size: int) -> Iterator[int]:
    """Yield the indexes of the blocks that are not holes."""
    last = -1
    for begin, end in data_stretches(descriptor, size):
        for index in range(max(begin // BLOCK, last + 1), -(-end // BLOCK)):
            yield index
            last = index
