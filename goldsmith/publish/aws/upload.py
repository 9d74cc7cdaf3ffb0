"""A disk becomes a snapshot through the EBS direct APIs: only what is not zeros, or differs from the snapshot below it.

API: "EBS direct APIs for snapshots" (StartSnapshot, PutSnapshotBlock, CompleteSnapshot; checksums are SHA-256, and the
whole's is that of the blocks' digests in their order, "LINEAR").
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.blocks.block_map import BLOCK, ZERO
from goldsmith.blocks.concurrently import concurrently
from goldsmith.publish.aws.clients import THREADS, AwsPublishError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from goldsmith.blocks.block_map import BlockMap
    from goldsmith.publish.aws.clients import Clients
    from goldsmith.publish.aws.journal import Journal
    from goldsmith.publish.source import Blocks, Progress

GIB = 1 << 30
CONTENT_TAG = "goldsmith:content"
IMAGE_TAG = "goldsmith:image"
COMPLETION: Any = {"Delay": 2, "MaxAttempts": 1800}
"""A snapshot is completed in seconds to minutes; an hour is waited for it."""


@dataclass(frozen=True)
class UploadPlan:
    """What is to be sent: over which snapshot, which blocks, and which of them have arrived before.

    ``pending`` is the snapshot that an earlier run began, ``whole`` whether it completed it.
    """

    parent: str
    changed: Mapping[int, bytes]
    arrived: frozenset[int]
    pending: str = ""
    whole: bool = False

    @property
    def missing(self) -> list[int]:
        """The blocks that are still to be sent, ascending."""
        return sorted(self.changed.keys() - self.arrived)

    @property
    def least(self) -> int:
        """The bytes of all changed blocks."""
        return len(self.changed) * BLOCK


def content_name(block_map: BlockMap, kms_key: str) -> str:
    """Return what a snapshot is found again by: a digest of the disk and the key that enciphers it."""
    return hashlib.sha256(block_map.encode() + kms_key.encode()).hexdigest()


def find_snapshot(clients: Clients, region: str, content: str) -> str:
    """Return the whole snapshot of that content in the account, empty for none."""
    filters: Any = [{"Name": f"tag:{CONTENT_TAG}", "Values": [content]}, {"Name": "status", "Values": ["completed"]}]
    found = clients.ec2(region).describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
    return min((each["SnapshotId"] for each in found), default="")


def plan_upload(clients: Clients, region: str, journal: Journal, block_map: BlockMap) -> UploadPlan:
    """Return what is to be sent, going on from an earlier run's snapshot where that is still pending."""
    known = journal.finished()
    begun = journal.pending()
    state = _states(clients, region, [begun.snapshot]).get(begun.snapshot, "error") if begun else "error"
    if begun and state != "error":
        below = known.get(begun.parent) if begun.parent else None
        if below is not None or not begun.parent:
            changed = _changed(block_map, below)
            arrived = begun.blocks & changed.keys()
            whole = state == "completed" and len(arrived) == len(changed)
            return UploadPlan(begun.parent, changed, arrived, begun.snapshot, whole=whole)
    states = _states(clients, region, list(known))
    usable = {name: _changed(block_map, known[name]) for name, state in states.items() if state == "completed"}
    everything = _changed(block_map, None)
    best = min(usable, key=lambda name: (len(usable[name]), name), default="")
    if best and len(usable[best]) < len(everything) and known[best].size <= block_map.size:
        return UploadPlan(best, usable[best], frozenset())
    return UploadPlan("", everything, frozenset())


def upload(
    clients: Clients,
    region: str,
    journal: Journal,
    blocks: Blocks,
    plan: UploadPlan,
    *,
    tags: Mapping[str, str],
    description: str,
    encrypted: bool,
    kms_key: str,
    progress: Progress | None = None,
) -> str:
    """Send what the plan says, wait until the snapshot is whole, return it; cut short, a later call goes on."""
    ebs = clients.ebs(region)
    snapshot = plan.pending
    if not snapshot:
        asked: dict[str, Any] = {
            "VolumeSize": -(-blocks.map.size // GIB),
            "ClientToken": str(uuid.uuid4()),
            "Description": description[:255],
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }
        if plan.parent:
            asked["ParentSnapshotId"] = plan.parent
        elif encrypted:
            asked |= {"Encrypted": True} | ({"KmsKeyArn": kms_key} if kms_key else {})
        snapshot = ebs.start_snapshot(**asked)["SnapshotId"]
        journal.begin(snapshot, plan.parent)

    def put(index: int) -> int:
        data = blocks.read(index)
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        answer = ebs.put_snapshot_block(
            SnapshotId=snapshot,
            BlockIndex=index,
            BlockData=data,
            DataLength=BLOCK,
            Checksum=digest,
            ChecksumAlgorithm="SHA256",
        )
        if answer["Checksum"] != digest:
            raise AwsPublishError(f"AWS has other bytes in block {index} of {snapshot} than were sent.")
        journal.confirm(index)
        return index

    missing = plan.missing
    arrived = len(plan.changed) - len(missing)
    with journal.confirming():
        for done, _ in enumerate(concurrently(THREADS, put, missing), 1):
            if progress:
                progress((arrived + done) * BLOCK, plan.least)
    if not plan.whole:
        digests = b"".join(plan.changed[index] for index in sorted(plan.changed))
        ebs.complete_snapshot(
            SnapshotId=snapshot,
            ChangedBlocksCount=len(plan.changed),
            Checksum=base64.b64encode(hashlib.sha256(digests).digest()).decode(),
            ChecksumAlgorithm="SHA256",
            ChecksumAggregationMethod="LINEAR",
        )
    clients.ec2(region).get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot], WaiterConfig=COMPLETION)
    journal.finish(snapshot, blocks.map)
    return snapshot


def journal_folder(home: Path, place: str, kms_key: str) -> Path:
    """Return where what was sent to an account's region is noted. Snapshots of other keys have no common parents."""
    return home / "publishing" / "aws" / hashlib.sha256(f"{place} {kms_key}".encode()).hexdigest()[:24]


def _changed(block_map: BlockMap, below: BlockMap | None) -> dict[int, bytes]:
    """Return the blocks that differ from ``below``, zeros where only that has something; without it, all."""
    mine = dict(block_map.items())
    if below is None:
        return mine
    theirs = dict(below.items())
    changed = {index: digest for index, digest in mine.items() if theirs.get(index) != digest}
    return changed | dict.fromkeys(theirs.keys() - mine.keys(), ZERO)


def _states(clients: Clients, region: str, names: Sequence[str]) -> dict[str, str]:
    """Return the states of the snapshots that are still there."""
    if not names:
        return {}
    filters: Any = [{"Name": "snapshot-id", "Values": list(names)}]
    found = clients.ec2(region).describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
    return {each["SnapshotId"]: each["State"] for each in found}
