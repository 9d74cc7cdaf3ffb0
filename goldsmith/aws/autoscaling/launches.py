"""Instances of a group launched and ended through EC2's own operations, and written down in the group."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from goldsmith.aws.autoscaling.activities import begin, end
from goldsmith.aws.autoscaling.group_records import NAME_TAG, changed_member
from goldsmith.aws.autoscaling.launch_specifications import offers
from goldsmith.aws.ec2.instance_states import terminate_instances
from goldsmith.aws.ec2.launch_offers import undone_when_refused
from goldsmith.aws.ec2.launching import run_instances
from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.aws.ec2.launch_offers import Offer
    from goldsmith.catalog.resources import Resource

FIRST_DELAY = 5.0
LONGEST_DELAY = 60.0
"""Seconds until a launch that failed is tried again; it doubles from failure to failure."""


@dataclass(frozen=True)
class Launched:
    """What came of a launch: the group with its new instance, or why there is none."""

    group: Resource
    refusal: AwsError | None = None


def launch(call: Call, group: Resource, specification: Mapping[str, Any], cause: str) -> Launched:
    """Launch one instance in the place with fewest, from the first offer that can be had; tell it in an activity."""
    activity = begin(call, group, "Launching a new EC2 instance", cause)
    try:
        item, offer = _first(call, group, offers(call, specification))
    except AwsError as refusal:
        said = f"Launching a new EC2 instance. Status Reason: {refusal.message} Launching EC2 instance failed."
        end(call, activity.id, "Failed", said)
        delay = min(LONGEST_DELAY, 2 * float(group.inner.get("retry_delay") or FIRST_DELAY / 2))
        return Launched(group.knowing(retry_delay=delay, retry_at=call.now + delay), refusal)
    identifier = item["InstanceId"]
    call.catalog.save(activity.having(Description=f"Launching a new EC2 instance: {identifier}"))
    instance = call.catalog.own("instance", identifier)
    if instance is not None:
        call.catalog.tag(instance, {NAME_TAG: group.name})
    template = {**offer.template, "LaunchTemplateName": _name(call, offer)}
    record = {
        "launched": call.now,
        "in_service": None,
        "protected": bool(group.document.get("NewInstancesProtectedFromScaleIn")),
        "zone": item["Placement"]["AvailabilityZone"],
        "type": item["InstanceType"],
        "image": item["ImageId"],
        "template": template,
        "activity": activity.id,
    }
    grown = group.knowing(members={**group.inner["members"], identifier: record}, retry_delay=None, retry_at=None)
    return Launched(grown)


def terminate(call: Call, group: Resource, identifier: str, cause: str, *, unhealthy: bool = False) -> Resource:
    """End an instance of a group, protected from termination or not, and return the group."""
    activity = begin(call, group, f"Terminating EC2 instance: {identifier}", cause)
    end(call, group.inner["members"][identifier].get("activity"), "Cancelled")
    instance = call.catalog.own("instance", identifier)
    if instance is not None:
        attributes = instance.inner["attributes"]
        if attributes["DisableApiTermination"]:
            call.catalog.save(instance.knowing(attributes={**attributes, "DisableApiTermination": False}))
        terminate_instances(call, {"InstanceIds": [identifier]})
    return changed_member(group, identifier, leaving=True, unhealthy=unhealthy, activity=activity.id)


def _first(call: Call, group: Resource, ways: list[Offer]) -> tuple[dict[str, Any], Offer]:
    """Return the instance of the first offer for which there is room, and the offer. Raises the last refusal."""
    refused: AwsError | None = None
    for offer in ways:
        placed = replace(offer, override={**offer.override, **_place(group)})
        try:
            with undone_when_refused(call):
                launched = run_instances(call, {**placed.parameters(1), **_tags(group)}) or {}
        except AwsError as refusal:
            refused = refusal
            continue
        return launched["Instances"][0], offer
    raise refused or AwsError("ValidationError", "There is nothing to launch from.")


def _place(group: Resource) -> dict[str, str]:
    """Return the subnet or zone in which a group has fewest instances."""
    crowd = Counter(str(record["zone"]) for record in group.inner["members"].values() if not record.get("leaving"))
    subnets = group.inner.get("subnets") or {}
    if subnets:
        return {"SubnetId": min(subnets, key=lambda subnet: crowd[subnets[subnet]])}
    return {"AvailabilityZone": min(group.document["AvailabilityZones"], key=lambda zone: crowd[zone])}


def _tags(group: Resource) -> dict[str, Any]:
    tags = [
        {"Key": tag["Key"], "Value": tag.get("Value") or ""}
        for tag in group.document.get("Tags") or ()
        if tag.get("PropagateAtLaunch")
    ]
    return {"TagSpecifications": [{"ResourceType": "instance", "Tags": tags}]} if tags else {}


def _name(call: Call, offer: Offer) -> str:
    template = call.catalog.own("launch-template", offer.template["LaunchTemplateId"])
    return template.name if template else ""
