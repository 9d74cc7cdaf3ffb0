"""What a Writing holds of an S3 store: a sign of life, and what was condemned when it began."""

from __future__ import annotations

import secrets
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

from goldsmith.blocks.concurrently import concurrently
from goldsmith.blocks.errors import BlockError
from goldsmith.blocks.s3_objects import THREADS, block_key, map_key, name_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.blocks.s3_objects import S3Objects

SIGN_OF_LIFE = 60.0
EXPIRY = 20 * 60.0
"""Seconds after its last sign of life at which a lease is taken for dead: the grace, and five signs missed."""
_MOST_CONDEMNED = 1 << 30
_LISTED_AT_ONCE = 4


class S3Lease:
    """A `Lease` on an S3 store. What is written is durable, and visible, at once.

    What is found and was not condemned when the lease began stays until the lease has ended; what was condemned is
    written again under a name of its own. `s3_collector` has the argument.
    """

    def __init__(self, objects: S3Objects) -> None:
        self.threads = THREADS
        self._objects = objects
        self._id = secrets.token_hex(8)
        self._begin = f"leases/{self._id}/begin"
        objects.put(self._begin, b"")
        self._condemned = condemned_keys(objects)
        self._ended = Event()
        self._living = Thread(target=self._live, name=f"lease {self._id}", daemon=True)
        self._living.start()

    def keep(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return those of ``digests`` whose blocks are there and not condemned."""
        return present(self._objects, digests, self._condemned)

    def stage(self, digest: bytes, frame: bytes) -> None:
        """Write a block."""
        self._objects.put(self._fresh(block_key(digest)), frame)

    def publish_map(self, name: str, encoded: bytes) -> None:
        """Write a map; a lease that was taken for dead since is a `BlockError`."""
        self._objects.put(self._fresh(map_key(name)), encoded)
        self.publish()

    def publish(self) -> None:
        """See to it that what was staged, which is durable and visible, was spared until now."""
        if self._objects.get(self._begin, 0) is None:
            raise BlockError(
                f"Writing to {self._objects.url} was held up for more than {EXPIRY:.0f} seconds, so that what it "
                "wrote may have been collected.",
                mend="Run it again: what is still there is not sent again.",
            )

    def show_life(self) -> None:
        """Put off the lease's expiry; it does so itself every `SIGN_OF_LIFE` seconds."""
        self._objects.put(f"leases/{self._id}/alive", b"")

    def end(self) -> None:
        """Let go; the collector removes the lease some time later."""
        self._ended.set()
        self._living.join()
        with suppress(BlockError):  # it expires
            self._objects.put(f"leases/{self._id}/ended", b"")

    def _fresh(self, key: str) -> str:
        return f"{key}.{self._id}" if key in self._condemned else key

    def _live(self) -> None:
        while not self._ended.wait(SIGN_OF_LIFE):
            with suppress(BlockError):  # the next may come through; `publish` asks whether it was too late
                self.show_life()


def condemned_keys(objects: S3Objects) -> set[str]:
    """Return the keys that collectors have condemned and not yet removed or reprieved."""
    keys: set[str] = set()
    for listed in objects.list("condemned/"):
        keys |= keys_in(objects, listed.key)
    return keys


def keys_in(objects: S3Objects, condemned: str) -> set[str]:
    """Return the keys in one list of the condemned."""
    return set((objects.get(condemned, _MOST_CONDEMNED) or b"").decode().split())


def present(objects: S3Objects, digests: Iterable[bytes], condemned: Iterable[str] = ()) -> set[bytes]:
    """Return those of ``digests`` of which there is a block whose key is not condemned."""
    wanted = set(digests)
    folders: dict[str, list[str]] = {}
    for digest in wanted:
        key = block_key(digest)
        folders.setdefault(key[: key.rindex("/") + 1], []).append(key)
    prefixes = [
        prefix for folder, keys in folders.items() for prefix in (keys if len(keys) < _LISTED_AT_ONCE else [folder])
    ]
    gone = frozenset(condemned)
    found: set[bytes] = set()
    for listed in concurrently(min(THREADS, len(prefixes) or 1), lambda prefix: list(objects.list(prefix)), prefixes):
        found |= {bytes.fromhex(name_in(entry.key)) for entry in listed if entry.key not in gone}
    return wanted & found
