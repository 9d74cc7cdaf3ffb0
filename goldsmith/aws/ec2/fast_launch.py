"""Windows fast launch: snapshots prepared in advance, which no instance here would start faster from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import require_form, seen
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filters
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

FILTERS = {"resource-type": "ResourceType", "owner-id": "OwnerId", "state": "State"}
REFUSED = "Always refused: instances start without a copy of their snapshot, so that nothing is prepared in advance."


@ec2.operation(deviation=REFUSED)
def enable_fast_launch(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Refuse to prepare snapshots."""
    image = seen(call, "image", parameters["ImageId"])
    if image.document.get("Platform") != "windows":
        raise AwsError("InvalidParameter", f"The image '{image.id}' is not a Windows AMI.")
    raise AwsError(
        "UnsupportedOperation", "Instances start here without a copy of their snapshot; there is nothing to prepare."
    )


@ec2.operation(deviation=REFUSED)
def disable_fast_launch(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Refuse: it is enabled for no AMI."""
    image = seen(call, "image", parameters["ImageId"])
    raise AwsError("InvalidRequest", f"Fast launch is not enabled for the image '{image.id}'.")


@ec2.operation(deviation="There are none, as fast launch is never enabled.")
def describe_fast_launch_images(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List no AMIs."""
    require_form("image", *(parameters.get("ImageIds") or ()))
    Filters(parameters.get("Filters"), FILTERS)
    return {"FastLaunchImages": []}
