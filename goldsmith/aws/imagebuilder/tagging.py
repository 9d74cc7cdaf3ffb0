"""Tags of Image Builder's resources (2.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.references import find
from goldsmith.aws.imagebuilder.refusals import not_found
from goldsmith.aws.operations import imagebuilder
from goldsmith.aws.tags import MOST
from goldsmith.documents.arns import Arn, ArnError

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource


@imagebuilder.operation()
def list_tags_for_resource(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List a resource's tags."""
    return {"tags": call.catalog.tags(_require(call, parameters))}


@imagebuilder.operation()
def tag_resource(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Put tags on a resource, over those of the same keys."""
    resource, tags = _require(call, parameters), parameters["tags"]
    together = {**call.catalog.tags(resource), **tags}
    if len(together) > MOST:
        raise AwsError(
            "InvalidParameterException", f"A resource has at most {MOST} tags; it would have {len(together)}."
        )
    call.catalog.tag(resource, tags)
    return {}


@imagebuilder.operation()
def untag_resource(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take tags off a resource."""
    call.catalog.untag(_require(call, parameters), parameters["tagKeys"])
    return {}


def _require(call: Call, parameters: dict[str, Any]) -> Resource:
    text = parameters["resourceArn"]
    try:
        arn = Arn.parse(text)
    except ArnError as wrong:
        raise AwsError("InvalidParameterException", f"{wrong.message} {wrong.mend}") from wrong
    found = find(call.catalog, arn)
    if found is None or found.account != call.account.id:
        raise not_found(text)
    return found
