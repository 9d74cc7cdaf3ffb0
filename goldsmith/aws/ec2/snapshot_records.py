"""What a snapshot's record holds, from its beginning to its end.

``inner`` has its "map" once it is complete, and until then what is being done: "upload" (its timeout in minutes) and
"sealed" (how it was completed), "copy" (from where), "capture" (of what), "import" (the task). A record that names the
map of another snapshot, under "parent_map" or "copy", keeps that map from the collector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.wire.times import iso
from goldsmith.blocks.block_map import BLOCK
from goldsmith.catalog.resources import Query, Resource, new_id
from goldsmith.catalog.uses import RECYCLED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.aws.cloud import Cloud
    from goldsmith.blocks.block_map import BlockMap

GIB = 1 << 30
NO_VOLUME = "vol-ffffffff"
"""The volume of snapshots that were made of none: copies, imports and uploads."""

MOST_PENDING = 100
"""Snapshots that an account may have in the making in a region (EBS service quotas)."""


def new_snapshot(
    call: Call, size: int, *, description: str = "", volume: str = NO_VOLUME, inner: Mapping[str, Any]
) -> Resource:
    """Return a pending snapshot of ``size`` GiB of the caller's, which is in no catalogue yet."""
    return blank_snapshot(
        call.account.id, call.region, call.now, size, description=description, volume=volume, inner=inner
    )


def blank_snapshot(
    account: str,
    region: str,
    now: float,
    size: int,
    *,
    description: str = "",
    volume: str = NO_VOLUME,
    inner: Mapping[str, Any] | None = None,
) -> Resource:
    """Return a pending snapshot of ``size`` GiB, which is in no catalogue yet."""
    document = {
        "VolumeSize": size,
        "VolumeId": volume,
        "Description": description,
        "Encrypted": False,
        "SseType": "none",
        "StorageTier": "standard",
        "Progress": "0%",
    }
    return Resource(new_id("snap"), "snapshot", account, region, "", "pending", now, document, dict(inner or {}))


def completed(snapshot: Resource, name: str, block_map: BlockMap, now: float) -> Resource:
    """Return the snapshot with its contents: the map of that name."""
    return snapshot.having(
        state="completed",
        Progress="100%",
        StateMessage=None,
        CompletionTime=iso(now),
        FullSnapshotSizeInBytes=len(block_map) * BLOCK,
    ).knowing(map=name, copy=None, parent_map=None, capture=None, frozen=None)


def failed(snapshot: Resource, message: str) -> Resource:
    """Return the snapshot with the reason why it has no contents."""
    return snapshot.having(state="error", StateMessage=message).knowing(
        copy=None, parent_map=None, capture=None, frozen=None
    )


def gibibytes(size: int) -> int:
    """Return the whole GiB that a disk of ``size`` bytes takes, at least one."""
    return max(1, -(-size // GIB))


def images_using(call: Call, snapshot: str) -> list[str]:
    """Return the ids of the caller's AMIs that are made of a snapshot, with those in the recycle bin."""
    return [
        image.id
        for kind in ("image", f"{RECYCLED}image")
        for image in call.catalog.find(Query(kind, owners=(call.account.id,), uses=(snapshot,)))
        if image.state not in {"deregistered", "failed"}
    ]


def require_room(call: Call, code: str = "ConcurrentSnapshotLimitExceeded") -> None:
    """Raise AwsError when the caller has as many snapshots in the making here as it may."""
    pending = call.catalog.find(Query("snapshot", owners=(call.account.id,), states=("pending",)))
    if sum(1 for _ in pending) >= MOST_PENDING:
        raise AwsError(code, f"You have reached the maximum of {MOST_PENDING} pending snapshots.")


def require_unencrypted(*, encrypted: bool | None, key: str | None) -> None:
    """Raise AwsError for encryption, which this house has no keys for: nothing may only say that it is encrypted."""
    if key and not encrypted:
        raise AwsError(
            "InvalidParameterDependency", "The parameter [KmsKeyId] requires the parameter Encrypted to be set."
        )
    if encrypted:
        raise AwsError(
            "UnsupportedOperation",
            "There is no key management here, so that nothing is encrypted one snapshot at a time. Encrypt the disk "
            "or bucket that the region's block store is on.",
        )


def report_progress(cloud: Cloud, snapshot: Resource, percent: int) -> bool:
    """Show how far a pending snapshot is; tell whether it is still wanted."""
    with cloud.catalog(snapshot.account, snapshot.region) as catalog:
        there = catalog.own("snapshot", snapshot.id)
        if there is None or there.state != "pending":
            return False
        catalog.save(there.having(Progress=f"{min(99, percent)}%"))
        return True


def record_failure(cloud: Cloud, snapshot: Resource, message: str) -> None:
    """Put a pending snapshot into the state error; one that is gone or complete is left alone."""
    with cloud.catalog(snapshot.account, snapshot.region) as catalog:
        there = catalog.own("snapshot", snapshot.id)
        if there is not None and there.state == "pending":
            catalog.save(failed(there, message))
