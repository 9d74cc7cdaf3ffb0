"""Where an AMI comes from: the AMIs that it was made of, one of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import seen
from goldsmith.aws.ec2.image_sources import source_of, visible_sources
from goldsmith.aws.ec2.marketplace import owner_alias
from goldsmith.aws.operations import ec2
from goldsmith.aws.wire.times import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource


@ec2.operation()
def get_image_ancestry(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Show an AMI and those before it, as far as the caller sees them; of its own it also sees deregistered ones."""
    image = seen(call, "image", parameters["ImageId"])
    return {"ImageAncestryEntries": list(_chain(call, image))}


def _chain(call: Call, image: Resource | None) -> Iterator[dict[str, Any]]:
    told: set[tuple[str, str]] = set()
    while image is not None and (image.region, image.id) not in told:
        told.add((image.region, image.id))
        catalog = call.catalog.elsewhere(image.region)
        sources = {**image.document, **visible_sources(call, [image]).get(image.id, {})}
        entry = {
            "CreationDate": iso(image.created),
            "ImageId": image.id,
            "ImageOwnerAlias": owner_alias(image, catalog.listed_among([image])) or None,
            "SourceImageId": sources.get("SourceImageId"),
            "SourceImageRegion": sources.get("SourceImageRegion"),
        }
        yield {name: value for name, value in entry.items() if value is not None}
        source = source_of(image)
        image = call.catalog.elsewhere(source[0]).get("image", source[1]) if source else None
