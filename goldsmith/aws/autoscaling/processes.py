"""A group's processes: suspended, resumed, and which there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.autoscaling.group_records import find_group
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import autoscaling

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

PROCESSES = (
    "AZRebalance",
    "AddToLoadBalancer",
    "AlarmNotification",
    "HealthCheck",
    "InstanceRefresh",
    "Launch",
    "ReplaceUnhealthy",
    "ScheduledActions",
    "Terminate",
)


@autoscaling.operation(role="launcher")
def suspend_processes(call: Call, parameters: dict[str, Any]) -> None:
    """Suspend processes of a group, all where none is named."""
    group = find_group(call, parameters["AutoScalingGroupName"])
    reasons = dict.fromkeys(_named(parameters), "User suspended")
    call.catalog.save(group.knowing(suspended={**(group.inner.get("suspended") or {}), **reasons}))


@autoscaling.operation(role="launcher")
def resume_processes(call: Call, parameters: dict[str, Any]) -> None:
    """Resume processes of a group, all where none is named."""
    group = find_group(call, parameters["AutoScalingGroupName"])
    resumed = _named(parameters)
    left = {name: why for name, why in (group.inner.get("suspended") or {}).items() if name not in resumed}
    call.catalog.save(group.knowing(suspended=left))


@autoscaling.operation()
def describe_scaling_process_types(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the processes that can be suspended."""
    return {"Processes": [{"ProcessName": name} for name in PROCESSES]}


def _named(parameters: dict[str, Any]) -> list[str]:
    asked = parameters.get("ScalingProcesses") or list(PROCESSES)
    if unknown := [name for name in asked if name not in PROCESSES]:
        raise AwsError("ValidationError", f"{unknown[0][:100]} is no scaling process: {', '.join(PROCESSES)}.")
    return list(asked)
