"""Disks from elsewhere become snapshots and AMIs: ImportSnapshot, ImportImage, and their tasks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from goldsmith.aws.disk_images import FORMATS, OVA
from goldsmith.aws.ec2.block_devices import find_snapshot
from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.ec2.import_jobs import import_image as import_image_later
from goldsmith.aws.ec2.import_jobs import import_snapshot as import_snapshot_later
from goldsmith.aws.ec2.snapshot_records import require_unencrypted
from goldsmith.aws.ec2.task_records import ACTIVE, CANCELLED, DELETING, IMPORT_IMAGE, IMPORT_SNAPSHOT, noted
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications, show_tags
from goldsmith.catalog.resources import Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.aws.call import Call

ARCHITECTURES = ("x86_64", "i386", "arm64")
PLATFORMS = ("Linux", "Windows")
DEVIATION = (
    "Files come from buckets: folders of the home by account, or what cloud.yml names; https URLs are refused. Disks "
    "are taken as they are: no drivers or agents are put in. Encrypted is refused; RoleName and license are noted only."
)


@ec2.operation(deviation=DEVIATION)
def import_snapshot(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to make a snapshot of a disk in a bucket."""
    tags = parse_specifications(parameters.get("TagSpecifications"), (IMPORT_SNAPSHOT,)).get(IMPORT_SNAPSHOT, {})
    require_unencrypted(encrypted=parameters.get("Encrypted"), key=parameters.get("KmsKeyId"))
    container = parameters.get("DiskContainer")
    if not container:
        raise AwsError("MissingParameter", "The request must contain the parameter DiskContainer")
    disk = _disk(call, container, formats=tuple(FORMATS))
    if "snapshot" in disk:
        raise AwsError("InvalidParameterValue", "A snapshot is not imported from a snapshot.")
    description = parameters.get("Description") or container.get("Description") or ""
    detail = {
        "Description": description,
        "DiskImageSize": 0.0,
        "Encrypted": False,
        "Format": disk["format"],
        "Progress": "1",
        "Status": ACTIVE,
        "StatusMessage": "pending",
        **_source(container),
    }
    task = _task(
        call, "import-snap", IMPORT_SNAPSHOT, {"Description": description, "SnapshotTaskDetail": detail}, [disk]
    )
    call.catalog.add(task, tags)
    call.queue(partial(import_snapshot_later, call.cloud, task))
    return {**show_snapshot_tasks(call, [task])[0], "Tags": show_tags(tags)}


@ec2.operation(deviation=DEVIATION)
def import_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to make an AMI of disks in buckets, of snapshots, or of an OVA."""
    tags = parse_specifications(parameters.get("TagSpecifications"), (IMPORT_IMAGE,)).get(IMPORT_IMAGE, {})
    require_unencrypted(encrypted=parameters.get("Encrypted"), key=parameters.get("KmsKeyId"))
    containers = parameters.get("DiskContainers") or []
    if not containers:
        raise AwsError("MissingParameter", "The request must contain the parameter DiskContainers")
    disks = [_disk(call, container, formats=(*FORMATS, OVA)) for container in containers]
    if len(disks) > 1 and any(disk.get("format") == OVA for disk in disks):
        raise AwsError("InvalidParameterCombination", "An OVA holds all disks of a machine; give it alone.")
    devices = [disk["device"] for disk in disks if disk["device"]]
    if len(set(devices)) < len(devices):
        raise AwsError("InvalidParameterValue", "The same DeviceName is given twice.")
    platform = parameters.get("Platform") or "Linux"
    if parameters.get("BootMode") == "uefi-preferred":
        raise AwsError("InvalidParameterValue", "BootMode of an import is legacy-bios or uefi.")
    document = {
        "Architecture": _among(parameters.get("Architecture") or "x86_64", ARCHITECTURES, "Architecture"),
        "Description": parameters.get("Description") or "",
        "Hypervisor": _among(parameters.get("Hypervisor") or "xen", ("xen",), "Hypervisor"),
        "Platform": _among(platform, PLATFORMS, "Platform"),
        "LicenseType": parameters.get("LicenseType"),
        "BootMode": parameters.get("BootMode"),
        "Progress": "1",
        "StatusMessage": "pending",
        "SnapshotDetails": [
            {
                "Description": container.get("Description"),
                "DeviceName": container.get("DeviceName"),
                "Format": disk.get("format"),
                "SnapshotId": disk.get("snapshot"),
                **_source(container),
            }
            for container, disk in zip(containers, disks, strict=True)
        ],
    }
    task = _task(call, "import-ami", IMPORT_IMAGE, document, disks)
    call.catalog.add(task, tags)
    call.queue(partial(import_image_later, call.cloud, task))
    return {**show_image_tasks(call, [task])[0], "Tags": show_tags(tags)}


@ec2.operation()
def cancel_import_task(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Cancel an import that is under way."""
    identifier = parameters.get("ImportTaskId")
    if not identifier:
        raise AwsError("MissingParameter", "The request must contain the parameter ImportTaskId")
    kind = IMPORT_SNAPSHOT if identifier.startswith("import-snap-") else IMPORT_IMAGE
    task = owned(call, kind, identifier)
    if task.state != ACTIVE:
        raise AwsError("IncorrectState", f"The import task '{task.id}' is {task.state}, not active.")
    message = parameters.get("CancelReason") or CANCELLED
    call.catalog.save(noted(task, state=DELETING, StatusMessage=message))
    return {"ImportTaskId": task.id, "PreviousState": task.state, "State": DELETING}


def show_image_tasks(call: Call, tasks: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return imports of images as DescribeImportImageTasks shows them, without tags."""
    return [{**task.document, "ImportTaskId": task.id, "Status": task.state} for task in tasks]


def show_snapshot_tasks(call: Call, tasks: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return imports of snapshots as DescribeImportSnapshotTasks shows them, without tags."""
    return [
        {
            **task.document,
            "ImportTaskId": task.id,
            "SnapshotTaskDetail": {**task.document["SnapshotTaskDetail"], "Status": task.state},
        }
        for task in tasks
    ]


IMAGE_TASKS = Listing(
    kind=IMPORT_IMAGE,
    ids="ImportTaskIds",
    filters={"task-state": "Status"},
    show=show_image_tasks,
    columns={"task-state": "states"},
)
SNAPSHOT_TASKS = Listing(
    kind=IMPORT_SNAPSHOT,
    ids="ImportTaskIds",
    filters={"task-state": "SnapshotTaskDetail.Status"},
    show=show_snapshot_tasks,
    columns={"task-state": "states"},
)


@ec2.operation()
def describe_import_image_tasks(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's imports of images."""
    items, more = describe(call, parameters, IMAGE_TASKS)
    return {"ImportImageTasks": items, **more}


@ec2.operation()
def describe_import_snapshot_tasks(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's imports of snapshots."""
    items, more = describe(call, parameters, SNAPSHOT_TASKS)
    return {"ImportSnapshotTasks": items, **more}


def _task(
    call: Call, prefix: str, kind: str, document: Mapping[str, Any], disks: Sequence[Mapping[str, Any]]
) -> Resource:
    whole = {key: value for key, value in document.items() if value is not None}
    inner = {"disks": [dict(disk) for disk in disks]}
    return Resource(new_id(prefix), kind, call.account.id, call.region, "", ACTIVE, call.now, whole, inner)


def _disk(call: Call, container: Mapping[str, Any], *, formats: tuple[str, ...]) -> dict[str, Any]:
    """Return where a container's disk is: {"bucket", "key", "format"} or {"snapshot"}, with its device."""
    given = [name for name in ("Url", "UserBucket", "SnapshotId") if container.get(name)]
    if len(given) != 1:
        raise AwsError("InvalidParameterCombination", "A disk container has one of Url, UserBucket and SnapshotId.")
    device = {"device": container.get("DeviceName") or ""}
    if snapshot := container.get("SnapshotId"):
        return {**device, "snapshot": find_snapshot(call, snapshot).id}
    bucket, key = _place(container)
    form = str(container.get("Format") or key.rpartition(".")[2]).upper()
    if form not in formats:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({form[:50]}) for parameter Format is invalid. Valid values: {', '.join(formats)}.",
        )
    return {**device, "bucket": bucket, "key": key, "format": form}


def _place(container: Mapping[str, Any]) -> tuple[str, str]:
    place = container.get("UserBucket")
    if place is not None:
        bucket, key = place.get("S3Bucket"), place.get("S3Key")
    else:
        url = urlsplit(str(container["Url"]))
        if url.scheme != "s3":
            raise AwsError(
                "UnsupportedOperation", "Disks are imported from s3://bucket/key; other URLs are not fetched."
            )
        bucket, key = url.netloc, unquote(url.path.lstrip("/"))
    if not bucket or not key:
        raise AwsError("MissingParameter", "The request must contain the parameters S3Bucket and S3Key")
    return str(bucket), str(key)


def _source(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an answer repeats of where a disk comes from."""
    return {name: container[name] for name in ("Url", "UserBucket") if container.get(name)}


def _among(value: str, known: tuple[str, ...], name: str) -> str:
    if value not in known:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({value[:50]}) for parameter {name} is invalid. Valid values: {', '.join(known)}.",
        )
    return value
