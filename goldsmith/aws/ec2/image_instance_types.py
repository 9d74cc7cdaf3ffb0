"""Instance types that an AMI is for, as its owner says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.own_images import own_image
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

MEMBERS = ("SupportedInstanceTypes", "UnsupportedInstanceTypes")
ITEM = re.compile(r"(?!.*\*\*)[A-Za-z0-9_.*-]{1,24}")


@ec2.operation()
def replace_image_instance_type_specification(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Say which instance types an AMI supports and which it does not; without a specification all are supported."""
    image = own_image(call, parameters["ImageId"])
    asked = parameters.get("InstanceTypeSpecification") or {}
    specification: dict[str, Any] = {}
    for member in MEMBERS:
        types = asked.get(member) or []
        if wrong := [each for each in types if not ITEM.fullmatch(each)]:
            raise AwsError("InvalidParameterValue", f"Value ({wrong[0][:100]}) for parameter {member} is invalid.")
        if types:
            specification[member] = [{"InstanceType": each} for each in dict.fromkeys(types)]
    call.catalog.save(image.having(InstanceTypeSpecification=specification or None))
    return {"ReturnValue": True}
