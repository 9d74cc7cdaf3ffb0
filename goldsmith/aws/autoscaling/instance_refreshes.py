"""Instance refreshes: started, described, cancelled, rolled back."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from goldsmith.aws.autoscaling.group_records import find_group, members_of
from goldsmith.aws.autoscaling.launch_specifications import is_fixed, matches, offers, require_specification
from goldsmith.aws.autoscaling.refresh_planning import ROLLING, Refresh, roll_back
from goldsmith.aws.autoscaling.refresh_records import (
    REFRESH,
    active_refresh,
    read_refresh,
    show_refresh,
    target_of,
    written,
)
from goldsmith.aws.errors import AwsError
from goldsmith.aws.iam.powers import require_power
from goldsmith.aws.operations import autoscaling
from goldsmith.aws.pagination import paginate
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goldsmith.aws.call import Call

    Item = dict[str, Any]

USUAL_DELAY = 3600
USUAL_LEAST = 90
WIDEST = 100
"""Points between the minimum and the maximum healthy percentage."""


@autoscaling.operation(
    role="launcher",
    deviation="Rolling only. A new instance that never comes up healthy fails the refresh at once. There are no alarms "
    "and no standby instances.",
)
def start_instance_refresh(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to replace a group's instances, from the desired configuration where one is given."""
    group = find_group(call, parameters["AutoScalingGroupName"])
    if active_refresh(call.catalog, group) is not None:
        raise AwsError(
            "InstanceRefreshInProgress",
            "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.",
        )
    if (strategy := parameters.get("Strategy") or "Rolling") != "Rolling":
        raise AwsError("ValidationError", f"The strategy {strategy} is not supported here; use Rolling.")
    desired = require_specification(call, parameters.get("DesiredConfiguration") or {})
    if desired:
        require_power(call, group.inner["power"])
    preferences = _preferences(group, parameters.get("Preferences") or {})
    old = _old(call, group, desired, preferences)
    possible = bool(desired) and is_fixed(call, target_of(group, None))
    if preferences["AutoRollback"] and not possible:
        raise AwsError(
            "ValidationError",
            "AutoRollback takes a desired configuration, and a group whose launch template has a numbered version and "
            "an AMI id.",
        )
    refresh = Refresh(
        "Pending",
        frozenset(old),
        len(old),
        least=preferences["MinHealthyPercentage"],
        most=preferences.get("MaxHealthyPercentage"),
        warmup=preferences["InstanceWarmup"],
        checkpoints=tuple(preferences.get("CheckpointPercentages") or (100,)),
        checkpoint_delay=preferences.get("CheckpointDelay", USUAL_DELAY),
        bake=preferences.get("BakeTime") or 0,
        may_roll_back=possible,
        roll_back_itself=preferences["AutoRollback"],
        waits_for_protected=preferences["ScaleInProtectedInstances"] == "Wait",
        progress_at=call.now,
        to_update=len(old),
    )
    document = {
        "AutoScalingGroupName": group.name,
        "StartTime": iso(call.now),
        "Preferences": preferences,
        "Strategy": "Rolling",
        **({"DesiredConfiguration": desired} if desired else {}),
    }
    record = Resource(str(uuid.uuid4()), REFRESH, call.account.id, call.region, group.id, "Pending", call.now, document)
    call.catalog.add(written(record, refresh, call.now))
    return {"InstanceRefreshId": record.id}


@autoscaling.operation()
def describe_instance_refreshes(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List a group's refreshes, the newest first."""
    group = find_group(call, parameters["AutoScalingGroupName"])
    ids = tuple(parameters.get("InstanceRefreshIds") or ())
    found = list(call.catalog.find(Query(REFRESH, ids=ids, names=(group.id,), owners=(call.account.id,))))

    def items(after: Any) -> Iterator[Resource]:
        return (each for each in reversed(found) if after is None or each.position < after)

    page, more = paginate(call, parameters, items, lambda each: each.position, default=50, most=100)
    return {"InstanceRefreshes": [show_refresh(each) for each in page], **more}


@autoscaling.operation(role="launcher")
def cancel_instance_refresh(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """End a refresh or rollback where it is; what it replaced stays replaced."""
    group = find_group(call, parameters["AutoScalingGroupName"])
    record = _require_active(call, group)
    waits = parameters.get("WaitForTransitioningInstances") is not False
    cancelled = replace(read_refresh(record), status="Cancelling", waits_for_transitions=waits)
    call.catalog.save(written(record, cancelled, call.now))
    return {"InstanceRefreshId": record.id}


@autoscaling.operation(role="launcher")
def rollback_instance_refresh(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Replace what a refresh launched by what the group is configured for."""
    group = find_group(call, parameters["AutoScalingGroupName"])
    record = _require_active(call, group)
    refresh = read_refresh(record)
    if not refresh.may_roll_back:
        raise AwsError(
            "IrreversibleInstanceRefresh",
            "The instance refresh cannot be rolled back: it has no desired configuration, or the group's launch "
            "template has no numbered version or no AMI id.",
        )
    if refresh.status not in {"Pending", "InProgress", "Baking"}:
        raise AwsError("ActiveInstanceRefreshNotFound", f"The instance refresh is {refresh.status}.")
    staying = [member for member in members_of(call.catalog, group) if member.stays]
    reason = "Rolled back by request."
    call.catalog.save(
        written(record.knowing(rollback_reason=reason), roll_back(refresh, staying, reason, call.now), call.now)
    )
    return {"InstanceRefreshId": record.id}


def _require_active(call: Call, group: Resource) -> Resource:
    record = active_refresh(call.catalog, group)
    if record is None or record.state not in {"Pending", "Baking", *ROLLING}:
        raise AwsError(
            "ActiveInstanceRefreshNotFound",
            f"No in progress or pending Instance Refresh found for Auto Scaling group {group.name}",
        )
    return record


def _old(call: Call, group: Resource, desired: Mapping[str, Any], preferences: Mapping[str, Any]) -> list[str]:
    """Return the ids of the instances to be replaced."""
    ways = offers(call, desired or target_of(group, None)) if preferences["SkipMatching"] else []
    spared = preferences["ScaleInProtectedInstances"] == "Ignore"
    return [
        identifier
        for identifier, member in group.inner["members"].items()
        if not (member.get("leaving") or matches(ways, member) or (spared and member.get("protected")))
    ]


def _preferences(group: Resource, asked: Mapping[str, Any]) -> Item:
    """Return a refresh's preferences whole. Raises AwsError for those that do not go together."""
    if (asked.get("AlarmSpecification") or {}).get("Alarms"):
        raise AwsError("ValidationError", "There are no CloudWatch alarms here.")
    if asked.get("MaxHealthyPercentage") is not None and asked.get("MinHealthyPercentage") is None:
        raise AwsError("ValidationError", "MaxHealthyPercentage takes MinHealthyPercentage beside it.")
    policy = group.document.get("InstanceMaintenancePolicy") or {}
    usual = {name: value for name, value in policy.items() if value >= 0}
    grace = group.document.get("HealthCheckGracePeriod") or 0
    warmup = group.document.get("DefaultInstanceWarmup")
    whole: Item = {
        "MinHealthyPercentage": USUAL_LEAST,
        **usual,
        "InstanceWarmup": grace if warmup is None or warmup < 0 else warmup,
        "SkipMatching": False,
        "AutoRollback": False,
        "ScaleInProtectedInstances": "Wait",
        "StandbyInstances": "Wait",
        **{name: value for name, value in asked.items() if value is not None},
    }
    if whole.get("MaxHealthyPercentage", 0) - whole["MinHealthyPercentage"] > WIDEST:
        raise AwsError("ValidationError", "MaxHealthyPercentage is more than 100 points above MinHealthyPercentage.")
    _require_checkpoints(whole)
    return whole


def _require_checkpoints(preferences: Item) -> None:
    points = preferences.get("CheckpointPercentages") or []
    if preferences.get("CheckpointDelay") is not None and not points:
        raise AwsError("ValidationError", "CheckpointDelay takes CheckpointPercentages beside it.")
    if points != sorted(set(points)):
        raise AwsError("ValidationError", "CheckpointPercentages are unique and in ascending order.")
    if points:
        preferences.setdefault("CheckpointDelay", USUAL_DELAY)
