"""Instances of groups: shown, ended, attached, detached, protected from scale-in, called healthy or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.autoscaling.activities import ACTIVITY, begin, end, show_activity
from goldsmith.aws.autoscaling.group_records import (
    GROUP,
    NAME_TAG,
    changed_member,
    find_group,
    group_of,
    show_member,
)
from goldsmith.aws.autoscaling.launches import terminate
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import autoscaling
from goldsmith.aws.pagination import paginate
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

    Item = dict[str, Any]


@autoscaling.operation()
def describe_auto_scaling_instances(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the instances of all groups, or those of the ids asked for; an id of none is passed over."""
    wanted = set(parameters.get("InstanceIds") or ())
    found = sorted(
        (
            {**show_member(identifier, record), "AutoScalingGroupName": group.name}
            for group in call.catalog.find(Query(GROUP, owners=(call.account.id,)))
            for identifier, record in group.inner["members"].items()
            if not wanted or identifier in wanted
        ),
        key=lambda item: str(item["InstanceId"]),
    )
    for item in found:
        item["HealthStatus"] = item["HealthStatus"].upper()

    def items(after: Any) -> Iterator[Item]:
        return (item for item in found if after is None or item["InstanceId"] > after)

    page, more = paginate(call, parameters, items, lambda item: item["InstanceId"], default=50, most=50)
    return {"AutoScalingInstances": page, **more}


@autoscaling.operation(role="launcher")
def terminate_instance_in_auto_scaling_group(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """End instances of groups; they are replaced unless the desired capacity is decremented."""
    ids = [each for each in [parameters.get("InstanceId"), *(parameters.get("InstanceIds") or ())] if each]
    if not ids:
        raise AwsError("ValidationError", "The request must contain the parameter InstanceId.")
    activities = []
    for identifier in dict.fromkeys(ids):
        group = group_of(call, identifier)
        if parameters["ShouldDecrementDesiredCapacity"]:
            group = _decremented(group)
        group = terminate(
            call, group, identifier, "an instance was taken out of service in response to a user request."
        )
        call.catalog.save(group)
        activity = call.catalog.own(ACTIVITY, group.inner["members"][identifier]["activity"])
        activities += [show_activity(activity)] if activity else []
    return {"Activity": activities[0], **({"Activities": activities} if parameters.get("InstanceIds") else {})}


@autoscaling.operation(role="launcher")
def attach_instances(call: Call, parameters: dict[str, Any]) -> None:
    """Take running instances into a group, whose desired capacity grows by them."""
    group = find_group(call, parameters["AutoScalingGroupName"])
    ids = list(dict.fromkeys(parameters.get("InstanceIds") or ()))
    desired = group.document["DesiredCapacity"] + len(ids)
    if desired > group.document["MaxSize"]:
        raise AwsError(
            "ValidationError",
            f"AutoScalingGroup {group.name} has min-size={group.document['MinSize']}, "
            f"max-size={group.document['MaxSize']}, and desired-size={group.document['DesiredCapacity']}. To attach "
            f"{len(ids)} more instances, please update the AutoScalingGroup sizes appropriately.",
        )
    for identifier in ids:
        instance = _attachable(call, identifier)
        version = call.catalog.tags(instance)
        record = {
            "launched": instance.created,
            "in_service": call.now,
            "protected": bool(group.document.get("NewInstancesProtectedFromScaleIn")),
            "zone": instance.document["Placement"]["AvailabilityZone"],
            "type": instance.document["InstanceType"],
            "image": instance.document["ImageId"],
            "template": {
                "LaunchTemplateId": version.get("aws:ec2launchtemplate:id"),
                "Version": version.get("aws:ec2launchtemplate:version"),
            },
        }
        call.catalog.tag(instance, {NAME_TAG: group.name})
        group = group.knowing(members={**group.inner["members"], identifier: record})
        done = begin(call, group, f"Attaching an existing EC2 instance: {identifier}", "an instance was attached.")
        end(call, done.id, "Successful")
    call.catalog.save(group.having(DesiredCapacity=desired))


@autoscaling.operation(role="launcher")
def detach_instances(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Let instances go from a group, which run on; they are replaced unless the desired capacity is decremented."""
    group = find_group(call, parameters["AutoScalingGroupName"])
    activities = []
    for identifier in dict.fromkeys(parameters.get("InstanceIds") or ()):
        _require_member(group, identifier)
        if parameters["ShouldDecrementDesiredCapacity"]:
            group = _decremented(group)
        members = {each: record for each, record in group.inner["members"].items() if each != identifier}
        group = group.knowing(members=members)
        instance = call.catalog.own("instance", identifier)
        if instance is not None:
            call.catalog.untag(instance, [NAME_TAG])
        done = begin(call, group, f"Detaching EC2 instance: {identifier}", "an instance was detached.")
        end(call, done.id, "Successful")
        activities.append(show_activity(call.catalog.own(ACTIVITY, done.id) or done))
    call.catalog.save(group)
    return {"Activities": activities}


@autoscaling.operation(role="launcher")
def set_instance_protection(call: Call, parameters: dict[str, Any]) -> None:
    """Protect instances from scale-in, or no longer."""
    group = find_group(call, parameters["AutoScalingGroupName"])
    for identifier in parameters["InstanceIds"]:
        _require_member(group, identifier)
        group = changed_member(group, identifier, protected=parameters["ProtectedFromScaleIn"])
    call.catalog.save(group)


@autoscaling.operation(role="launcher")
def set_instance_health(call: Call, parameters: dict[str, Any]) -> None:
    """Call an instance healthy or unhealthy; an unhealthy one is replaced, after its grace period where one has it."""
    status = parameters["HealthStatus"]
    if status not in {"Healthy", "Unhealthy"}:
        raise AwsError("ValidationError", "Valid instance health states are: [Healthy, Unhealthy].")
    group = group_of(call, parameters["InstanceId"])
    record = group.inner["members"][parameters["InstanceId"]]
    grace = float(group.document.get("HealthCheckGracePeriod") or 0)
    young = call.now - record["launched"] < grace and parameters.get("ShouldRespectGracePeriod") is not False
    if not young or status == "Healthy":
        call.catalog.save(changed_member(group, parameters["InstanceId"], condemned=status == "Unhealthy"))


def _attachable(call: Call, identifier: str) -> Resource:
    try:
        instance = owned(call, "instance", identifier)
    except AwsError as refusal:
        raise AwsError("ValidationError", f"Invalid Instance ID(s): {refusal.message}") from refusal
    if instance.state != "running":
        raise AwsError("ValidationError", f"Instance {identifier} is not in correct state; it is {instance.state}.")
    if NAME_TAG in call.catalog.tags(instance):
        raise AwsError("ValidationError", f"Instance {identifier} is already part of an Auto Scaling group.")
    return instance


def _require_member(group: Resource, identifier: str) -> None:
    if identifier not in group.inner["members"]:
        raise AwsError("ValidationError", f"The instance {identifier} is not part of Auto Scaling group {group.name}.")


def _decremented(group: Resource) -> Resource:
    desired, least = group.document["DesiredCapacity"], group.document["MinSize"]
    if desired <= least:
        raise AwsError(
            "ValidationError",
            f"Currently, desiredSize equals minSize ({least}). Terminating instance without replacement will violate "
            "group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min "
            "size.",
        )
    return group.having(DesiredCapacity=desired - 1)
