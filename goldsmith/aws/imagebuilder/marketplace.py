"""GetMarketplaceResource: the document of a component that is offered in the marketplace (2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.references import require
from goldsmith.aws.imagebuilder.refusals import invalid
from goldsmith.aws.operations import imagebuilder

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

DATA = "COMPONENT_DATA"


@imagebuilder.operation(deviation="The marketplace here offers AMIs; of components it has documents, no artifacts.")
def get_marketplace_resource(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a component of the marketplace."""
    arn = parameters["resourceArn"]
    component = require(call, arn, "component", path="resourceArn")
    offered = component.account != "aws" and component.id in call.catalog.listed_among([component])
    if not offered:
        raise AwsError("ResourceNotFoundException", f"The component '{arn}' is not offered in the marketplace.")
    if parameters["resourceType"] != DATA:
        if not parameters.get("resourceLocation"):
            raise invalid(call.operation, "resourceLocation", "An artifact is named by its resourceLocation.")
        raise AwsError(
            "ResourceNotFoundException",
            f"The component '{arn}' has no artifacts here: what it downloads it names in its document.",
        )
    return {"resourceArn": component.id, "data": component.document["data"]}
