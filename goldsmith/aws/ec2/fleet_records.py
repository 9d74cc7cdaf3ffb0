"""EC2 fleets as they are described and deleted, with their instances and their history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.fleets import FLEET
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.ec2.instance_states import terminate_instances
from goldsmith.aws.ec2.instances import GONE
from goldsmith.aws.ec2.launch_offers import undone_when_refused
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import apply
from goldsmith.aws.operations import ec2
from goldsmith.aws.wire.times import iso, seconds
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

    Item = dict[str, Any]

MOST_DELETED = 125
FILTERS = {
    "activity-status": "ActivityStatus",
    "excess-capacity-termination-policy": "ExcessCapacityTerminationPolicy",
    "fleet-state": "FleetState",
    "replace-unhealthy-instances": "ReplaceUnhealthyInstances",
    "type": "Type",
}
DELETION_CODES = {"InvalidFleetId.NotFound": "fleetIdDoesNotExist", "InvalidFleetId.Malformed": "fleetIdMalformed"}


def show_fleets(call: Call, fleets: Sequence[Resource]) -> list[Item]:
    """Return fleets as DescribeFleets shows them, without tags."""
    return [{**fleet.document, "FleetId": fleet.id, "FleetState": fleet.state} for fleet in fleets]


LISTING = Listing(kind=FLEET, ids="FleetIds", filters=FILTERS, show=show_fleets, columns={"fleet-state": "states"})


@ec2.operation()
def describe_fleets(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List fleets; those of type instant only when they are asked for by id."""
    by_id = bool(parameters.get("FleetIds"))
    items, more = describe(call, parameters, LISTING, keep=lambda fleet: by_id or fleet.document["Type"] != "instant")
    return {"Fleets": items, **more}


@ec2.operation()
def describe_fleet_instances(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the instances of a fleet that still are, of any type of fleet."""
    fleet = owned(call, FLEET, parameters["FleetId"])
    items = (
        {
            "InstanceId": instance.id,
            "InstanceType": instance.document["InstanceType"],
            "InstanceHealth": "unhealthy" if "failed" in instance.inner.get("status", {}).values() else "healthy",
        }
        for instance in _living(call, fleet)
    )
    return {
        "FleetId": fleet.id,
        "ActiveInstances": apply(parameters.get("Filters"), {"instance-type": "InstanceType"}, items),
    }


@ec2.operation()
def describe_fleet_history(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell what became of a fleet since a time: its launches, and what could not be launched."""
    fleet = owned(call, FLEET, parameters["FleetId"])
    since = parameters["StartTime"]
    try:
        begun = seconds(str(since))
    except ValueError as wrong:
        raise AwsError("InvalidParameterValue", f"Value ({since}) for parameter StartTime is no time.") from wrong
    records = _history(fleet) if fleet.created >= begun else []
    kind = parameters.get("EventType")
    return {
        "FleetId": fleet.id,
        "StartTime": since,
        "LastEvaluatedTime": iso(call.now),
        "HistoryRecords": [record for record in records if kind in {None, record["EventType"]}],
    }


@ec2.operation(role="launcher")
def delete_fleets(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete fleets; their instances are terminated, or left running where the fleet is none of type instant."""
    if len(parameters["FleetIds"]) > MOST_DELETED:
        raise AwsError("InvalidParameterValue", f"You can delete up to {MOST_DELETED} fleets in a request.")
    deleted: list[Item] = []
    kept: list[Item] = []
    for fleet_id in dict.fromkeys(parameters["FleetIds"]):
        try:
            with undone_when_refused(call):
                deleted.append(_delete(call, owned(call, FLEET, fleet_id), parameters["TerminateInstances"]))
        except AwsError as refusal:
            code = DELETION_CODES.get(refusal.code, refusal.code)
            known = {*DELETION_CODES.values(), "fleetNotInDeletableState"}
            error = {"Code": code if code in known else "unexpectedError", "Message": refusal.message}
            kept.append({"FleetId": fleet_id, "Error": error})
    return {"SuccessfulFleetDeletions": deleted, "UnsuccessfulFleetDeletions": kept}


def _delete(call: Call, fleet: Resource, terminate: bool) -> Item:
    if fleet.state != "active":
        raise AwsError("fleetNotInDeletableState", f"The fleet '{fleet.id}' is {fleet.state} already.")
    if fleet.document["Type"] == "instant" and not terminate:
        raise AwsError("fleetNotInDeletableState", "A fleet of type instant cannot be deleted without its instances.")
    living = [instance.id for instance in _living(call, fleet)]
    if terminate and living:
        terminate_instances(call, {"InstanceIds": living})
    state = "deleted_terminating" if terminate else "deleted_running"
    call.catalog.save(fleet.having(state=state))
    return {"FleetId": fleet.id, "CurrentFleetState": state, "PreviousFleetState": fleet.state}


def _living(call: Call, fleet: Resource) -> list[Resource]:
    ids = tuple(fleet.inner["instances"])
    if not ids:
        return []
    found = call.catalog.find(Query("instance", ids=ids, owners=(call.account.id,)))
    return [instance for instance in found if instance.state not in GONE]


def _history(fleet: Resource) -> list[Item]:
    when = iso(fleet.created)
    launched = [
        (
            "instance-change",
            {"EventSubType": "launched", "InstanceId": instance, "EventDescription": item["InstanceType"]},
        )
        for item in fleet.document["Instances"]
        for instance in item["InstanceIds"]
    ]
    failed = [
        ("service-error", {"EventSubType": error["ErrorCode"], "EventDescription": error["ErrorMessage"]})
        for error in fleet.document["Errors"]
    ]
    events = [("fleet-change", {"EventSubType": "submitted"}), *launched, *failed]
    return [{"EventType": kind, "EventInformation": told, "Timestamp": when} for kind, told in events]
