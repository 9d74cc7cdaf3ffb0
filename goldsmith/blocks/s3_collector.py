"""Removes what no live map needs from an S3 store, while others write to it.

S3 can neither lock nor remove an object only if nobody has found it meanwhile, so that removing takes two collections.
The first *condemns* the keys of what is not needed; a later one removes those that are still not needed, or whose
contents were written again under another key, if they were condemned before every lease that counts began. A lease
counts while it lives, and for the grace after its end.

Why nothing that is needed goes. Let a Writing W need X, which it found under the key K, and let K be removed by the
collection C. K was condemned before C began, and X is not needed by the maps and digests that stay at C, or has
another key that is not condemned.

1. W's lease counts when C reads the leases. Then K was condemned before W began, and W, which reads what is condemned
   after it has its lease, did not take K for X but wrote a key of its own, which no list of C has. No key that is
   condemned is ever written: one that was removed may be, but then its list is gone, and with it all removals of it.
2. W begins after C has read the leases: it reads what is condemned, as in 1; if the list with K is gone by then, C has
   removed K, and W does not find it.
3. W ended more than the grace before C began: its map was recorded by then, and is in C's list of live maps. So X is
   needed and has another key, which is not condemned; whoever does not find K reads that.
4. W was taken for dead: it fails, if it ever saves, as its lease is gone.

There is one collector at a time; one that sleeps for longer than a lease may, and wakes, finds that it is not the one
any more before its next removal.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from goldsmith.blocks.concurrently import concurrently
from goldsmith.blocks.errors import BlockError, BlockMissingError
from goldsmith.blocks.s3_lease import EXPIRY, keys_in
from goldsmith.blocks.s3_objects import THREADS, map_key, name_in
from goldsmith.blocks.store import Collected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from goldsmith.blocks.block_map import BlockMap
    from goldsmith.blocks.s3_objects import S3Objects, StoredObject

_LOCK = "collecting"
_AT_ONCE = 1000


@dataclass(frozen=True)
class _Turn:
    """A collector's turn: its name, and when it began by the server's clock."""

    objects: S3Objects
    name: bytes
    began: float

    def prolong(self) -> None:
        """Make sure that the turn is still this collector's."""
        if self.objects.get(_LOCK, len(self.name)) != self.name:
            raise BlockError(
                f"Another collector has taken over {self.objects.url}, as this one was held up.", mend="Let it finish."
            )
        self.objects.put(_LOCK, self.name)


def collect(
    objects: S3Objects,
    load_map: Callable[[str], BlockMap],
    live_maps: Iterable[str],
    live_digests: Iterable[bytes],
    grace: float,
) -> Collected:
    """Remove what was condemned and is not needed, then condemn what is not; see `BlockStore.collect`."""
    with _turn(objects) as turn:
        oldest = min([turn.began, *_leases(objects, turn.began, grace)])
        maps = list(objects.list("maps/"))
        live = set(live_maps)
        staying = live | {name_in(entry.key) for entry in maps if entry.written >= oldest - grace}
        needed = {digest.hex() for digest in live_digests}
        for digests in concurrently(THREADS, lambda name: _digests(load_map, name, live=name in live), staying):
            needed |= digests
        entries = {entry.key: entry for entry in (*maps, *objects.list("blocks/"))}
        dead = {key for key in entries if name_in(key) not in staying | needed}
        lists = {listed: keys_in(objects, listed.key) for listed in list(objects.list("condemned/"))}
        removed = _remove_condemned(turn, [listed for listed in lists if listed.written < oldest], lists, entries, dead)
        old = {key for key in dead if entries[key].written < oldest - grace}
        condemned = old.difference(*lists.values())
        if condemned:
            objects.put(f"condemned/{turn.name.decode()}", "\n".join(sorted(condemned)).encode())
        gone_maps = sum(entry.key.startswith(map_key("")) for entry in removed)
        return Collected(
            maps=gone_maps,
            blocks=len(removed) - gone_maps,
            stored_bytes=sum(entry.size for entry in removed if not entry.key.startswith(map_key(""))),
            condemned=len(old) - len(old & {entry.key for entry in removed}),
        )


def _remove_condemned(
    turn: _Turn,
    due: list[StoredObject],
    lists: dict[StoredObject, set[str]],
    entries: dict[str, StoredObject],
    dead: set[str],
) -> list[StoredObject]:
    """Remove of the keys in the lists that are ``due`` the dead ones, and those whose contents have another key too."""
    standing = {name_in(key) for key in entries.keys() - set().union(*lists.values())}
    removed = []
    for listed in due:
        going = {key for key in lists[listed] & entries.keys() if key in dead or name_in(key) in standing}
        rest = iter(sorted(going, reverse=True))  # maps before blocks
        while batch := list(islice(rest, _AT_ONCE)):
            turn.prolong()
            turn.objects.remove(batch)
            removed += [entries[key] for key in batch]
        turn.objects.remove([listed.key])
    return removed


def _digests(load_map: Callable[[str], BlockMap], name: str, *, live: bool) -> set[str]:
    try:
        return {digest.hex() for digest in load_map(name).digests()}
    except BlockMissingError:
        if live:
            raise
        return set()


def _leases(objects: S3Objects, now: float, grace: float) -> list[float]:
    """Return when each lease that counts began; remove the others, the begins first."""
    leases: dict[str, dict[str, float]] = {}
    for entry in objects.list("leases/"):
        _, name, what = entry.key.split("/")
        leases.setdefault(name, {})[what] = entry.written
    begins = []
    for name, signs in leases.items():
        lasts_until = max(signs.values()) + (grace if "ended" in signs else EXPIRY)
        if "begin" in signs and lasts_until >= now:
            begins.append(signs["begin"])
        elif lasts_until < now:
            objects.remove([f"leases/{name}/begin"])
            objects.remove([f"leases/{name}/{what}" for what in signs])
    return begins


@contextmanager
def _turn(objects: S3Objects) -> Iterator[_Turn]:
    name = secrets.token_hex(8).encode()
    if not objects.put_new(_LOCK, name):
        _take_over(objects, name)
    began = _written(objects, _LOCK)
    try:
        yield _Turn(objects, name, began)
    finally:
        if objects.get(_LOCK, len(name)) == name:
            objects.remove([_LOCK])


def _take_over(objects: S3Objects, name: bytes) -> None:
    """Take the turn of a collector that shows no life; of one that does, it is an error."""
    clock = f"leases/{name.decode()}/clock"
    objects.put(clock, b"")
    now = _written(objects, clock)
    objects.remove([clock])
    if now - _written(objects, _LOCK) >= EXPIRY:
        objects.remove([_LOCK])
        if objects.put_new(_LOCK, name):
            return
    raise BlockError(f"Another collector is at work on {objects.url}.", mend="Try again when it has finished.")


def _written(objects: S3Objects, key: str) -> float:
    return max((entry.written for entry in objects.list(key)), default=0.0)
