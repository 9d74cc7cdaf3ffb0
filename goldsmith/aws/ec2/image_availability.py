"""AMIs that are taken out of use for a while: disabled, and enabled again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.image_deprecation import made_private
from goldsmith.aws.ec2.own_images import own_image
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

AVAILABLE = "available"
DISABLED = "disabled"


@ec2.operation()
def disable_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take an AMI out of use: nobody launches it, and whoever it was shared with loses it for good."""
    image = own_image(call, parameters["ImageId"])
    if image.state != DISABLED:
        _require(image, AVAILABLE)
        call.catalog.share(image, remove=call.catalog.grantees(image))
        call.catalog.save(made_private(image).having(state=DISABLED))
    return {"Return": True}


@ec2.operation()
def enable_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take a disabled AMI into use again, private to its owner."""
    image = own_image(call, parameters["ImageId"])
    if image.state != AVAILABLE:
        _require(image, DISABLED)
        call.catalog.save(image.having(state=AVAILABLE))
    return {"Return": True}


def _require(image: Resource, state: str) -> None:
    if image.state != state:
        raise AwsError("IncorrectState", f"The image '{image.id}' is in the state '{image.state}', not '{state}'.")
