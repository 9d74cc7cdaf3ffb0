"""What clients look up before they work with groups, and lists of what there is none of here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.autoscaling.group_records import GROUP
from goldsmith.aws.autoscaling.groups import POLICIES
from goldsmith.aws.operations import autoscaling

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

MOST_GROUPS = 500


@autoscaling.operation(deviation="The limit is told and not enforced.")
def describe_account_limits(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell how many groups there are and may be."""
    return {
        "MaxNumberOfAutoScalingGroups": MOST_GROUPS,
        "MaxNumberOfLaunchConfigurations": 0,
        "NumberOfAutoScalingGroups": call.catalog.count(GROUP),
        "NumberOfLaunchConfigurations": 0,
    }


@autoscaling.operation(deviation="AllocationStrategy and ClosestToNextInstanceHour do as Default does.")
def describe_termination_policy_types(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the policies by which a group that shrinks chooses."""
    return {"TerminationPolicyTypes": list(POLICIES)}


@autoscaling.operation(deviation="There are no scaling policies here.")
def describe_adjustment_types(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the ways in which scaling policies would change a capacity."""
    names = ("ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity")
    return {"AdjustmentTypes": [{"AdjustmentType": name} for name in names]}


@autoscaling.operation(deviation="There are none here.")
def describe_launch_configurations(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List no launch configurations: groups launch from templates."""
    return {"LaunchConfigurations": []}


@autoscaling.operation(deviation="There are none here.")
def describe_policies(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List no scaling policies."""
    return {"ScalingPolicies": []}


@autoscaling.operation(deviation="There are none here.")
def describe_lifecycle_hooks(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List no lifecycle hooks."""
    return {"LifecycleHooks": []}


@autoscaling.operation(deviation="There are none here.")
def describe_scheduled_actions(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List no scheduled actions."""
    return {"ScheduledUpdateGroupActions": []}


@autoscaling.operation(deviation="There are none here.")
def describe_notification_configurations(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List no notifications."""
    return {"NotificationConfigurations": []}


@autoscaling.operation(deviation="There are none here.")
def describe_load_balancers(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List no load balancers."""
    return {"LoadBalancers": []}


@autoscaling.operation(deviation="There are none here.")
def describe_load_balancer_target_groups(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List no target groups."""
    return {"LoadBalancerTargetGroups": []}


@autoscaling.operation(deviation="There are none here.")
def describe_traffic_sources(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List no traffic sources."""
    return {"TrafficSources": []}


@autoscaling.operation(deviation="There are none here.")
def describe_warm_pool(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List no warm instances."""
    return {"Instances": []}
