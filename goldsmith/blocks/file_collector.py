"""Removes what no live map needs from a file store, while others write to it.

Why nothing that is needed goes. A block or map is removed only if it is not needed by the maps that stay, and if its
time, looked at while nobody can touch or publish, is before the *cutoff*: the begin of the oldest Writing that lives,
or of this collection, whichever is first, less the grace. All times are the file system's own. Let a Writing W need
something X.

1. W lives when the leases are read, or begins afterwards: it begins under the lock that the reading excludes, so there
   is no third case but 2. All that W put, kept or saved has a time since W's begin, which is not before the cutoff.
   W finds X and touches it under the same lock that removals exclude: either W is first, and X has its new time when
   the collector looks; or the removal is first, and W finds nothing and writes X anew.
2. W ended before. Its map is either in the list of live maps, or was recorded after that list was read, and before W
   ended (the writer has to record it within its Writing). Ending touches the map, so that it is not older than the
   list, which is not older than the grace (its reader has to begin the collection within that). So the map is young
   and stays, and the blocks of each map that stays are needed. Maps are listed after the leases, so that W's is there.
   Digests without a map, as of a snapshot that is not complete, are young for the grace since they were put.
3. W's process was killed: its lock is gone with it. If it had recorded a map, then within the grace of saving it.

A map that is old and not live is removed although a Writing may save the same one again: saving touches it, or writes
it anew, and touches all its blocks before. Maps go before blocks, so that a collector that is killed leaves blocks
that the next one removes, and no map without its blocks.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from itertools import islice
from typing import TYPE_CHECKING

from goldsmith.blocks.errors import BlockMissingError
from goldsmith.blocks.store import Collected
from goldsmith.blocks.store_folder import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from goldsmith.blocks.block_map import BlockMap
    from goldsmith.blocks.store_folder import StoreFolder

_AT_ONCE = 64


def collect(
    folder: StoreFolder,
    load_map: Callable[[str], BlockMap],
    live_maps: Iterable[str],
    live_digests: Iterable[bytes],
    grace: float,
) -> Collected:
    """Remove from ``folder`` what is neither live nor young; see `BlockStore.collect`."""
    with explained(f"What is not needed in {folder.root} cannot be removed"), folder.collecting() as now:
        cutoff = min([now, *_leases(folder)]) - int(grace * 1e9)
        live = set(live_maps)
        ages = {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(folder.maps)}
        needed = set(live_digests)
        for name in live:
            needed |= load_map(name).digests()
        for name in ages.keys() - live:
            if ages[name] >= cutoff:
                needed |= _young_digests(load_map, name)
        dead_maps = [folder.maps / name for name, age in ages.items() if name not in live and age < cutoff]
        removed_maps = _removed(folder, dead_maps, cutoff)
        dead = (
            folder.block(digest)
            for digest, status in folder.blocks()
            if digest not in needed and status.st_mtime_ns < cutoff
        )
        removed_blocks = _removed(folder, dead, cutoff)
        return Collected(maps=len(removed_maps), blocks=len(removed_blocks), stored_bytes=sum(removed_blocks))


def _young_digests(load_map: Callable[[str], BlockMap], name: str) -> set[bytes]:
    try:
        return load_map(name).digests()
    except BlockMissingError:
        return set()


def _leases(folder: StoreFolder) -> list[int]:
    """Return when each Writing that lives began; remove what dead ones left."""
    begins = []
    dead: list[Path] = []
    with folder.removing():
        for own in folder.writings.iterdir():
            try:
                lease = os.open(own / "lease", os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                dead.append(own)
                continue
            try:
                fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
                dead.append(own)
            except BlockingIOError:
                begins.append(os.fstat(lease).st_mtime_ns)
            finally:
                os.close(lease)
    for own in dead:
        shutil.rmtree(own, ignore_errors=True)
    return begins


def _removed(folder: StoreFolder, paths: Iterable[Path], cutoff: int) -> list[int]:
    """Remove those of ``paths`` that nobody touched since; return the bytes of each that went."""
    sizes = []
    rest = iter(paths)
    while batch := list(islice(rest, _AT_ONCE)):
        with folder.removing():
            sizes += [size for path in batch if (size := _remove_old(path, cutoff)) is not None]
    return sizes


def _remove_old(path: Path, cutoff: int) -> int | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    if status.st_mtime_ns >= cutoff:
        return None
    path.unlink()
    return status.st_size
