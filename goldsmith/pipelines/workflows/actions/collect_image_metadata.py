"""CollectImageMetadata: the system's name and packages, kept with the image (5.3, 6.4)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import Resource
from goldsmith.pipelines.builders.instances import find_instance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun

KIND = "image-packages"


def run(step: StepRun) -> Mapping[str, Any]:
    """Read what the instance's system is, for GetImage and ListImagePackages."""
    image = step.image
    found = find_instance(step).inspect()
    document: dict[str, Any] = {"packages": list(found.packages)}
    with step.world.catalog(image.account, image.region) as catalog:
        if there := catalog.own(KIND, image.arn):
            catalog.save(there.having(**document))
        else:
            catalog.add(Resource(image.arn, KIND, image.account, image.region, document=document))
        if (build := catalog.own("image-build", image.arn)) and found.os_version:
            catalog.save(build.having(osVersion=found.os_version))
            if version := catalog.own("image-version", image.arn.rpartition("/")[0]):
                catalog.save(version.having(osVersion=found.os_version))
    step.say(f"{found.os_version}: {len(found.packages)} packages")
    return {"osVersion": found.os_version, "associationId": str(uuid.uuid5(uuid.NAMESPACE_URL, step.id))}


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - nothing was made for it
    """Undo nothing: what is known of a build that failed may stay known."""
    return False
