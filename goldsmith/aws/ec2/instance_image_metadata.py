"""Of which AMIs instances were launched, also when those are gone or withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.allowed_images import DISABLED, allowed_images
from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.instances import state_of
from goldsmith.aws.ec2.marketplace import image_facts
from goldsmith.aws.ec2.regions import zone_id
from goldsmith.aws.operations import ec2
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

FILTERS = {
    "availability-zone": "AvailabilityZone",
    "instance-id": "InstanceId",
    "image-allowed": "ImageMetadata.ImageAllowed",
    "instance-state-name": "State.Name",
    "instance-type": "InstanceType",
    "launch-time": "LaunchTime",
    "owner-alias": "ImageMetadata.ImageOwnerAlias",
    "owner-id": "ImageMetadata.OwnerId",
    "zone-id": "ZoneId",
}


def show_metadata(call: Call, instances: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return what is told of instances and their AMIs, without tags."""
    images = _images(call, {instance.document["ImageId"] for instance in instances})
    items = []
    for instance in instances:
        zone = instance.document["Placement"]["AvailabilityZone"]
        identifier = instance.document["ImageId"]
        remembered = instance.inner.get("image") or {"ImageId": identifier}
        items.append(
            {
                "InstanceId": instance.id,
                "InstanceType": instance.document["InstanceType"],
                "LaunchTime": instance.document["LaunchTime"],
                "AvailabilityZone": zone,
                "ZoneId": zone_id(call.region, zone),
                "State": state_of(instance.state),
                "OwnerId": instance.account,
                "ImageMetadata": images.get(identifier, remembered),
                "Operator": {"Managed": False},
            }
        )
    return items


LISTING = Listing(
    "instance",
    "InstanceIds",
    FILTERS,
    show_metadata,
    {"instance-id": "ids", "instance-state-name": "states"},
)


@ec2.operation(
    deviation="Of an AMI that the caller sees no more, what was so at launch is told; its state may have changed since."
)
def describe_instance_image_metadata(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's instances, each with the AMI that it was launched from."""
    items, more = describe(call, parameters, LISTING)
    return {"InstanceImageMetadata": items, **more}


def _images(call: Call, ids: set[str]) -> dict[str, dict[str, Any]]:
    """Return what is to be told of those AMIs that the caller sees."""
    images = list(call.catalog.find(Query("image", ids=tuple(sorted(ids))))) if ids else []
    allowed = allowed_images(call)
    found = image_facts(call, images)
    for image in images if allowed.state != DISABLED else ():
        found[image.id]["ImageAllowed"] = allowed.allows(image, found[image.id].get("ImageOwnerAlias", ""))
    return found
