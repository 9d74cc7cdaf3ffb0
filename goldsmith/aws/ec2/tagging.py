"""Tags: put on resources of any kind, taken off and listed; each account has its own, also on what others share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import KINDS, has_form, kind_of, seen
from goldsmith.aws.ec2.own_images import DEREGISTERED
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filters
from goldsmith.aws.operations import ec2
from goldsmith.aws.pagination import paginate
from goldsmith.aws.tags import RESERVED, parse_tags, require_room

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

MOST_RESOURCES = 1000
LEAST_RESULTS = 5
FILTERS = {"key": "Key", "resource-id": "ResourceId", "resource-type": "ResourceType", "value": "Value"}


@ec2.operation(role="launcher")
def create_tags(call: Call, parameters: dict[str, Any]) -> None:
    """Put tags on resources that the caller sees, all or none."""
    tags = parse_tags({"Key": tag.get("Key"), "Value": tag.get("Value", "")} for tag in parameters["Tags"])
    resources = _resources(call, parameters)
    there = call.catalog.tags_among(resources)
    for resource in resources:
        require_room({**there.get(resource.id, {}), **tags})
        call.catalog.tag(resource, tags)


@ec2.operation(role="launcher")
def delete_tags(call: Call, parameters: dict[str, Any]) -> None:
    """Take tags off resources: all of the user's, or those of some keys, and values where they are given."""
    asked = parameters.get("Tags")
    resources = _resources(call, parameters)
    there = call.catalog.tags_among(resources)
    for resource in resources:
        call.catalog.untag(resource, _going(there.get(resource.id, {}), asked))


@ec2.operation()
def describe_tags(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's own tags on what it sees."""
    asked = parameters.get("MaxResults")
    if asked is not None and asked < LEAST_RESULTS:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ( {asked} ) for parameter maxResults is invalid. Expecting a value greater than or equal to 5.",
        )
    filters = Filters(parameters.get("Filters"), FILTERS)

    def items(after: Any) -> Iterator[tuple[list[Any], dict[str, str]]]:
        place = (int(after[0]), str(after[1])) if after else (0, "")
        for tag in call.catalog.all_tags(after=place):
            item = {"Key": tag.key, "ResourceId": tag.id, "ResourceType": tag.kind, "Value": tag.value}
            if tag.kind in KINDS and filters.match({**item, "Tags": [item]}):
                yield [tag.position, tag.key], item

    page, more = paginate(call, parameters, items, lambda found: found[0])
    return {"Tags": [item for _, item in page], **more}


def _resources(call: Call, parameters: Mapping[str, Any]) -> list[Resource]:
    """Return the resources that a request names. Raises AwsError for one that the caller cannot see."""
    ids = list(dict.fromkeys(parameters["Resources"]))
    if len(ids) > MOST_RESOURCES:
        raise AwsError("InvalidParameterValue", f"At most {MOST_RESOURCES} resources can be tagged at once.")
    return [_resource(call, identifier) for identifier in ids]


def _resource(call: Call, identifier: str) -> Resource:
    kind = kind_of(identifier)
    if kind is None or not has_form(kind, identifier):
        raise AwsError("InvalidID", f"The ID '{identifier[:200]}' is not valid")
    resource = seen(call, kind.name, identifier)
    if resource.state == DEREGISTERED:
        raise AwsError(kind.not_found, kind.words.format(id=identifier))
    return resource


def _going(there: Mapping[str, str], asked: list[dict[str, str]] | None) -> list[str]:
    """Return the keys of the tags that a request takes off; the system's own stay."""
    if not asked:
        return [key for key in there if not key.startswith(RESERVED)]
    going = []
    for tag in asked:
        key, value = tag.get("Key") or "", tag.get("Value")
        if key.lower().startswith(RESERVED):
            raise AwsError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
        if key in there and value in {None, there[key]}:
            going.append(key)
    return going
