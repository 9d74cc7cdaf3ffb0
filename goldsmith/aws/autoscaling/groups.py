"""Auto Scaling groups: making, describing, changing and deleting them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from goldsmith.aws.autoscaling.activities import ACTIVITY
from goldsmith.aws.autoscaling.group_records import GROUP, find_group, show_group
from goldsmith.aws.autoscaling.group_tags import parse_group_tags
from goldsmith.aws.autoscaling.launch_specifications import require_specification
from goldsmith.aws.autoscaling.refresh_records import REFRESH, active_refresh
from goldsmith.aws.ec2.subnets import choose_subnet
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filters
from goldsmith.aws.iam.powers import require_power
from goldsmith.aws.operations import autoscaling
from goldsmith.aws.pagination import paginate
from goldsmith.catalog.resources import Query, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goldsmith.aws.call import Call

    Item = dict[str, Any]

KEPT = (
    "MinSize",
    "MaxSize",
    "DesiredCapacity",
    "DefaultCooldown",
    "HealthCheckType",
    "HealthCheckGracePeriod",
    "TerminationPolicies",
    "NewInstancesProtectedFromScaleIn",
    "CapacityRebalance",
    "Context",
    "DesiredCapacityType",
    "DefaultInstanceWarmup",
    "DeletionProtection",
    "InstanceMaintenancePolicy",
    "AvailabilityZoneDistribution",
)
"""Members of a request that a group shows as they were given."""

REFUSED = (
    "LoadBalancerNames",
    "TargetGroupARNs",
    "TrafficSources",
    "LifecycleHookSpecificationList",
    "MaxInstanceLifetime",
    "PlacementGroup",
)
"""Members of a request that ask for what there is not here."""

POLICIES = (
    "AllocationStrategy",
    "ClosestToNextInstanceHour",
    "Default",
    "NewestInstance",
    "OldestInstance",
    "OldestLaunchConfiguration",
    "OldestLaunchTemplate",
)
MOST_PAGE = 100
USUAL_PAGE = 50


@autoscaling.operation(
    role="launcher",
    deviation="Launch templates and mixed instances policies, without launch configurations, load balancers, lifecycle "
    "hooks, warm pools, weighted capacities and maximum lifetimes, which are refused; no scaling policies.",
)
def create_auto_scaling_group(call: Call, parameters: dict[str, Any]) -> None:
    """Make a group; its keeper launches its instances."""
    name = parameters["AutoScalingGroupName"]
    if call.catalog.named(GROUP, name) is not None:
        raise AwsError(
            "AlreadyExists",
            f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
        )
    _require_possible(parameters)
    specification = require_specification(call, parameters)
    if not specification:
        raise AwsError(
            "ValidationError",
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
            "MixedInstancesPolicy parameter.",
        )
    if not parameters.get("VPCZoneIdentifier") and not parameters.get("AvailabilityZones"):
        raise AwsError("ValidationError", "At least one Availability Zone or VPC Subnet is required.")
    document: Item = {
        "DefaultCooldown": 300,
        "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": 0,
        "TerminationPolicies": ["Default"],
        "NewInstancesProtectedFromScaleIn": False,
        "DesiredCapacity": parameters["MinSize"],
        "LoadBalancerNames": [],
        "TargetGroupARNs": [],
        "EnabledMetrics": [],
        "TrafficSources": [],
        "CapacityRebalance": False,
        "ServiceLinkedRoleARN": _role(call),
        **_kept(parameters),
        **specification,
        "Tags": parse_group_tags(parameters.get("Tags") or [], name),
    }
    group = Resource(
        str(uuid.uuid4()),
        GROUP,
        call.account.id,
        call.region,
        name,
        "",
        call.now,
        document,
        {"members": {}, "power": call.caller.role},
    )
    group = _placed(call, group, parameters)
    _require_sizes(group.document)
    call.catalog.add(group)


@autoscaling.operation()
def describe_auto_scaling_groups(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List groups, all or those of the names asked for; a name that no group has is passed over."""
    filters = Filters(parameters.get("Filters"), {})
    query = Query(GROUP, names=tuple(parameters.get("AutoScalingGroupNames") or ()), owners=(call.account.id,))
    instances = parameters.get("IncludeInstances") is not False

    def items(after: Any) -> Iterator[tuple[int, Item]]:
        for group in call.catalog.find(query, after=after or 0):
            item = show_group(group, instances=instances)
            if filters.match(item):
                yield group.position, item

    page, more = paginate(call, parameters, items, lambda found: found[0], default=USUAL_PAGE, most=MOST_PAGE)
    return {"AutoScalingGroups": [item for _, item in page], **more}


@autoscaling.operation(role="launcher")
def update_auto_scaling_group(call: Call, parameters: dict[str, Any]) -> None:
    """Change a group; instances that run stay as they are until they are replaced."""
    group = find_group(call, parameters["AutoScalingGroupName"])
    _require_possible(parameters)
    specification = require_specification(call, parameters)
    if specification:
        require_power(call, group.inner["power"])
        refresh = active_refresh(call.catalog, group)
        if refresh is not None and refresh.document.get("DesiredConfiguration"):
            raise AwsError(
                "ValidationError",
                "An active instance refresh with a desired configuration exists. All configuration options derived "
                "from the desired configuration are not available for update while the instance refresh is active.",
            )
        group = group.having(LaunchTemplate=None, MixedInstancesPolicy=None)
    changed = _placed(call, group.having(**_kept(parameters), **specification), parameters)
    if "DesiredCapacity" not in parameters:
        document = changed.document
        within = max(document["MinSize"], min(document["MaxSize"], document["DesiredCapacity"]))
        changed = changed.having(DesiredCapacity=within)
    _require_sizes(changed.document)
    call.catalog.save(changed)


@autoscaling.operation(role="launcher")
def set_desired_capacity(call: Call, parameters: dict[str, Any]) -> None:
    """Say how many instances a group should have."""
    group = find_group(call, parameters["AutoScalingGroupName"])
    desired = parameters["DesiredCapacity"]
    least, most = group.document["MinSize"], group.document["MaxSize"]
    if desired > most:
        raise AwsError(
            "ValidationError",
            f"New SetDesiredCapacity value {desired} is above max value {most} for the AutoScalingGroup.",
        )
    if desired < least:
        raise AwsError(
            "ValidationError",
            f"New SetDesiredCapacity value {desired} is below min value {least} for the AutoScalingGroup.",
        )
    call.catalog.save(group.having(DesiredCapacity=desired))


@autoscaling.operation(role="launcher")
def delete_auto_scaling_group(call: Call, parameters: dict[str, Any]) -> None:
    """Delete a group without instances, or with ForceDelete one that goes when its instances have ended."""
    group = find_group(call, parameters["AutoScalingGroupName"])
    force = bool(parameters.get("ForceDelete"))
    protection = group.document.get("DeletionProtection") or "none"
    if protection == "prevent-all-deletion" or (force and protection == "prevent-force-deletion"):
        raise AwsError("ResourceInUse", f"The group's deletion protection is {protection}; change it first.")
    members = group.inner["members"]
    if members and not force:
        if all(record.get("leaving") for record in members.values()):
            raise AwsError(
                "ScalingActivityInProgress",
                "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.",
            )
        raise AwsError(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still "
            "in the group.",
        )
    if members:
        call.catalog.save(group.knowing(deleting=True))
        return
    for kind in (ACTIVITY, REFRESH):
        call.catalog.remove_named(kind, group.id)
    call.catalog.remove(group)


def _kept(parameters: Mapping[str, Any]) -> Item:
    return {name: parameters[name] for name in KEPT if parameters.get(name) is not None}


def _role(call: Call) -> str:
    path = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    return f"arn:aws:iam::{call.account.id}:role/{path}"


def _require_possible(parameters: Mapping[str, Any]) -> None:
    """Raise AwsError for what there is not here, and for termination policies that nobody knows."""
    for name in REFUSED:
        if parameters.get(name):
            raise AwsError("ValidationError", f"{name} is not supported here.")
    for policy in parameters.get("TerminationPolicies") or ():
        if policy not in POLICIES:
            raise AwsError("ValidationError", f"{policy[:100]} is no termination policy: {', '.join(POLICIES)}.")


def _placed(call: Call, group: Resource, parameters: Mapping[str, Any]) -> Resource:
    """Return a group in the subnets or zones of a request, if it has any. Raises AwsError for those not there."""
    zones = parameters.get("AvailabilityZones") or []
    if text := parameters.get("VPCZoneIdentifier"):
        try:
            found = [choose_subnet(call, each.strip()) for each in str(text).split(",") if each.strip()]
        except AwsError as refusal:
            raise AwsError("ValidationError", refusal.message) from refusal
        if not found:
            raise AwsError("ValidationError", "At least one Availability Zone or VPC Subnet is required.")
        subnets = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in found}
        if zones and set(zones) != set(subnets.values()):
            raise AwsError(
                "ValidationError",
                "The availability zones of the specified subnets and the Auto Scaling group do not match",
            )
        placed = group.having(VPCZoneIdentifier=",".join(subnets), AvailabilityZones=sorted(set(subnets.values())))
        return placed.knowing(subnets=subnets)
    if not zones:
        return group
    if unknown := [zone for zone in zones if zone not in call.cloud.zones(call.region)]:
        raise AwsError("ValidationError", f"Invalid availability zones: [{', '.join(unknown)[:200]}]")
    return group.having(AvailabilityZones=list(zones), VPCZoneIdentifier="").knowing(subnets=None)


def _require_sizes(document: Mapping[str, Any]) -> None:
    least, most, desired = (int(document[name]) for name in ("MinSize", "MaxSize", "DesiredCapacity"))
    if least < 0:
        raise AwsError("ValidationError", f"Min bound, {least}, must not be negative")
    if most < least:
        raise AwsError("ValidationError", f"Max bound, {most}, must be greater than or equal to min bound, {least}")
    if not least <= desired <= most:
        raise AwsError(
            "ValidationError",
            f"Desired capacity:{desired} must be between the specified min size:{least} and max size:{most}",
        )
