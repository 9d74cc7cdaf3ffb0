"""Every block of a store is read and verified; what is wrong is told with the snapshots it hits, and mended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from goldsmith.blocks.concurrently import concurrently
from goldsmith.blocks.errors import BlockError, BlockMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from goldsmith.blocks.block_map import BlockMap
    from goldsmith.blocks.store import BlockStore


@dataclass(frozen=True)
class Checked:
    """What a check found: how many ``blocks`` it read, and what is wrong with which.

    ``missing`` and ``damaged`` blocks have the names of the maps that need them; ``maps`` are those that cannot be
    read. ``repaired`` were replaced from another store; the rest of the damaged were ``set_aside`` by a repair.
    """

    blocks: int
    missing: dict[bytes, tuple[str, ...]] = field(default_factory=dict)
    damaged: dict[bytes, tuple[str, ...]] = field(default_factory=dict)
    maps: tuple[str, ...] = ()
    repaired: frozenset[bytes] = frozenset()
    set_aside: frozenset[bytes] = frozenset()

    @property
    def hit_maps(self) -> set[str]:
        """The maps that cannot be read whole now."""
        wrong = [
            names for found in (self.missing, self.damaged) for d, names in found.items() if d not in self.repaired
        ]
        return {*self.maps, *(name for names in wrong for name in names)}


def check(
    store: BlockStore,
    live_maps: Iterable[str],
    *,
    repair: bool = False,
    source: BlockStore | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Checked:
    """Read everything in ``store``; see `BlockStore.check`."""
    needed_by, unreadable = _needs(store, live_maps)
    here = sorted(store.blocks())
    damaged = {}
    for done, (digest, whole) in enumerate(concurrently(store.threads, lambda d: (d, _is_whole(store, d)), here), 1):
        if not whole:
            damaged[digest] = tuple(needed_by.get(digest, ()))
        if progress:
            progress(done, len(here))
    there = store.has(needed_by)
    missing = {digest: tuple(names) for digest, names in needed_by.items() if digest not in there}
    aside, repaired = (_repair(store, damaged, missing, source)) if repair else (set(), set())
    return Checked(len(here), missing, damaged, unreadable, frozenset(repaired), frozenset(aside))


def _needs(store: BlockStore, live_maps: Iterable[str]) -> tuple[dict[bytes, list[str]], tuple[str, ...]]:
    needed_by: dict[bytes, list[str]] = {}
    unreadable = []
    for name in sorted(set(live_maps)):
        try:
            block_map: BlockMap = store.load_map(name)
        except BlockError:
            unreadable.append(name)
            continue
        for digest in block_map.digests():
            needed_by.setdefault(digest, []).append(name)
    return needed_by, tuple(unreadable)


def _is_whole(store: BlockStore, digest: bytes) -> bool:
    try:
        store.get(digest)
    except BlockMissingError:
        return True  # collected since it was listed; a live map's is looked for afterwards
    except BlockError:
        return False
    return True


def _repair(
    store: BlockStore, damaged: Iterable[bytes], missing: Iterable[bytes], source: BlockStore | None
) -> tuple[set[bytes], set[bytes]]:
    """Return what was set aside, and what was then taken from ``source``."""
    aside = set(damaged)
    for digest in aside:
        store.set_aside(digest)
    repaired = set()
    if source:
        with store.writing() as writing:
            for digest in aside | set(missing):
                try:
                    writing.put(source.get(digest))
                except BlockError:
                    continue
                repaired.add(digest)
            writing.flush()
    return aside, repaired
