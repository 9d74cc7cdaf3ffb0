"""AMIs kept as files in buckets: CreateStoreImageTask, CreateRestoreImageTask, and the tasks of storing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.aws.buckets import BucketError, open_bucket
from goldsmith.aws.ec2.bundle_jobs import restore_image, store_image
from goldsmith.aws.ec2.bundle_records import image_of_record, snapshots_of_record
from goldsmith.aws.ec2.ids import missing, require_form
from goldsmith.aws.ec2.images import require_name
from goldsmith.aws.ec2.own_images import own_image
from goldsmith.aws.ec2.snapshot_records import new_snapshot
from goldsmith.aws.ec2.task_records import ACTIVE, COMPLETED, DELETED, DELETING, STORE_IMAGE
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filters
from goldsmith.aws.image_bundle import BundleError, read_record
from goldsmith.aws.operations import ec2
from goldsmith.aws.pagination import paginate
from goldsmith.aws.tags import parse_specifications, parse_tags
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query, Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call

KEPT = 31 * 86400
"""Seconds for which tasks of storing are told."""

STATES = {ACTIVE: "InProgress", DELETING: "InProgress", COMPLETED: "Completed", DELETED: "Failed"}
FILTERS = {"task-state": "StoreTaskState", "bucket": "Bucket"}
MOST = 200


@ec2.operation(deviation="The file is a tar of Goldsmith's own, which AWS does not read, nor Goldsmith those of AWS.")
def create_store_image_task(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to write an AMI, with its data and the caller's tags on it, to one file in a bucket."""
    image = own_image(call, parameters["ImageId"])
    if image.state != "available":
        raise AwsError("InvalidAMIID.Unavailable", f"The image id '[{image.id}]' is no longer available")
    if image.document.get("ProductCodes"):
        raise AwsError("InvalidRequest", f"The image '{image.id}' has product codes and cannot be stored.")
    tags = parse_tags(parameters.get("S3ObjectTags") or ())
    maps = {}
    for mapping in image.document["BlockDeviceMappings"]:
        if snapshot_id := mapping.get("Ebs", {}).get("SnapshotId"):
            snapshot = call.catalog.get("snapshot", snapshot_id)
            if snapshot is None:
                raise missing("snapshot", [snapshot_id])
            maps[snapshot_id] = snapshot.inner["map"]
    key = f"{image.id}.bin"
    document = {"AmiId": image.id, "Bucket": parameters["Bucket"], "S3objectKey": key}
    inner = {"maps": maps, "tags": tags, "image_tags": call.catalog.tags(image)}
    task = Resource(
        new_id("store-ami"), STORE_IMAGE, call.account.id, call.region, "", ACTIVE, call.now, document, inner
    )
    call.catalog.add(task)
    call.queue(partial(store_image, call.cloud, task))
    return {"ObjectKey": key}


@ec2.operation()
def describe_store_image_tasks(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the tasks of storing AMIs of the last 31 days; with image ids, filters do not count."""
    wanted = set(parameters.get("ImageIds") or ())
    require_form("image", *wanted)
    filters = Filters(None if wanted else parameters.get("Filters"), FILTERS)

    def items(after: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        for task in call.catalog.find(Query(STORE_IMAGE, owners=(call.account.id,)), after=after or 0):
            item = _show(task)
            if call.now - task.created < KEPT and (not wanted or item["AmiId"] in wanted) and filters.match(item):
                yield task.position, item

    page, more = paginate(call, parameters, items, lambda found: found[0], most=MOST)
    return {"StoreImageTaskResults": [item for _, item in page], **more}


@ec2.operation()
def create_restore_image_task(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to make an AMI of a file that CreateStoreImageTask wrote."""
    tags = parse_specifications(parameters.get("TagSpecifications"), ("image", "snapshot"))
    bucket_name, key = parameters["Bucket"], parameters["ObjectKey"]
    try:
        with open_bucket(call.cloud, call.account.id, bucket_name).read(key) as bundle:
            record = read_record(bundle)
        sizes = snapshots_of_record(record)
        document = image_of_record(record)
    except (BucketError, BundleError) as wrong:
        raise AwsError("InvalidParameterValue", wrong.message) from wrong
    name = require_name(call, parameters.get("Name") or str(record.get("name")))
    image_id = new_id("ami")
    made: dict[str, str] = {}
    restore: dict[str, str] = {}
    for old, size in sizes.items():
        snapshot = new_snapshot(
            call, size, description=f"Created by CreateRestoreImageTask for {image_id}", inner={"restore": image_id}
        )
        call.catalog.add(snapshot, tags.get("snapshot"))
        made[old] = snapshot.id
        restore[snapshot.id] = record["maps"][old]
    for mapping in document["BlockDeviceMappings"]:
        if old := mapping.get("Ebs", {}).get("SnapshotId"):
            mapping["Ebs"]["SnapshotId"] = made[old]
    inner = {"restore": {"bucket": bucket_name, "key": key, "maps": restore}}
    image = Resource(image_id, "image", call.account.id, call.region, name, "pending", call.now, document, inner)
    stored = {str(tag): str(value) for tag, value in (record.get("tags") or {}).items()}
    known = parse_tags({"Key": tag, "Value": value} for tag, value in stored.items())
    call.catalog.add(image, {**known, **tags.get("image", {})})
    call.queue(partial(restore_image, call.cloud, image))
    return {"ImageId": image.id}


def _show(task: Resource) -> dict[str, Any]:
    shown = {
        **task.document,
        "TaskStartTime": iso(task.created),
        "StoreTaskState": STATES[task.state],
        "ProgressPercentage": 100 if task.state == COMPLETED else int(task.document.get("Progress") or 0),
    }
    if task.state == DELETED:
        shown["StoreTaskFailureReason"] = task.document.get("StatusMessage")
    return shown
