"""Captures: volumes as they were at one moment, stored as maps of blocks, by reading no more than what changed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.blocks.store import open_store
from goldsmith.machines.instances.changes import assemble, by_block, covers, written_extents
from goldsmith.machines.instances.orders import give_order
from goldsmith.machines.instances.spec import InstanceError, NotRunningError
from goldsmith.machines.instances.volume import NoSuchVolumeError
from goldsmith.machines.instances.volumes import make_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from goldsmith.blocks.store import BlockStore
    from goldsmith.blocks.writing import Writing
    from goldsmith.machines.instances.changes import Piece
    from goldsmith.machines.instances.instances import Instances
    from goldsmith.machines.instances.volume import Volume
    from goldsmith.machines.instances.volumes import Volumes

    Progress = Callable[[int, int], None]

TRIES = 5
"""Times that volumes are looked for where they are: an instance may start or end at that moment."""

AT_ONCE = 4
"""Blocks that wait for a processor, for each one there is."""


@dataclass(frozen=True)
class Capture:
    """Volumes that are frozen for a capture until it is released, also across restarts of this process and the host.

    ``way`` is how a moment was made: "frozen by the guest" (its file systems are clean), "paused" (as after a power
    failure) or "stopped". ``files`` are each volume's to read, the lowest first.
    """

    name: str
    way: str
    files: Mapping[str, tuple[str, ...]]

    def as_json(self) -> dict[str, Any]:
        """Return the capture as a record that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Capture:
        """Return the capture that `as_json` wrote."""
        return cls(record["name"], record["way"], {one: tuple(files) for one, files in record["files"].items()})


@dataclass(frozen=True)
class Stored:
    """A volume as it was captured. Only the blocks with index in ``changed`` differ from the volume's base."""

    block_map: BlockMap
    changed: frozenset[int]


def freeze(instances: Instances, name: str, volume_ids: Sequence[str]) -> Capture:
    """Keep what volumes hold at this moment, the same for all that one instance has, under a name of its own.

    It takes a fraction of a second, and the guest stands still for less than that; what it holds is stored at leisure
    (`store`) and must be let go (`release`). The volumes are an instance's, running or not, or no one's.
    """
    for _ in range(TRIES):
        volumes = [instances.volumes.get(volume_id) for volume_id in volume_ids]
        holders = {instances.volumes.holder(volume) for volume in volumes}
        if len(holders) != 1:
            raise InstanceError("Volumes of several instances cannot be captured at one moment.")
        holder = holders.pop()
        with suppress(NotRunningError):
            if not holder:
                return _freeze_stopped(instances.volumes, name, volume_ids)
            answer = give_order(instances.path(holder), "freeze", capture=name, volume_ids=list(volume_ids))
            return Capture(name, answer["way"], {one: tuple(files) for one, files in answer["files"].items()})
    raise InstanceError(f"The instance of {volume_ids[0]} starts and stops all the time.", mend="Try again.")


def store(
    instances: Instances, capture: Capture, writing: Writing, progress: Progress | None = None
) -> dict[str, Stored]:
    """Store what a capture holds; return each volume's contents. It may be repeated until the capture is released.

    ``writing`` belongs to the store that the volumes' bases are in: blocks that did not change are taken to be there.
    ``progress`` hears (blocks, of how many).
    """
    volumes = instances.volumes
    changes = {volume_id: _changes(volumes, volume_id, files) for volume_id, files in capture.files.items()}
    total = sum(len(blocks) for blocks in changes.values())
    stored: dict[str, Stored] = {}
    done = 0
    for volume_id, blocks in changes.items():

        def told(count: int, before: int = done) -> None:
            if progress:
                progress(before + count, total)

        stored[volume_id] = _store_volume(volumes, volume_id, capture.files[volume_id], blocks, writing, told)
        done += len(blocks)
    return stored


def release(instances: Instances, capture: Capture) -> None:
    """Let a capture's volumes go: files that nobody reads any more are merged or removed. It may be repeated."""
    for volume_id in capture.files:
        with suppress(NoSuchVolumeError):
            _release(instances, capture.name, volume_id)
            instances.volumes.bury(volume_id)


def _freeze_stopped(volumes: Volumes, name: str, volume_ids: Sequence[str]) -> Capture:
    """Freeze volumes that nobody writes: a file is put on top of those that have none that is still empty."""
    files: dict[str, tuple[str, ...]] = {}
    with volumes.locked(*volume_ids):
        for volume in [volumes.get(volume_id) for volume_id in volume_ids]:
            if volumes.holder(volume):
                raise NotRunningError(f"{volume.volume_id} has just been taken by {volume.holder}.")
            if name in volume.holds:
                raise InstanceError(f"{volume.volume_id} is frozen for {name} already.")
            grown = volume
            if not (volume.fresh and len(volume.files) > 1):
                grown = volume.grown()
                make_file(volumes.path(volume.volume_id) / grown.files[-1], volume)
            below = len(grown.files) - 1
            volumes.save(grown.held(name, below))
            files[volume.volume_id] = grown.files[:below]
    return Capture(name, "stopped", files)


def _release(instances: Instances, name: str, volume_id: str) -> None:
    volumes = instances.volumes
    for _ in range(TRIES):
        if holder := volumes.holder(volumes.get(volume_id)):
            with suppress(NotRunningError):
                give_order(instances.path(holder), "release", capture=name, volume_ids=[volume_id])
                return
        with volumes.locked(volume_id):
            volume = volumes.get(volume_id)
            if volumes.holder(volume):
                continue
            released = volume.released(name)
            unused = released.fresh and not released.holds and len(released.files) > 1
            volumes.save(replace(released.lowered(), fresh=False) if unused else released)
            if unused:
                (volumes.path(volume_id) / released.files[-1]).unlink()
            return
    raise InstanceError(f"The instance of {volume_id} starts and stops all the time.", mend="Try again.")


def _changes(volumes: Volumes, volume_id: str, files: Sequence[str]) -> dict[int, list[Piece]]:
    """Return the pieces of each block that a volume's files hold."""
    size, folder = volumes.get(volume_id).size, volumes.path(volume_id)
    return by_block([written_extents(folder, file, size) for file in files])


def _store_volume(
    volumes: Volumes,
    volume_id: str,
    files: Sequence[str],
    blocks: Mapping[int, Sequence[Piece]],
    writing: Writing,
    told: Callable[[int], None],
) -> Stored:
    volume = volumes.get(volume_id)
    base = volumes.base(volume_id) or BlockMap(volume.size, {})
    source = open_store(volume.store_url)
    folder, changed = volumes.path(volume_id), dict[int, bytes | None]()
    with ExitStack() as stack:
        opened = [os.open(folder / file, os.O_RDONLY | os.O_CLOEXEC) for file in files]
        for descriptor in opened:
            stack.callback(os.close, descriptor)
        pool = stack.enter_context(ThreadPoolExecutor(writing.threads, "capture"))

        def put(index: int) -> bytes | None:
            return _put(volume, base.get(index), index, blocks[index], opened, source, writing)

        indexes = sorted(blocks)
        for first in range(0, len(indexes), AT_ONCE * writing.threads):
            batch = indexes[first : first + AT_ONCE * writing.threads]
            for index, digest in zip(batch, pool.map(put, batch), strict=True):
                if digest != base.get(index):
                    changed[index] = digest
            told(first + len(batch))
    return Stored(base.merged(changed, volume.size), frozenset(changed))


def _put(
    volume: Volume,
    below: bytes | None,
    index: int,
    pieces: Sequence[Piece],
    files: Sequence[int],
    source: BlockStore,
    writing: Writing,
) -> bytes | None:
    """Store one block as the files have it over its base; return its digest, None for zeros where nothing was."""
    length = min(BLOCK, volume.size - index * BLOCK)
    under = source.get(below) if below is not None and not covers(pieces, length) else None
    block = assemble(under, pieces, files)
    if below is None and not any(piece.place is not None for piece in pieces):
        return None
    return writing.put(block)
