"""EC2 fleets: instances of several types from launch templates, asked for and launched at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from goldsmith.aws.ec2.launch_offers import offers_of, undone_when_refused
from goldsmith.aws.ec2.launching import run_instances
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.aws.ec2.launch_offers import Offer

    Item = dict[str, Any]

FLEET = "fleet"
FLEET_TAG = "aws:ec2:fleet-id"
TAGGABLE = ("fleet", "instance", "volume")

KEPT = (
    "ClientToken",
    "Context",
    "LaunchTemplateConfigs",
    "OnDemandOptions",
    "ReplaceUnhealthyInstances",
    "SpotOptions",
    "TerminateInstancesWithExpiration",
    "ValidFrom",
    "ValidUntil",
)
"""Members of the request that DescribeFleets shows as they were given."""


OPTIONS = {"spot": "SpotOptions", "on-demand": "OnDemandOptions"}
"""The request's member with the options of each way to pay."""

STRATEGIES = {
    "spot": {
        "lowest-price",
        "diversified",
        "capacity-optimized",
        "capacity-optimized-prioritized",
        "price-capacity-optimized",
    },
    "on-demand": {"lowest-price", "prioritized"},
}
"""Allocation strategies; EC2 takes them in camel case too (lowestPrice)."""


@dataclass
class Outcome:
    """What came of a fleet's launches: the answer's items, and how much capacity by way to pay."""

    made: list[Item] = field(default_factory=list)
    errors: list[Item] = field(default_factory=list)
    fulfilled: dict[str, float] = field(default_factory=dict)

    @property
    def instances(self) -> list[str]:
        """The ids of all instances."""
        return [instance for item in self.made for instance in item["InstanceIds"]]


@ec2.operation(
    role="launcher",
    deviation="Fleets of type instant and request, launched at once in the order of the overrides or their priorities; "
    "maintain is refused, as an Auto Scaling group does it. Spot instances are on-demand ones by another name; "
    "InstanceRequirements mean the smallest type that meets them.",
)
def create_fleet(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Launch as much of the target capacity as there is room for; what could not be launched is told as errors."""
    kind = parameters.get("Type") or "maintain"
    if kind == "maintain":
        raise AwsError(
            "UnsupportedOperation",
            "Fleets are not maintained here: use an Auto Scaling group, or the type instant.",
        )
    _require_strategies(parameters)
    tags = parse_specifications(parameters.get("TagSpecifications"), TAGGABLE)
    offers = _offers(call, parameters)
    outcome = _launch(call, parameters, offers, tags)
    document = {
        **{name: parameters[name] for name in KEPT if name in parameters},
        "Type": kind,
        "TargetCapacitySpecification": _capacity(parameters["TargetCapacitySpecification"]),
        "ExcessCapacityTerminationPolicy": parameters.get("ExcessCapacityTerminationPolicy") or "termination",
        "CreateTime": iso(call.now),
        "FulfilledCapacity": sum(outcome.fulfilled.values()),
        "FulfilledOnDemandCapacity": outcome.fulfilled.get("on-demand", 0.0),
        "ActivityStatus": "error" if outcome.errors else "fulfilled",
        "Errors": outcome.errors,
        "Instances": outcome.made,
    }
    fleet = Resource(
        new_id("fleet"),
        FLEET,
        call.account.id,
        call.region,
        "",
        "active",
        call.now,
        document,
        {"instances": outcome.instances},
    )
    call.catalog.add(fleet, tags.get("fleet"))
    for instance_id in outcome.instances:
        if (instance := call.catalog.own("instance", instance_id)) is not None:
            call.catalog.tag(instance, {FLEET_TAG: fleet.id})
    if kind == "request":
        return {"FleetId": fleet.id}
    return {"FleetId": fleet.id, "Errors": outcome.errors, "Instances": outcome.made}


def _require_strategies(parameters: Mapping[str, Any]) -> None:
    for kind, member in OPTIONS.items():
        asked = (parameters.get(member) or {}).get("AllocationStrategy")
        if asked and xform_name(asked, "-") not in STRATEGIES[kind]:
            raise AwsError(
                "InvalidParameterValue",
                f"Value ({asked[:200]}) for parameter {member}.AllocationStrategy is invalid. Valid values: "
                f"{', '.join(sorted(STRATEGIES[kind]))}.",
            )


def _launch(
    call: Call, parameters: Mapping[str, Any], offers: list[Offer], tags: Mapping[str, Mapping[str, str]]
) -> Outcome:
    """Launch up to the target capacities; nothing at all when that would be less than the least that is wanted."""
    outcome = Outcome()
    options = {lifecycle: parameters.get(name) or {} for lifecycle, name in OPTIONS.items()}
    least = sum(int(each.get("MinTargetCapacity") or 0) for each in options.values())
    try:
        with undone_when_refused(call):
            for lifecycle, target in _targets(parameters["TargetCapacitySpecification"]).items():
                single = bool(options[lifecycle].get("SingleInstanceType"))
                outcome.fulfilled[lifecycle] = _fulfil(call, offers, target, lifecycle, tags, outcome, single=single)
            _require_least(sum(outcome.fulfilled.values()), least)
    except AwsError:
        return Outcome(errors=outcome.errors)
    return outcome


def _require_least(reached: float, least: int) -> None:
    if reached < least:
        raise AwsError("InsufficientInstanceCapacity", f"There is less than the minimum target capacity of {least}.")


def _offers(call: Call, parameters: Mapping[str, Any]) -> list[Offer]:
    """Return the ways to launch, the most wanted first. Raises AwsError for a template that is not there."""
    offers = [
        offer
        for config in parameters["LaunchTemplateConfigs"]
        for offer in offers_of(call, config.get("LaunchTemplateSpecification") or {}, config.get("Overrides") or [{}])
    ]
    return sorted(offers, key=lambda offer: float(offer.override.get("Priority", math.inf)))


def _capacity(asked: Mapping[str, Any]) -> Item:
    """Return a target capacity whole, as DescribeFleets shows it. Raises AwsError when its parts are more than it."""
    total = int(asked["TotalTargetCapacity"])
    usual = asked.get("DefaultTargetCapacityType") or "on-demand"
    parts = {"spot": asked.get("SpotTargetCapacity"), "on-demand": asked.get("OnDemandTargetCapacity")}
    if usual not in parts:
        raise AwsError("UnsupportedOperation", f"There is no capacity of type {usual} here.")
    given = sum(int(part or 0) for part in parts.values())
    if given > total or any(int(part or 0) < 0 for part in (total, *parts.values())):
        raise AwsError(
            "InvalidParameterValue",
            f"Target capacities of {given} are not within the total of {total}.",
        )
    parts[usual] = int(parts[usual] or 0) + total - given
    return {
        **asked,
        "DefaultTargetCapacityType": usual,
        "OnDemandTargetCapacity": int(parts["on-demand"] or 0),
        "SpotTargetCapacity": int(parts["spot"] or 0),
    }


def _targets(asked: Mapping[str, Any]) -> dict[str, int]:
    whole = _capacity(asked)
    targets = {"on-demand": whole["OnDemandTargetCapacity"], "spot": whole["SpotTargetCapacity"]}
    return {lifecycle: target for lifecycle, target in targets.items() if target > 0}


def _fulfil(
    call: Call,
    offers: list[Offer],
    target: float,
    lifecycle: str,
    tags: Mapping[str, Mapping[str, str]],
    outcome: Outcome,
    *,
    single: bool,
) -> float:
    """Launch offer after offer until the target is reached, and return how much of it was."""
    reached = 0.0
    for offer in offers:
        if reached >= target or (single and reached):
            break
        wanted = math.ceil((target - reached) / offer.weight)
        told = {"LaunchTemplateAndOverrides": offer.shown(), "Lifecycle": lifecycle}
        try:
            with undone_when_refused(call):
                launched = run_instances(call, {**offer.parameters(wanted), **_launch_tags(tags)}) or {}
        except AwsError as refusal:
            outcome.errors.append({**told, "ErrorCode": refusal.code, "ErrorMessage": refusal.message})
            continue
        instances = launched["Instances"]
        reached += len(instances) * offer.weight
        ids = [instance["InstanceId"] for instance in instances]
        outcome.made.append({**told, "InstanceIds": ids, "InstanceType": instances[0]["InstanceType"]})
        if len(ids) < wanted:
            said = f"There was room for {len(ids)} of {wanted} instances."
            outcome.errors.append({**told, "ErrorCode": "InsufficientInstanceCapacity", "ErrorMessage": said})
    return reached


def _launch_tags(tags: Mapping[str, Mapping[str, str]]) -> Item:
    specifications = [
        {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags[kind].items()]}
        for kind in ("instance", "volume")
        if tags.get(kind)
    ]
    return {"TagSpecifications": specifications} if specifications else {}
