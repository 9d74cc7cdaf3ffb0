"""Blocks of snapshots, listed and read: ListSnapshotBlocks, ListChangedBlocks, GetSnapshotBlock."""

from __future__ import annotations

import heapq
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ebs.checksums import encode
from goldsmith.aws.ebs.refusals import invalid, no_snapshot
from goldsmith.aws.ebs.tokens import (
    BLOCK_SECONDS,
    block_token,
    page_token,
    read_block_token,
    read_page_token,
)
from goldsmith.aws.ec2.snapshot_tiers import is_archived
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ebs
from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.blocks.errors import BlockError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call
    from goldsmith.blocks.store import BlockStore
    from goldsmith.catalog.resources import Resource

DEFAULT_PAGE = 10_000
"""Blocks of a page where the request does not say how many."""

MAPS_KEPT = 4
"""A listing comes in many pages; its map is decoded once."""


@ebs.operation()
def list_snapshot_blocks(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the blocks that a snapshot has, with the tokens to read them."""
    snapshot = _readable(call, parameters["SnapshotId"])
    question = f"of {snapshot.id} for {call.account.id}"
    block_map = _map(call.blocks, snapshot)
    expires = call.now + BLOCK_SECONDS
    indexes, more = _page(call, parameters, question, iter(block_map.indexes_from(_start(call, parameters, question))))
    blocks = [
        {"BlockIndex": index, "BlockToken": _token(call, snapshot, block_map, index, expires)} for index in indexes
    ]
    return {"Blocks": blocks, **_about(snapshot, expires), **more}


@ebs.operation(
    deviation="Any two snapshots can be compared, also of different lineages: contents are told apart by SHA-256."
)
def list_changed_blocks(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the blocks in which a snapshot differs from another one, or all that it has where no other is given."""
    second = _readable(call, parameters["SecondSnapshotId"])
    first = _readable(call, parameters["FirstSnapshotId"]) if parameters.get("FirstSnapshotId") else None
    question = f"of {first.id if first else '-'} and {second.id} for {call.account.id}"
    before = _map(call.blocks, first) if first else BlockMap(0, {})
    after = _map(call.blocks, second)
    expires = call.now + BLOCK_SECONDS
    start = _start(call, parameters, question)
    indexes, more = _page(call, parameters, question, _changed(before, after, start))
    changed = []
    for index in indexes:
        item: dict[str, Any] = {"BlockIndex": index}
        if first and before.get(index) is not None:
            item["FirstBlockToken"] = _token(call, first, before, index, expires)
        if after.get(index) is not None:
            item["SecondBlockToken"] = _token(call, second, after, index, expires)
        changed.append(item)
    return {"ChangedBlocks": changed, **_about(second, expires), **more}


@ebs.operation()
def get_snapshot_block(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a block's data, verified, and its checksum."""
    snapshot = _readable(call, parameters["SnapshotId"])
    digest = read_block_token(
        call.cloud.vault, snapshot.id, parameters["BlockIndex"], parameters["BlockToken"], call.now
    )
    call.catalog.connection.close()
    try:
        block = call.blocks.get(digest)
    except BlockError as damage:
        raise AwsError("InternalServerException", damage.message) from damage
    return {"DataLength": len(block), "BlockData": block, "Checksum": encode(digest), "ChecksumAlgorithm": "SHA256"}


def _readable(call: Call, identifier: str) -> Resource:
    """Return a completed snapshot of the caller's, or one that is shared with its account."""
    snapshot = call.catalog.get("snapshot", identifier)
    if snapshot is None:
        raise no_snapshot(identifier)
    if snapshot.account != call.account.id and not call.catalog.granted_among([snapshot]):
        raise AwsError(
            "AccessDeniedException",
            f"The blocks of public snapshots cannot be read; '{identifier}' is not shared with this account.",
            Reason="UNAUTHORIZED_ACCOUNT",
        )
    if snapshot.state != "completed" or is_archived(snapshot, call.now):
        raise invalid("INVALID_SNAPSHOT_ID", f"The snapshot '{identifier}' is not completed, or is archived.")
    return snapshot


def _map(store: BlockStore, snapshot: Resource) -> BlockMap:
    try:
        return _load(store, str(snapshot.inner["map"]))
    except BlockError as damage:
        raise AwsError("InternalServerException", damage.message) from damage


@lru_cache(MAPS_KEPT)
def _load(store: BlockStore, name: str) -> BlockMap:
    return store.load_map(name)


def _start(call: Call, parameters: dict[str, Any], question: str) -> int:
    if token := parameters.get("NextToken"):
        return read_page_token(call.cloud.vault, question, token, call.now)
    return int(parameters.get("StartingBlockIndex") or 0)


def _page(
    call: Call, parameters: dict[str, Any], question: str, indexes: Iterator[int]
) -> tuple[list[int], dict[str, str]]:
    """Return one page of indexes, and the token for the next one where there is one."""
    page = list(islice(indexes, parameters.get("MaxResults") or DEFAULT_PAGE))
    following = next(indexes, None)
    if following is None:
        return page, {}
    return page, {"NextToken": page_token(call.cloud.vault, question, following, call.now)}


def _changed(before: BlockMap, after: BlockMap, start: int) -> Iterator[int]:
    """Yield the indexes of blocks that one has and the other has not, or has with other contents."""
    previous = -1
    for index in heapq.merge(before.indexes_from(start), after.indexes_from(start)):
        if index != previous and before.get(index) != after.get(index):
            yield index
        previous = index


def _token(call: Call, snapshot: Resource, block_map: BlockMap, index: int, expires: float) -> str:
    digest = block_map.get(index)
    assert digest is not None, "a listed block is in its map"  # noqa: S101 - for the type checker
    return block_token(call.cloud.vault, snapshot.id, index, digest, expires)


def _about(snapshot: Resource, expires: float) -> dict[str, Any]:
    return {"ExpiryTime": expires, "VolumeSize": int(snapshot.document["VolumeSize"]), "BlockSize": BLOCK}
