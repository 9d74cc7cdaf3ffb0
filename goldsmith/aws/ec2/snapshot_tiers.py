"""The archive tier: a snapshot there cannot be used until it is restored (EBS user guide, "Archive snapshots")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.ec2.snapshot_records import images_using
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.wire.times import iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

DAY = 86400
LONGEST_RESTORE = 180
"""Days."""

FILTERS = {
    "snapshot-id": "SnapshotId",
    "volume-id": "VolumeId",
    "last-tiering-operation": "LastTieringOperationStatus",
}


def is_archived(snapshot: Resource, now: float) -> bool:
    """Tell whether a snapshot is in the archive now; one that was restored for some days is not, until they end."""
    tiering = snapshot.inner.get("tiering")
    if not tiering or tiering["operation"] == "permanent-restore":
        return False
    return bool(now >= (tiering.get("until") or 0))


def require_standard(snapshot: Resource, now: float) -> None:
    """Raise AwsError for a snapshot that has to be restored from the archive first."""
    if is_archived(snapshot, now):
        raise AwsError(
            "IncorrectState", f"The snapshot '{snapshot.id}' is archived. Restore it first (RestoreSnapshotTier)."
        )


def show_tier(snapshot: Resource, now: float) -> dict[str, Any]:
    """Return what DescribeSnapshots shows of a snapshot's tier."""
    if is_archived(snapshot, now):
        return {"StorageTier": "archive"}
    until = (snapshot.inner.get("tiering") or {}).get("until")
    return {"StorageTier": "standard", **({"RestoreExpiryTime": iso(until)} if until else {})}


@ec2.operation(
    deviation="An archived snapshot cannot be used until it is restored, as on AWS, but its blocks stay in the "
    "region's store; archiving and restoring take no time."
)
def modify_snapshot_tier(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Archive a snapshot that no AMI uses."""
    snapshot = owned(call, "snapshot", parameters["SnapshotId"])
    if snapshot.state != "completed":
        raise AwsError("IncorrectState", f"The snapshot '{snapshot.id}' is not completed.")
    if is_archived(snapshot, call.now):
        raise AwsError("IncorrectState", f"The snapshot '{snapshot.id}' is archived already.")
    if users := images_using(call, snapshot.id):
        raise AwsError("InvalidSnapshot.InUse", f"The snapshot {snapshot.id} is currently in use by {', '.join(users)}")
    tiering = {"operation": "archival", "began": call.now, "archived": call.now}
    call.catalog.save(snapshot.knowing(tiering=tiering))
    return {"SnapshotId": snapshot.id, "TieringStartTime": iso(call.now)}


@ec2.operation()
def restore_snapshot_tier(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Restore a snapshot from the archive, for some days or for good; or change for how long it is restored."""
    snapshot = owned(call, "snapshot", parameters["SnapshotId"])
    days, permanent = int(parameters.get("TemporaryRestoreDays") or 0), bool(parameters.get("PermanentRestore"))
    if bool(days) == permanent:
        raise AwsError(
            "InvalidParameterCombination", "Specify either TemporaryRestoreDays or PermanentRestore, but not both."
        )
    if days and not 1 <= days <= LONGEST_RESTORE:
        raise AwsError("InvalidParameterValue", f"A snapshot is restored for 1 to {LONGEST_RESTORE} days.")
    tiering = snapshot.inner.get("tiering")
    if not tiering or tiering["operation"] == "permanent-restore":
        raise AwsError("IncorrectState", f"The snapshot '{snapshot.id}' is not archived.")
    tiering = {
        **tiering,
        "operation": "permanent-restore" if permanent else "temporary-restore",
        "began": call.now,
        "until": None if permanent else call.now + days * DAY,
    }
    call.catalog.save(snapshot.knowing(tiering=tiering))
    return {
        "SnapshotId": snapshot.id,
        "RestoreStartTime": iso(call.now),
        "RestoreDuration": days or None,
        "IsPermanentRestore": permanent,
    }


def _show_statuses(call: Call, snapshots: Sequence[Resource]) -> list[dict[str, Any]]:
    return [_show_status(snapshot, call.now) for snapshot in snapshots]


LISTING = Listing(
    kind="snapshot", ids="SnapshotIds", filters=FILTERS, show=_show_statuses, columns={"snapshot-id": "ids"}
)


@ec2.operation()
def describe_snapshot_tier_status(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's snapshots that were archived, and what became of that."""
    items, more = describe(call, parameters, LISTING, keep=lambda snapshot: "tiering" in snapshot.inner)
    return {"SnapshotTierStatuses": items, **more}


def _show_status(snapshot: Resource, now: float) -> dict[str, Any]:
    tiering = snapshot.inner["tiering"]
    return {
        **show_tier(snapshot, now),
        "SnapshotId": snapshot.id,
        "VolumeId": snapshot.document["VolumeId"],
        "Status": snapshot.state,
        "OwnerId": snapshot.account,
        "LastTieringStartTime": iso(tiering["began"]),
        "LastTieringProgress": 100,
        "LastTieringOperationStatus": f"{tiering['operation']}-completed",
        "ArchivalCompleteTime": iso(tiering["archived"]),
    }
