"""Clients of the EBS direct APIs, written as coldsnap and flexible-snapshot-proxy are."""

from __future__ import annotations

import base64
import hashlib
import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = 524288
GIB = 1 << 30
PARALLEL = 64
ZEROS = bytes(BLOCK)


def checksum(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def put(ebs: Any, snapshot: str, index: int, block: bytes, **more: Any) -> dict[str, Any]:
    arguments = {
        "SnapshotId": snapshot,
        "BlockIndex": index,
        "BlockData": block,
        "DataLength": BLOCK,
        "Checksum": checksum(block),
        "ChecksumAlgorithm": "SHA256",
    }
    return ebs.put_snapshot_block(**{**arguments, **more})


def upload(ebs: Any, disk: Path, *, parent: str | None = None, before: Path | None = None, linear: bool = True) -> str:
    """Upload a disk: all that is not zeros, or all that differs from ``before``, the disk of ``parent``."""
    size = disk.stat().st_size
    told = {"ParentSnapshotId": parent} if parent else {}
    started = ebs.start_snapshot(VolumeSize=math.ceil(size / GIB), Timeout=10, ClientToken=os.urandom(8).hex(), **told)
    assert started["BlockSize"] == BLOCK
    snapshot = started["SnapshotId"]
    old = before.open("rb") if before else None
    digests: dict[int, bytes] = {}
    with disk.open("rb") as file, ThreadPoolExecutor(PARALLEL) as pool:
        waiting = []
        for index in range(math.ceil(size / BLOCK)):
            block = file.read(BLOCK).ljust(BLOCK, b"\0")
            same = old.read(BLOCK).ljust(BLOCK, b"\0") if old else ZEROS
            if block != same:
                digests[index] = hashlib.sha256(block).digest()
                waiting.append(pool.submit(put, ebs, snapshot, index, block))
        for each in waiting:
            each.result()
    told = {}
    if linear:
        whole = hashlib.sha256(b"".join(digests[index] for index in sorted(digests))).digest()
        told = {
            "Checksum": base64.b64encode(whole).decode(),
            "ChecksumAlgorithm": "SHA256",
            "ChecksumAggregationMethod": "LINEAR",
        }
    ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=len(digests), **told)
    return snapshot


def listed(function: Any, key: str, **arguments: Any) -> list[dict[str, Any]]:
    """Return all pages of a listing."""
    items: list[dict[str, Any]] = []
    while True:
        page = function(**arguments)
        items += page[key]
        if not page.get("NextToken"):
            return items
        arguments["NextToken"] = page["NextToken"]


def get(ebs: Any, snapshot: str, index: int, token: str) -> bytes:
    answer = ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=index, BlockToken=token)
    data = answer["BlockData"].read()
    assert answer["ChecksumAlgorithm"] == "SHA256"
    assert answer["Checksum"] == checksum(data)
    assert answer["DataLength"] == len(data) <= BLOCK
    return data


def download(ebs: Any, snapshot: str, disk: Path) -> None:
    """Write a snapshot's disk to a sparse file."""
    first = ebs.list_snapshot_blocks(SnapshotId=snapshot, MaxResults=100)
    blocks = listed(ebs.list_snapshot_blocks, "Blocks", SnapshotId=snapshot, MaxResults=100)
    with disk.open("wb") as file:
        file.truncate(first["VolumeSize"] * GIB)

        def fetch(block: dict[str, Any]) -> None:
            data = get(ebs, snapshot, block["BlockIndex"], block["BlockToken"])
            os.pwrite(file.fileno(), data, block["BlockIndex"] * first["BlockSize"])

        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(fetch, blocks))


def patch(ebs: Any, first: str, second: str, disk: Path) -> list[int]:
    """Turn the disk of one snapshot into that of another; return the indexes of what was changed."""
    changed = listed(
        ebs.list_changed_blocks, "ChangedBlocks", FirstSnapshotId=first, SecondSnapshotId=second, MaxResults=100
    )
    with disk.open("r+b") as file:
        for block in changed:
            token = block.get("SecondBlockToken")
            data = get(ebs, second, block["BlockIndex"], token) if token else bytes(BLOCK)
            os.pwrite(file.fileno(), data, block["BlockIndex"] * BLOCK)
    return [block["BlockIndex"] for block in changed]


def same(one: Path, two: Path) -> bool:
    """Tell whether two disks are the same, byte for byte."""
    if one.stat().st_size != two.stat().st_size:
        return False
    with one.open("rb", buffering=0) as first, two.open("rb", buffering=0) as second:
        while chunk := first.read(GIB // 64):
            if chunk != second.read(GIB // 64):
                return False
    return True
