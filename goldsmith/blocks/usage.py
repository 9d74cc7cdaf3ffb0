"""What a store's maps hold, share and take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.blocks.block_map import BLOCK, ZERO
from goldsmith.blocks.concurrently import concurrently

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.blocks.store import BlockStore


@dataclass(frozen=True)
class Usage:
    """Bytes of a store's live maps.

    ``disks`` is the sum of the disks' sizes; ``logical`` of their written blocks that are not zeros; ``referenced``
    counts each of those blocks once, and ``shared`` is what that saves: ``logical`` less ``referenced``. ``stored`` is
    what referenced blocks take, compressed; ``unreferenced`` what other blocks take: those of unfinished snapshots,
    and those that a collector may remove.
    """

    maps: int
    disks: int
    logical: int
    referenced: int
    shared: int
    stored: int
    unreferenced: int


def measure(store: BlockStore, live_maps: Iterable[str]) -> Usage:
    """Return the usage of these maps of ``store``; a name given twice counts twice."""
    named = Counter(live_maps)
    disks = blocks = 0
    referenced: set[bytes] = set()
    block_maps = concurrently(store.threads, store.load_map, named)
    for times, block_map in zip(named.values(), block_maps, strict=True):
        disks += times * block_map.size
        blocks += times * sum(digest != ZERO for _, digest in block_map.items())
        referenced |= block_map.digests()
    sizes = store.blocks()
    stored = sum(sizes.get(digest, 0) for digest in referenced)
    return Usage(
        maps=named.total(),
        disks=disks,
        logical=blocks * BLOCK,
        referenced=len(referenced) * BLOCK,
        shared=(blocks - len(referenced)) * BLOCK,
        stored=stored,
        unreferenced=sum(sizes.values()) - stored,
    )
