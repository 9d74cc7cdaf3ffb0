"""A distributed AMI becomes a disk file in a bucket."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from goldsmith.pipelines.distribution.outcomes import StageError

if TYPE_CHECKING:
    from goldsmith.documents.distribution import S3Export
    from goldsmith.pipelines.distribution.wanted import DistributedImage
    from goldsmith.pipelines.workflows.action import StepRun

QUEUED = "ExportAmiQueued"
RUNNING = "ExportAmiRunning"
API_STEP = "EXPORT_AMI"
_SOON = 0.1
_LATER = 2.0


def export(step: StepRun, image: DistributedImage, wanted: S3Export) -> None:
    """Export an AMI of the image's account and wait until the file is there. Raises StageError, RefusedError."""
    location = {"S3Bucket": wanted.s3_bucket, **({"S3Prefix": wanted.s3_prefix} if wanted.s3_prefix else {})}
    token = f"{step.id}/{step.attempt}/{image.region}/{image.ami_id}"
    asked = {
        "ImageId": image.ami_id,
        "DiskImageFormat": wanted.disk_image_format,
        "S3ExportLocation": location,
        "RoleName": wanted.role_name,
        "ClientToken": hashlib.sha256(token.encode()).hexdigest(),
    }
    task = step.call("ec2", "ExportImage", region=image.region, **asked)["ExportImageTaskId"]
    pause = _SOON
    while True:
        look = {"ExportImageTaskIds": [task]}
        found = step.call("ec2", "DescribeExportImageTasks", region=image.region, **look)["ExportImageTasks"][0]
        if found["Status"] == "completed":
            step.say(f"Exported {image.ami_id} to the bucket {wanted.s3_bucket} by {task}.")
            return
        if found["Status"] != "active":
            raise StageError(
                f"EC2 Client Error: '{task}: {found.get('StatusMessage') or found['Status']}'",
                step=RUNNING,
                configuration=API_STEP,
            )
        step.stop.wait(pause)
        pause = min(2 * pause, _LATER)
