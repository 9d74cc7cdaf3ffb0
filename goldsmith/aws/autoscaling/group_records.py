"""Auto Scaling groups as the catalogue keeps them, and their instances as a plan and an answer see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.autoscaling.members import Member
from goldsmith.aws.autoscaling.planning import Settings
from goldsmith.aws.errors import AwsError
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource

    Item = dict[str, Any]

GROUP = "auto-scaling-group"
NAME_TAG = "aws:autoscaling:groupName"


def find_group(call: Call, name: str) -> Resource:
    """Return the caller's group of that name. Raises AwsError when there is none."""
    group = call.catalog.named(GROUP, name)
    if group is None:
        raise AwsError("ValidationError", "AutoScalingGroup name not found - null")
    return group


def group_of(call: Call, instance_id: str) -> Resource:
    """Return the caller's group that an instance is in. Raises AwsError when it is in none."""
    for group in call.catalog.find(Query(GROUP, owners=(call.account.id,))):
        if instance_id in group.inner["members"]:
            return group
    raise AwsError(
        "ValidationError", f"Instance Id not found - No managed instance found for instance ID: {instance_id}"
    )


def arn_of(group: Resource) -> str:
    """Return a group's ARN."""
    place = f"{group.region}:{group.account}"
    return f"arn:aws:autoscaling:{place}:autoScalingGroup:{group.id}:autoScalingGroupName/{group.name}"


def show_group(group: Resource, *, instances: bool = True) -> Item:
    """Return a group as DescribeAutoScalingGroups shows it."""
    suspended = group.inner.get("suspended") or {}
    return {
        **group.document,
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": arn_of(group),
        "CreatedTime": iso(group.created),
        "SuspendedProcesses": [
            {"ProcessName": name, "SuspensionReason": reason} for name, reason in sorted(suspended.items())
        ],
        "Instances": [
            show_member(identifier, record) for identifier, record in group.inner["members"].items() if instances
        ],
        "Status": "Delete in progress" if group.inner.get("deleting") else None,
    }


def show_member(identifier: str, record: Mapping[str, Any]) -> Item:
    """Return an instance of a group as answers show it."""
    state = "Pending" if record.get("in_service") is None else "InService"
    return {
        "InstanceId": identifier,
        "InstanceType": record["type"],
        "AvailabilityZone": record["zone"],
        "LifecycleState": "Terminating" if record.get("leaving") else state,
        "HealthStatus": "Unhealthy" if record.get("unhealthy") or record.get("condemned") else "Healthy",
        "LaunchTemplate": record.get("template"),
        "ImageId": record.get("image"),
        "ProtectedFromScaleIn": bool(record.get("protected")),
    }


def settings_of(group: Resource, *, version: str = "") -> Settings:
    """Return what a group's plans are made by; ``version`` is what a launch would be made from now."""
    document, inner = group.document, group.inner
    return Settings(
        desired=int(document["DesiredCapacity"]),
        grace=float(document.get("HealthCheckGracePeriod") or 0),
        policies=tuple(document.get("TerminationPolicies") or ("Default",)),
        suspended=frozenset(inner.get("suspended") or ()),
        retry_at=float(inner.get("retry_at") or 0),
        deleting=bool(inner.get("deleting")),
        version=version,
    )


def members_of(catalog: Catalog, group: Resource) -> list[Member]:
    """Return a group's instances with what EC2 knows of them now."""
    records = group.inner["members"]
    if not records:
        return []
    query = Query("instance", ids=tuple(records), owners=(group.account,))
    there = {instance.id: instance for instance in catalog.find(query)}
    return [_member(identifier, record, there.get(identifier)) for identifier, record in records.items()]


def _member(identifier: str, record: Mapping[str, Any], instance: Resource | None) -> Member:
    facts = instance.inner if instance else {}
    return Member(
        identifier,
        launched=float(record["launched"]),
        state=instance.state if instance else "terminated",
        check=str((facts.get("status") or {}).get("instance") or "initializing"),
        in_service=record.get("in_service"),
        failing_since=facts.get("impaired_since"),
        leaving=bool(record.get("leaving")),
        protected=bool(record.get("protected")),
        condemned=bool(record.get("condemned")),
        zone=str(record["zone"]),
        version=version_of(record),
    )


def version_of(record: Mapping[str, Any]) -> str:
    """Return what an instance was launched from, as one text."""
    template = record.get("template") or {}
    return f"{template.get('LaunchTemplateId')}:{template.get('Version')}"


def changed_member(group: Resource, identifier: str, **facts: Any) -> Resource:
    """Return a group with facts of one instance replaced."""
    members = dict(group.inner["members"])
    members[identifier] = {**members[identifier], **facts}
    return group.knowing(members=members)
