"""A snapshot's blocks go from one store to another, and only those that are not there."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from goldsmith.blocks.concurrently import concurrently

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.blocks.store import BlockStore

_FLUSHED_AT_ONCE = 512


@dataclass(frozen=True)
class Copied:
    """A copied map's ``name``, the same in both stores, and what it took: ``sent_bytes`` are compressed blocks'."""

    name: str
    blocks: int
    sent_blocks: int
    sent_bytes: int


def copy_map(
    source: BlockStore, target: BlockStore, name: str, *, progress: Callable[[int, int], None] | None = None
) -> Copied:
    """Copy the map ``name`` and the blocks that ``target`` does not have.

    Blocks travel compressed and are verified before they are taken. What has arrived is made durable every 256 MiB, so
    that a copy that is broken off goes on from there. Record the name within `GRACE` seconds, or copy within a Writing
    of ``target``. ``progress`` hears (blocks, of how many have to travel).
    """
    block_map = source.load_map(name)
    digests = block_map.digests()
    with target.writing() as writing:
        missing = sorted(digests - writing.keep(digests))

        def sent(digest: bytes) -> None:
            writing.put_frame(digest, source.frame(digest), source.url)

        threads = max(source.threads, target.threads)
        rest = iter(missing)
        done = 0
        while batch := list(islice(rest, _FLUSHED_AT_ONCE)):
            for _ in concurrently(threads, sent, batch):
                done += 1
                if progress:
                    progress(done, len(missing))
            writing.flush()
        writing.save(block_map)
        return Copied(name, len(digests), writing.new_blocks, writing.stored_bytes)
