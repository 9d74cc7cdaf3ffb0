"""Tags of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ssm
from goldsmith.aws.ssm.records import own_parameter
from goldsmith.aws.tags import parse_tags, require_room, show_tags

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource


@ssm.operation()
def add_tags_to_resource(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Put tags on a parameter."""
    parameter, tags = _find(call, parameters), parse_tags(parameters["Tags"])
    require_room({**call.catalog.tags(parameter), **tags})
    call.catalog.tag(parameter, tags)
    return {}


@ssm.operation()
def remove_tags_from_resource(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take tags off a parameter."""
    call.catalog.untag(_find(call, parameters), parameters["TagKeys"])
    return {}


@ssm.operation()
def list_tags_for_resource(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List a parameter's tags."""
    return {"TagList": show_tags(call.catalog.tags(_find(call, parameters)))}


def _find(call: Call, parameters: dict[str, Any]) -> Resource:
    if parameters["ResourceType"] != "Parameter":
        raise AwsError("InvalidResourceType", "Only parameters are kept here, and have tags.")
    try:
        return own_parameter(call, parameters["ResourceId"])
    except AwsError as missing:
        raise AwsError(
            "InvalidResourceId", f"The resource ID {parameters['ResourceId'][:200]} does not exist."
        ) from missing
