"""Locks that keep snapshots from being deleted (EBS user guide, "Amazon EBS snapshot lock")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.wire.times import iso, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

HOUR = 3600
DAY = 86400


def lock_state(lock: Mapping[str, Any], now: float) -> str:
    """Return what a lock is by now: governance, compliance, compliance-cooloff or expired."""
    if now >= lock["expires"]:
        return "expired"
    if lock["mode"] == "compliance" and now < (lock.get("cool_off_ends") or 0):
        return "compliance-cooloff"
    return str(lock["mode"])


def require_unlocked(snapshot: Resource, now: float) -> None:
    """Raise AwsError for a snapshot whose lock still holds."""
    lock = snapshot.inner.get("lock")
    if lock and lock_state(lock, now) != "expired":
        raise AwsError(
            "OperationNotPermitted",
            f"The snapshot '{snapshot.id}' is locked ({lock_state(lock, now)}) until {iso(lock['expires'])}.",
        )


@ec2.operation()
def lock_snapshot(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Lock a snapshot, or change its lock: one in compliance mode can only be extended once it has cooled off."""
    snapshot = owned(call, "snapshot", parameters["SnapshotId"])
    if snapshot.state not in {"pending", "completed"}:
        raise AwsError("IncorrectState", f"The snapshot '{snapshot.id}' is in the state {snapshot.state}.")
    lock = _lock(call, parameters)
    there = snapshot.inner.get("lock")
    if there and lock_state(there, call.now) == "compliance":
        if lock["mode"] != "compliance" or lock["expires"] < there["expires"]:
            raise AwsError(
                "OperationNotPermitted",
                f"The snapshot '{snapshot.id}' is locked in compliance mode; its lock can only be extended.",
            )
        lock = {**lock, "cool_off": there.get("cool_off"), "cool_off_ends": there.get("cool_off_ends")}
    locked = call.catalog.save(snapshot.knowing(lock=lock))
    return _show(locked, call.now)


@ec2.operation()
def unlock_snapshot(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take a lock away, unless it is in compliance mode and has cooled off."""
    snapshot = owned(call, "snapshot", parameters["SnapshotId"])
    lock = snapshot.inner.get("lock")
    if not lock:
        raise AwsError("IncorrectState", f"The snapshot '{snapshot.id}' is not locked.")
    if lock_state(lock, call.now) == "compliance":
        raise AwsError(
            "OperationNotPermitted",
            f"The snapshot '{snapshot.id}' is locked in compliance mode and cannot be unlocked.",
        )
    call.catalog.save(snapshot.knowing(lock=None))
    return {"SnapshotId": snapshot.id}


def _show_locked(call: Call, snapshots: Sequence[Resource]) -> list[dict[str, Any]]:
    return [_show(snapshot, call.now) for snapshot in snapshots]


LISTING = Listing(
    kind="snapshot", ids="SnapshotIds", filters={"lock-state": "LockState"}, show=_show_locked, columns={}
)


@ec2.operation()
def describe_locked_snapshots(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's locked snapshots, with those whose lock has expired."""
    items, more = describe(call, parameters, LISTING, keep=lambda snapshot: "lock" in snapshot.inner)
    return {"Snapshots": items, **more}


def _lock(call: Call, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lock that a request asks for."""
    days, until = parameters.get("LockDuration"), parameters.get("ExpirationDate")
    if days and until:
        raise AwsError("InvalidParameterCombination", "Specify either LockDuration or ExpirationDate, but not both.")
    if not days and not until:
        raise AwsError("MissingParameter", "The request must contain the parameter LockDuration or ExpirationDate")
    mode, hours = parameters["LockMode"], parameters.get("CoolOffPeriod")
    if hours and mode != "compliance":
        raise AwsError("InvalidParameterCombination", "CoolOffPeriod is for the compliance mode only.")
    expires = call.now + days * DAY if days else _time(until)
    if expires <= call.now:
        raise AwsError("InvalidParameterValue", "The expiration date must be in the future.")
    return {
        "mode": mode,
        "created": call.now,
        "expires": expires,
        "days": days or max(1, round((expires - call.now) / DAY)),
        "cool_off": hours,
        "cool_off_ends": call.now + hours * HOUR if hours else None,
    }


def _time(value: Any) -> float:
    if isinstance(value, (int, float)):
        return float(value)
    try:
        return seconds(str(value))
    except ValueError as wrong:
        raise AwsError("InvalidParameterValue", f"Value ({value}) for parameter ExpirationDate is no time.") from wrong


def _show(snapshot: Resource, now: float) -> dict[str, Any]:
    lock = snapshot.inner["lock"]
    shown = {
        "SnapshotId": snapshot.id,
        "OwnerId": snapshot.account,
        "LockState": lock_state(lock, now),
        "LockDuration": lock["days"],
        "LockCreatedOn": iso(lock["created"]),
        "LockDurationStartTime": iso(lock["created"]),
        "LockExpiresOn": iso(lock["expires"]),
    }
    if lock.get("cool_off"):
        shown |= {"CoolOffPeriod": lock["cool_off"], "CoolOffPeriodExpiresOn": iso(lock["cool_off_ends"])}
    return shown
