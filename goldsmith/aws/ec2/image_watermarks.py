"""Watermarks: names that an owner puts on an AMI and that all AMIs made of it carry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.images import NAME
from goldsmith.aws.ec2.own_images import own_image
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.wire.times import iso

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

MOST = 50
"""Watermarks that one AMI carries."""


@ec2.operation()
def attach_image_watermark(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Put a watermark of the caller's on an AMI of its own that is not public."""
    image = own_image(call, parameters["ImageId"])
    name = parameters["WatermarkName"]
    if not NAME.fullmatch(name):
        raise AwsError("InvalidParameterValue", f"Value ({name[:200]}) for parameter WatermarkName is invalid.")
    if call.catalog.public_among([image]):
        raise AwsError("OperationNotPermitted", f"The image '{image.id}' is public and cannot have watermarks.")
    key = f"{call.account.id}:{name}"
    marks = list(image.document.get("ImageWatermarks", ()))
    if len(marks) >= MOST:
        raise AwsError("ResourceLimitExceeded", f"An AMI has at most {MOST} watermarks.")
    if not any(mark["WatermarkKey"] == key for mark in marks):
        mark = {
            "WatermarkKey": key,
            "SourceImageRegion": image.region,
            "SourceImageId": image.id,
            "SourceImageCreationTime": iso(image.created),
            "WatermarkCreationTime": iso(call.now),
        }
        call.catalog.save(image.having(ImageWatermarks=[*marks, mark]))
    return {"WatermarkKey": key}


@ec2.operation()
def detach_image_watermark(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take a watermark off an AMI; those that were made of it keep theirs."""
    image = own_image(call, parameters["ImageId"])
    key = parameters["WatermarkKey"]
    if not re.match(r"[0-9]{12}:", key):
        raise AwsError("InvalidParameterValue", f"Value ({key[:200]}) for parameter WatermarkKey is invalid.")
    marks = [mark for mark in image.document.get("ImageWatermarks", ()) if mark["WatermarkKey"] != key]
    call.catalog.save(image.having(ImageWatermarks=marks or None))
    return {"Return": True}
