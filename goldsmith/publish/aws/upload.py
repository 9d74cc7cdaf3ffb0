"""A disk becomes a snapshot through the EBS direct APIs: only what is not zeros, or differs from the snapshot below it.

API: "EBS direct APIs for snapshots" (StartSnapshot, PutSnapshotBlock, CompleteSnapshot; checksums are SHA-256, and the
whole's is that of the blocks' digests in their order, "LINEAR").
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.blocks.block_map import BLOCK, ZERO
from goldsmith.blocks.concurrently import concurrently
from goldsmith.publish.aws.clients import THREADS, AwsPublishError
from goldsmith.publish.aws.marks import CONTENT_TAG
from goldsmith.publish.aws.patience import Patience
from goldsmith.publish.aws.waiting import await_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mypy_boto3_ebs import EBSClient

    from goldsmith.blocks.block_map import BlockMap
    from goldsmith.publish.aws.clients import Clients
    from goldsmith.publish.aws.encryption import Encryption
    from goldsmith.publish.aws.journal import Begun, Journal
    from goldsmith.publish.source import Blocks, Progress

GIB = 1 << 30
TIMEOUT = 24 * 60
"""Minutes without a block after which AWS gives a pending snapshot up: so long a cut upload can be gone on with."""


@dataclass(frozen=True)
class UploadPlan:
    """What is to be sent: over which snapshot, which blocks, and which of them have arrived before.

    ``pending`` is the snapshot that an earlier run began, ``whole`` whether it completed it; ``asked`` is one that it
    asked for, without hearing which it is.
    """

    parent: str
    changed: Mapping[int, bytes]
    arrived: frozenset[int]
    pending: str = ""
    whole: bool = False
    asked: Begun | None = None

    @property
    def missing(self) -> list[int]:
        """The blocks that are still to be sent, ascending."""
        return sorted(self.changed.keys() - self.arrived)

    @property
    def least(self) -> int:
        """The bytes of all changed blocks."""
        return len(self.changed) * BLOCK


def content_name(block_map: BlockMap, key: str) -> str:
    """Return what a snapshot is found again by: a digest of the disk and the key that enciphers it."""
    return hashlib.sha256(block_map.encode() + key.encode()).hexdigest()


def find_snapshot(clients: Clients, region: str, content: str) -> str:
    """Return the whole snapshot of that content in the account, empty for none."""
    filters: Any = [{"Name": f"tag:{CONTENT_TAG}", "Values": [content]}, {"Name": "status", "Values": ["completed"]}]
    found = clients.ec2(region).describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
    return min((each["SnapshotId"] for each in found), default="")


def plan_upload(
    clients: Clients, region: str, journal: Journal, block_map: BlockMap, encryption: Encryption
) -> UploadPlan:
    """Return what is to be sent, going on from an earlier run's snapshot where that is still pending."""
    known = journal.finished()
    begun = journal.pending()
    shown = _shown(clients, region, [*known, begun.snapshot] if begun and begun.snapshot else list(known))
    state = shown[begun.snapshot]["State"] if begun and begun.snapshot in shown else "error"
    if begun and state in ("pending", "completed"):
        below = known.get(begun.parent) if begun.parent else None
        if below is not None or not begun.parent:
            changed = _changed(block_map, below)
            arrived = begun.blocks & changed.keys()
            whole = state == "completed" and len(arrived) == len(changed)
            if whole or state == "pending":
                return UploadPlan(begun.parent, changed, arrived, begun.snapshot, whole=whole)
    parent, to_send = _best_parent(known, shown, block_map, encryption)
    asked = begun.begun if begun and not begun.snapshot and begun.parent == parent else None
    return UploadPlan(parent, to_send, frozenset(), asked=asked)


def _best_parent(
    known: Mapping[str, BlockMap], shown: Mapping[str, Any], block_map: BlockMap, encryption: Encryption
) -> tuple[str, Mapping[int, bytes]]:
    """Return the snapshot to send over, "" for none, and what then is to be sent.

    A snapshot has the key of the one that it is over, and may not be smaller.
    """
    usable = {
        name: _changed(block_map, known[name])
        for name, snapshot in shown.items()
        if name in known
        and snapshot["State"] == "completed"
        and encryption.fits(snapshot)
        and known[name].size <= block_map.size
    }
    everything = _changed(block_map, None)
    best = min(usable, key=lambda name: (len(usable[name]), name), default="")
    return (best, usable[best]) if best and len(usable[best]) < len(everything) else ("", everything)


def upload(
    clients: Clients,
    region: str,
    journal: Journal,
    blocks: Blocks,
    plan: UploadPlan,
    *,
    image: str,
    place: str,
    tags: Mapping[str, str],
    encryption: Encryption,
    progress: Progress | None = None,
) -> str:
    """Send what the plan says, wait until the snapshot is whole, return it; cut short, a later call goes on.

    ``image`` and ``place`` are noted, for who later asks what was cut short.
    """
    ebs = clients.ebs(region)
    snapshot = plan.pending
    patience = Patience(young=not snapshot)
    if not snapshot:
        begun = plan.asked or journal.intend(image, place, plan.parent)
        size = max(1, -(-blocks.map.size // GIB))
        try:
            snapshot = _start(ebs, begun, size, tags, encryption)
        except ebs.exceptions.ConflictException:
            begun = journal.intend(image, place, plan.parent)
            snapshot = _start(ebs, begun, size, tags, encryption)
        journal.begin(begun, snapshot)

    def put(index: int) -> int:
        data = blocks.read(index)
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        answer = patience.ask(
            lambda: ebs.put_snapshot_block(
                SnapshotId=snapshot,
                BlockIndex=index,
                BlockData=data,
                DataLength=BLOCK,
                Checksum=digest,
                ChecksumAlgorithm="SHA256",
            )
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
        patience.ask(
            lambda: ebs.complete_snapshot(
                SnapshotId=snapshot,
                ChangedBlocksCount=len(plan.changed),
                Checksum=base64.b64encode(hashlib.sha256(digests).digest()).decode(),
                ChecksumAlgorithm="SHA256",
                ChecksumAggregationMethod="LINEAR",
            )
        )
    await_snapshot(clients, region, snapshot)
    journal.finish(snapshot, blocks.map)
    return snapshot


def journal_folder(home: Path, place: str, key: str) -> Path:
    """Return where what was sent to an account's region is noted. Snapshots of other keys have no common parents."""
    return journals(home) / hashlib.sha256(f"{place} {key}".encode()).hexdigest()[:24]


def journals(home: Path) -> Path:
    """Return the folder of all those folders."""
    return home / "publishing" / "aws"


def _start(ebs: EBSClient, begun: Begun, size: int, tags: Mapping[str, str], encryption: Encryption) -> str:
    """Begin a snapshot of ``size`` GiB. EBS takes a parent or an encryption, never both: the parent's is inherited."""
    asked: dict[str, Any] = {
        "VolumeSize": size,
        "ClientToken": begun.token,
        "Description": f"The disk of {begun.image}"[:255],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        "Timeout": TIMEOUT,
    }
    if begun.parent:
        asked["ParentSnapshotId"] = begun.parent
    elif encryption.on:
        asked |= {"Encrypted": True} | ({"KmsKeyArn": encryption.key} if encryption.key else {})
    return ebs.start_snapshot(**asked)["SnapshotId"]


def _changed(block_map: BlockMap, below: BlockMap | None) -> dict[int, bytes]:
    """Return the blocks that differ from ``below``, zeros where only that has something; without it, all."""
    mine = dict(block_map.items())
    if below is None:
        return mine
    theirs = dict(below.items())
    changed = {index: digest for index, digest in mine.items() if theirs.get(index) != digest}
    return changed | dict.fromkeys(theirs.keys() - mine.keys(), ZERO)


def _shown(clients: Clients, region: str, names: Sequence[str]) -> dict[str, Any]:
    """Return the snapshots that are still there, as DescribeSnapshots shows them."""
    if not names:
        return {}
    filters: Any = [{"Name": "snapshot-id", "Values": list(names)}]
    found = clients.ec2(region).describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
    return {each["SnapshotId"]: each for each in found}
