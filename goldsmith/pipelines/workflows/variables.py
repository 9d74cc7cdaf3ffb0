"""The values below ``$.imagebuilder`` of one build in one stage (5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goldsmith.documents.workflows.step import Stage
    from goldsmith.pipelines.image_run import ImageRun

WORKING_DIRECTORY = "/tmp"  # noqa: S108 - the folder in the guest that a recipe without one has

_PLATFORMS = {"macOS": "MacOS"}


def variables_of(image: ImageRun, stage: Stage) -> dict[str, Any]:
    """Return the variables; an image that is built on no AMI has the name of what it is built on for imageId."""
    infrastructure = image.infrastructure
    return {
        "cloudWatchLogGroup": f"/aws/imagebuilder/{image.name}",
        "cloudWatchLogStream": f"{image.version}/{image.build}",
        "collectImageMetadata": image.collect_metadata,
        "collectImageScanFindings": image.collect_findings,
        "dateTime": image.date_time,
        "imageBuildNumber": image.build,
        "imageId": image.parent.reference,
        "imageName": image.name,
        "imageType": image.kind,
        "imageVersionNumber": image.version,
        "instanceProfileName": infrastructure.get("instanceProfileName", ""),
        "platform": _PLATFORMS.get(image.platform, image.platform),
        "s3Logs": (infrastructure.get("logging") or {}).get("s3Logs") or {},
        "securityGroups": list(infrastructure.get("securityGroupIds") or ()),
        "sourceImageARN": image.arn,
        "subnetId": infrastructure.get("subnetId", ""),
        "terminateInstanceOnFailure": infrastructure.get("terminateInstanceOnFailure", True),
        "workflowPhase": stage.capitalize(),
        "workingDirectory": image.recipe.get("workingDirectory") or WORKING_DIRECTORY,
    }
