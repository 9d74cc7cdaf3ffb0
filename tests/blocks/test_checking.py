"""A check finds what is wrong and whom it hits; a repair mends what another store has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import pytest

from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.blocks.copies import copy_map
from goldsmith.blocks.file_store import FileStore
from goldsmith.blocks.store import BlockDamagedError, BlockStore, open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    Block = Callable[[int], bytes]
    Saved = Callable[..., str]


@pytest.fixture
def stored(s3_endpoint: str) -> Callable[[BlockStore, str, bytes | None], None]:
    """Write other bytes to a store's place of this name, or remove it."""

    def change(store: BlockStore, place: str, data: bytes | None) -> None:
        parts = urlsplit(store.url)
        if isinstance(store, FileStore):
            path = Path(parts.path) / place
            if data is None:
                path.unlink()
            else:
                path.write_bytes(data)
            return
        client = boto3.client("s3", endpoint_url=s3_endpoint, region_name="us-east-1")
        key = f"{parts.path.strip('/')}/{place}"
        if data is None:
            client.delete_object(Bucket=parts.netloc, Key=key)
        else:
            client.put_object(Bucket=parts.netloc, Key=key, Body=data)

    return change


def place_of(digest: bytes | None) -> str:
    assert digest
    return f"blocks/{digest.hex()[:2]}/{digest.hex()[2:]}"


def test_a_whole_store_is_whole(store: BlockStore, saved: Saved) -> None:
    told: list[tuple[int, int]] = []
    checked = store.check([saved(store, 1, 2, 0)], progress=lambda *done: told.append(done))
    assert (checked.blocks, checked.missing, checked.damaged, checked.maps) == (2, {}, {}, ())
    assert checked.hit_maps == set()
    assert told == [(1, 2), (2, 2)]


def test_what_is_wrong_is_found_and_mended(
    store: BlockStore, saved: Saved, stored: Callable[..., None], tmp_path: Path, block: Block
) -> None:
    both, one, whole = saved(store, 1, 2, 3), saved(store, 2, 4), saved(store, 4)
    first, second, third = (store.load_map(both).get(index) for index in range(3))
    other = open_store(f"file://{tmp_path}/other")
    copy_map(store, other, one)
    stored(store, place_of(first), None)
    stored(store, place_of(second), b"torn")
    stored(store, place_of(third), store.frame(store.load_map(whole).get(0) or b""))

    found = store.check([both, one, whole])
    assert found.missing == {first: (both,)}
    assert found.damaged == {second: tuple(sorted((both, one))), third: (both,)}
    assert found.hit_maps == {both, one}

    mended = store.check([both, one, whole], repair=True, source=other)
    assert mended.repaired == {second}
    assert mended.set_aside == {second, third}
    assert mended.hit_maps == {both}
    assert store.get(second or b"") == block(2)

    left = store.check([both, one, whole])
    assert (left.missing, left.damaged) == ({first: (both,), third: (both,)}, {})
    saved(store, 1, 3)  # whoever stores the same again mends the rest
    assert store.check([both, one, whole]).hit_maps == set()


def test_a_damaged_map_is_told(store: BlockStore, saved: Saved, stored: Callable[..., None]) -> None:
    name, other = saved(store, 1), saved(store, 2)
    stored(store, f"maps/{name}", BlockMap(BLOCK, {}).encode())
    with pytest.raises(BlockDamagedError, match=f"{name} in .* is damaged: its SHA-256"):
        store.load_map(name)
    assert store.check([name, other]).maps == (name,)
    with pytest.raises(BlockDamagedError):
        store.collect([name, other], grace=0)
    assert len(store.blocks()) == 2


def test_usage_counts_what_is_shared(store: BlockStore, saved: Saved) -> None:
    first, second = saved(store, 1, 2, None, 0), saved(store, 2, 3, 3)
    saved(store, 4)
    usage = store.usage([first, second, second])
    assert (usage.maps, usage.disks) == (3, 10 * BLOCK)
    assert (usage.logical, usage.referenced, usage.shared) == (8 * BLOCK, 3 * BLOCK, 5 * BLOCK)
    sizes = store.blocks()
    fourth = sum(sizes.values()) - usage.stored
    assert 0 < fourth == usage.unreferenced < usage.stored
