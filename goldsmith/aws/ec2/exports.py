"""AMIs go elsewhere as disk files: ExportImage and its tasks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.aws.disk_images import EXTENSIONS
from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.export_jobs import export_image as export_image_later
from goldsmith.aws.ec2.ids import missing, owned, require_form
from goldsmith.aws.ec2.own_images import own_image
from goldsmith.aws.ec2.task_records import ACTIVE, CANCELLED, DELETING, EXPORT_IMAGE, noted
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications, show_tags
from goldsmith.catalog.resources import Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.call import Call

LONGEST_PREFIX = 512


@ec2.operation(deviation="Any AMI of the caller's with one volume is exported, also those that were not imported.")
def export_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to write an AMI's disk to a bucket."""
    tags = parse_specifications(parameters.get("TagSpecifications"), (EXPORT_IMAGE,)).get(EXPORT_IMAGE, {})
    image = own_image(call, parameters["ImageId"])
    if image.state != "available":
        raise AwsError("InvalidAMIID.Unavailable", f"The image id '[{image.id}]' is no longer available")
    if image.document.get("ProductCodes"):
        raise AwsError("InvalidRequest", f"The image '{image.id}' has product codes and cannot be exported.")
    volumes = [each["Ebs"] for each in image.document["BlockDeviceMappings"] if "Ebs" in each]
    if len(volumes) != 1 or not volumes[0].get("SnapshotId"):
        raise AwsError(
            "InvalidRequest", f"The image '{image.id}' has {len(volumes)} volumes; those with one are exported."
        )
    snapshot = call.catalog.get("snapshot", volumes[0]["SnapshotId"])
    if snapshot is None:
        raise missing("snapshot", [volumes[0]["SnapshotId"]])
    location = parameters["S3ExportLocation"]
    prefix = location.get("S3Prefix") or ""
    if len(prefix) > LONGEST_PREFIX:
        raise AwsError("InvalidParameterValue", f"S3Prefix has at most {LONGEST_PREFIX} characters.")
    task_id = new_id("export-ami")
    form = parameters["DiskImageFormat"]
    document = {
        "Description": parameters.get("Description") or "",
        "ImageId": image.id,
        "DiskImageFormat": form,
        "RoleName": parameters.get("RoleName"),
        "Progress": "0",
        "StatusMessage": "validating",
        "S3ExportLocation": {"S3Bucket": location["S3Bucket"], "S3Prefix": prefix},
    }
    key = f"{prefix}{task_id}.{EXTENSIONS[form]}"
    inner = {"map": snapshot.inner["map"], "key": key}
    task = Resource(
        task_id,
        EXPORT_IMAGE,
        call.account.id,
        call.region,
        "",
        ACTIVE,
        call.now,
        {name: value for name, value in document.items() if value is not None},
        inner,
    )
    call.catalog.add(task, tags)
    call.queue(partial(export_image_later, call.cloud, task))
    return {**show_tasks(call, [task])[0], "Tags": show_tags(tags)}


@ec2.operation()
def cancel_export_task(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Cancel an export that is under way."""
    require_form(EXPORT_IMAGE, parameters["ExportTaskId"])
    task = owned(call, EXPORT_IMAGE, parameters["ExportTaskId"])
    if task.state != ACTIVE:
        raise AwsError("IncorrectState", f"The export task '{task.id}' is {task.state}, not active.")
    call.catalog.save(noted(task, state=DELETING, StatusMessage=CANCELLED))
    return {"Return": True}


def show_tasks(call: Call, tasks: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return exports as DescribeExportImageTasks shows them, without tags."""
    return [{**task.document, "ExportImageTaskId": task.id, "Status": task.state} for task in tasks]


LISTING = Listing(
    kind=EXPORT_IMAGE,
    ids="ExportImageTaskIds",
    filters={"task-state": "Status"},
    show=show_tasks,
    columns={"task-state": "states"},
    most=500,
)


@ec2.operation()
def describe_export_image_tasks(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's exports."""
    items, more = describe(call, parameters, LISTING)
    return {"ExportImageTasks": items, **more}
