"""Fast snapshot restores: which snapshots have them in which zones. Every volume here is at full speed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import missing, require_form
from goldsmith.aws.ec2.regions import zone_id
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filters
from goldsmith.aws.operations import ec2
from goldsmith.aws.pagination import paginate
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

FILTERS = {
    "availability-zone": "AvailabilityZone",
    "availability-zone-id": "AvailabilityZoneId",
    "owner-id": "OwnerId",
    "snapshot-id": "SnapshotId",
    "state": "State",
}
REASON = "Client.UserInitiated"


@ec2.operation(deviation="Enabled at once: every volume here is at full speed from the start.")
def enable_fast_snapshot_restores(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Enable fast restores of snapshots in zones."""
    return _change(call, parameters, enable=True)


@ec2.operation()
def disable_fast_snapshot_restores(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Disable fast restores of snapshots in zones."""
    return _change(call, parameters, enable=False)


@ec2.operation()
def describe_fast_snapshot_restores(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the fast restores of the caller's snapshots."""
    filters = Filters(parameters.get("Filters"), FILTERS)

    def items(after: Any) -> Iterator[tuple[list[Any], dict[str, Any]]]:
        begun = after or [0, ""]
        for snapshot in call.catalog.find(Query("snapshot", owners=(call.account.id,)), after=begun[0] - 1):
            for zone in sorted(snapshot.inner.get("fast", {})):
                item = _show(snapshot, zone)
                if [snapshot.position, zone] > begun and filters.match(item):
                    yield [snapshot.position, zone], item

    page, more = paginate(call, parameters, items, lambda found: found[0])
    return {"FastSnapshotRestores": [item for _, item in page], **more}


def _change(call: Call, parameters: Mapping[str, Any], *, enable: bool) -> dict[str, Any]:
    zones = _zones(call, parameters)
    done: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for identifier in parameters["SourceSnapshotIds"]:
        require_form("snapshot", identifier)
        snapshot = call.catalog.own("snapshot", identifier)
        fault = _fault(snapshot, identifier, zones, enable=enable)
        if fault or snapshot is None:
            said = [{"AvailabilityZone": zone, "Error": fault} for zone in zones]
            refused.append({"SnapshotId": identifier, "FastSnapshotRestoreStateErrors": said})
            continue
        fast = dict(snapshot.inner.get("fast", {}))
        if enable:
            fast = {**dict.fromkeys(zones, call.now), **fast}
            snapshot = call.catalog.save(snapshot.knowing(fast=fast))
            done += [_show(snapshot, zone) for zone in zones]
        else:
            done += [{**_show(snapshot, zone), "State": "disabled", "DisabledTime": iso(call.now)} for zone in zones]
            rest = {zone: since for zone, since in fast.items() if zone not in zones}
            call.catalog.save(snapshot.knowing(fast=rest or None))
    return {"Successful": done, "Unsuccessful": refused}


def _fault(snapshot: Resource | None, identifier: str, zones: list[str], *, enable: bool) -> dict[str, str] | None:
    if snapshot is None:
        refusal = missing("snapshot", [identifier])
        return {"Code": refusal.code, "Message": refusal.message}
    if snapshot.state != "completed":
        return {"Code": "IncorrectState", "Message": f"The snapshot '{identifier}' is not completed."}
    if not enable and (absent := [zone for zone in zones if zone not in snapshot.inner.get("fast", {})]):
        return {
            "Code": "InvalidFastSnapshotRestore.NotFound",
            "Message": f"Fast snapshot restores of '{identifier}' are not enabled in {', '.join(absent)}.",
        }
    return None


def _zones(call: Call, parameters: Mapping[str, Any]) -> list[str]:
    known = {zone: zone_id(call.region, zone) for zone in call.cloud.zones(call.region)}
    by_id = {identifier: zone for zone, identifier in known.items()}
    names = parameters.get("AvailabilityZones") or []
    ids = parameters.get("AvailabilityZoneIds") or []
    if bool(names) == bool(ids):
        raise AwsError(
            "InvalidParameterCombination", "Specify either AvailabilityZones or AvailabilityZoneIds, but not both."
        )
    if unknown := [zone for zone in names if zone not in known] + [zone for zone in ids if zone not in by_id]:
        raise AwsError("InvalidParameterValue", f"Invalid availability zone: [{', '.join(unknown)}]")
    return list(dict.fromkeys([*names, *(by_id[identifier] for identifier in ids)]))


def _show(snapshot: Resource, zone: str) -> dict[str, Any]:
    since = iso(snapshot.inner["fast"][zone])
    return {
        "SnapshotId": snapshot.id,
        "AvailabilityZone": zone,
        "AvailabilityZoneId": zone_id(snapshot.region, zone),
        "State": "enabled",
        "StateTransitionReason": REASON,
        "OwnerId": snapshot.account,
        "EnablingTime": since,
        "OptimizingTime": since,
        "EnabledTime": since,
    }
