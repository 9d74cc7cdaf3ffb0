"""Tags of Auto Scaling groups, which may be handed on to the instances they launch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.autoscaling.group_records import GROUP, find_group
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import apply
from goldsmith.aws.operations import autoscaling
from goldsmith.aws.pagination import paginate
from goldsmith.aws.tags import parse_tags
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from goldsmith.aws.call import Call

    Item = dict[str, Any]

FILTERS = {
    "auto-scaling-group": "ResourceId",
    "key": "Key",
    "value": "Value",
    "propagate-at-launch": "PropagateAtLaunch",
}


def parse_group_tags(tags: Sequence[Mapping[str, Any]], group: str) -> list[Item]:
    """Return a group's tags whole, by key. Raises AwsError for those that no resource may have."""
    try:
        pairs = parse_tags([{**tag, "Value": tag.get("Value") or ""} for tag in tags])
    except AwsError as refusal:
        raise AwsError("ValidationError", refusal.message) from refusal
    handed_on = {str(tag["Key"]): bool(tag.get("PropagateAtLaunch")) for tag in tags}
    return [
        {
            "ResourceId": group,
            "ResourceType": GROUP,
            "Key": key,
            "Value": pairs[key],
            "PropagateAtLaunch": handed_on[key],
        }
        for key in sorted(pairs)
    ]


@autoscaling.operation(role="launcher")
def create_or_update_tags(call: Call, parameters: dict[str, Any]) -> None:
    """Put tags on groups, over those of the same keys."""
    for name, tags in _by_group(parameters["Tags"]).items():
        group = find_group(call, name)
        new = parse_group_tags(tags, name)
        keys = {tag["Key"] for tag in new}
        kept = [tag for tag in group.document["Tags"] if tag["Key"] not in keys]
        whole = parse_group_tags([*kept, *new], name)
        call.catalog.save(group.having(Tags=whole))


@autoscaling.operation(role="launcher")
def delete_tags(call: Call, parameters: dict[str, Any]) -> None:
    """Take tags off groups, by their keys."""
    for name, tags in _by_group(parameters["Tags"]).items():
        group = find_group(call, name)
        keys = {tag["Key"] for tag in tags}
        call.catalog.save(group.having(Tags=[tag for tag in group.document["Tags"] if tag["Key"] not in keys]))


@autoscaling.operation()
def describe_tags(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the tags of groups."""
    groups = call.catalog.find(Query(GROUP, owners=(call.account.id,)))
    tags = (tag for group in sorted(groups, key=lambda group: group.name) for tag in group.document["Tags"])
    found = apply(parameters.get("Filters"), FILTERS, tags)

    def items(after: Any) -> Iterator[Item]:
        return (tag for tag in found if after is None or [tag["ResourceId"], tag["Key"]] > after)

    page, more = paginate(call, parameters, items, lambda tag: [tag["ResourceId"], tag["Key"]], default=50, most=100)
    return {"Tags": page, **more}


def _by_group(tags: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    by_group: dict[str, list[Mapping[str, Any]]] = {}
    for tag in tags:
        by_group.setdefault(str(tag.get("ResourceId") or ""), []).append(tag)
    return by_group
