from __future__ import annotations

import pytest

from goldsmith.blocks.block_map import BLOCK, ZERO, BlockMap
from goldsmith.blocks.store import BlockDamagedError, BlockError, BlockMissingError
from goldsmith.machines.instances import exports
from goldsmith.machines.instances.exports import BlockCache, Export

DIGESTS = [bytes([number]) * 32 for number in range(4)]


class Store:
    """Fails as it is told to, then gives blocks; counts what it was asked for."""

    url = "memory"

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.asked: list[bytes] = []

    def get(self, digest: bytes) -> bytes:
        self.asked.append(digest)
        if self.failures:
            raise self.failures.pop(0)
        return digest[:1] * BLOCK


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "FIRST_PAUSE", 0.0)


def cache(store: Store, capacity: int = 2, patience: float = 60) -> BlockCache:
    return BlockCache(store, capacity, patience)  # type: ignore[arg-type]


def test_the_blocks_read_last_are_kept() -> None:
    store = Store()
    kept = cache(store)
    for digest in (DIGESTS[0], DIGESTS[1], DIGESTS[0], DIGESTS[2], DIGESTS[0], DIGESTS[1]):
        assert kept.get(digest) == digest[:1] * BLOCK
    assert store.asked == [DIGESTS[0], DIGESTS[1], DIGESTS[2], DIGESTS[1]]


def test_a_store_that_cannot_be_reached_is_tried_again() -> None:
    store = Store(BlockError("The bucket does not answer."), OSError("Stale file handle"))
    assert cache(store).get(DIGESTS[3])[:1] == b"\3"
    assert len(store.asked) == 3


@pytest.mark.parametrize("failure", [BlockMissingError("Gone."), BlockDamagedError("Torn.")])
def test_a_block_that_is_lost_is_not_tried_again(failure: BlockError) -> None:
    store = Store(failure)
    with pytest.raises(type(failure)):
        cache(store).get(DIGESTS[3])
    assert len(store.asked) == 1


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "FIRST_PAUSE", 1.0)
    with pytest.raises(BlockError, match="Stale"):
        cache(Store(OSError("Stale file handle")), patience=0).get(DIGESTS[3])


def test_extents_join_zeros_of_every_kind() -> None:
    export = Export(5 * BLOCK, BlockMap(4 * BLOCK, {0: DIGESTS[1], 2: ZERO, 3: DIGESTS[2]}), cache(Store()))
    assert list(export.extents(0, 5 * BLOCK)) == [
        (0, BLOCK, DIGESTS[1]),
        (BLOCK, 2 * BLOCK, None),
        (3 * BLOCK, BLOCK, DIGESTS[2]),
        (4 * BLOCK, BLOCK, None),
    ]
    assert list(export.extents(10, 5)) == [(10, 5, DIGESTS[1])]
