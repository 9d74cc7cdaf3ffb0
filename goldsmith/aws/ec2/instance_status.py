"""Status checks, which really check: does the machine run, does its guest answer on the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.instances import state_of
from goldsmith.aws.operations import ec2
from goldsmith.aws.wire.times import iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

STATUSES = {"passed": "ok", "failed": "impaired", "initializing": "initializing"}

FILTERS = {
    "availability-zone": "AvailabilityZone",
    "event.code": "Events[].Code",
    "instance-state-code": "InstanceState.Code",
    "instance-state-name": "InstanceState.Name",
    "instance-status.reachability": "InstanceStatus.Details[].Status",
    "instance-status.status": "InstanceStatus.Status",
    "system-status.reachability": "SystemStatus.Details[].Status",
    "system-status.status": "SystemStatus.Status",
    "attached-ebs-status.status": "AttachedEbsStatus.Status",
}


def show_statuses(call: Call, instances: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return instances as DescribeInstanceStatus shows them."""
    return [
        {
            "InstanceId": instance.id,
            "AvailabilityZone": instance.document["Placement"]["AvailabilityZone"],
            "InstanceState": state_of(instance.state),
            "InstanceStatus": _summary(instance, "instance"),
            "SystemStatus": _summary(instance, "system"),
            "AttachedEbsStatus": _summary(instance, "system"),
            "Events": [],
        }
        for instance in instances
    ]


LISTING = Listing(
    kind="instance",
    ids="InstanceIds",
    filters=FILTERS,
    show=show_statuses,
    columns={"instance-state-name": "states"},
    exclusive=True,
)


@ec2.operation()
def describe_instance_status(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell the checks of the caller's running instances, or of all with IncludeAllInstances."""
    everything = bool(parameters.get("IncludeAllInstances"))
    items, more = describe(call, parameters, LISTING, keep=lambda each: everything or each.state == "running")
    for item in items:
        item.pop("Tags", None)
    return {"InstanceStatuses": items, **more}


def _summary(instance: Resource, check: str) -> dict[str, Any]:
    if instance.state != "running":
        return {"Status": "not-applicable", "Details": []}
    result = instance.inner["status"].get(check, "initializing")
    detail = {"Name": "reachability", "Status": result}
    if result == "failed" and instance.inner.get("impaired_since"):
        detail["ImpairedSince"] = iso(instance.inner["impaired_since"])
    return {"Status": STATUSES[result], "Details": [detail]}
