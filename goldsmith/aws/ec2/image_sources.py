"""What an AMI was made of, as far as whoever asks may know: another's source is nobody's business."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

Source = tuple[str, str]
"""A region and an image's id."""


def visible_sources(call: Call, images: Sequence[Resource]) -> dict[str, dict[str, Any]]:
    """Return, for images of others, what takes the place of the members that name their sources.

    Instances of another account are never told; source images are where the caller sees them, too.
    """
    foreign = [image for image in images if image.account != call.account.id]
    seen = _seen(call, {source for image in foreign for source in _sources(image)})
    return {image.id: _told(image, seen) for image in foreign}


def source_of(image: Resource) -> Source | None:
    """Return the image that an image was made of, None for one that was made of none."""
    identifier = image.document.get("SourceImageId")
    return (str(image.document.get("SourceImageRegion") or image.region), str(identifier)) if identifier else None


def _sources(image: Resource) -> Iterable[Source]:
    if source := source_of(image):
        yield source
    for mark in image.document.get("ImageWatermarks", ()):
        yield str(mark["SourceImageRegion"]), str(mark["SourceImageId"])


def _seen(call: Call, sources: set[Source]) -> set[Source]:
    """Return those that the caller sees."""
    found: set[Source] = set()
    for region in {region for region, _ in sources}:
        ids = tuple(identifier for there, identifier in sources if there == region)
        images = call.catalog.elsewhere(region).find(Query("image", ids=ids))
        found.update((region, image.id) for image in images)
    return found


def _told(image: Resource, seen: set[Source]) -> dict[str, Any]:
    told: dict[str, Any] = {"SourceInstanceId": None}
    if source_of(image) not in seen:
        told |= {"SourceImageId": None, "SourceImageRegion": None}
    if marks := image.document.get("ImageWatermarks"):
        told["ImageWatermarks"] = [
            mark
            if (mark["SourceImageRegion"], mark["SourceImageId"]) in seen
            else {name: value for name, value in mark.items() if not name.startswith("SourceImage")}
            for mark in marks
        ]
    return told
