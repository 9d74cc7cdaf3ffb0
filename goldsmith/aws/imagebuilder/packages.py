"""ListImagePackages: what a build's collected metadata says is in it (2.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder.listing import DEFAULT_PAGE, LARGEST_PAGE
from goldsmith.aws.imagebuilder.references import require
from goldsmith.aws.operations import imagebuilder
from goldsmith.aws.pagination import paginate
from goldsmith.catalog.resources import lend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call

ARN = "imageBuildVersionArn"


@imagebuilder.operation()
def list_image_packages(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the packages of a build; none where no metadata was collected."""
    image = require(call, parameters[ARN], "image", path=ARN)
    kept = lend(call.catalog.connection, "image-packages", image.id, call.region)
    packages = list(kept.document["packages"]) if kept is not None else []

    def items(after: int | None) -> Iterator[tuple[int, dict[str, Any]]]:
        return iter(list(enumerate(packages))[0 if after is None else after + 1 :])

    page, following = paginate(call, parameters, items, lambda row: row[0], default=DEFAULT_PAGE, most=LARGEST_PAGE)
    more = {"nextToken": following["NextToken"]} if following else {}
    return {"imagePackageList": [package for _, package in page], **more}
