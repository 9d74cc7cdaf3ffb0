"""What an instance shows: its console's text, its screen."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

from PIL import Image

from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.wire.times import iso
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from goldsmith.aws.call import Call


@ec2.operation()
def get_console_output(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the last 64 KiB of the serial console, as they are now."""
    instance = owned(call, "instance", parameters["InstanceId"])
    try:
        text = call.cloud.instances.console(instance.id)
    except GoldsmithError:
        text = b""
    return {"InstanceId": instance.id, "Output": base64.b64encode(text).decode(), "Timestamp": iso(call.now)}


@ec2.operation()
def get_console_screenshot(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what the instance's display shows, as a JPEG."""
    instance = owned(call, "instance", parameters["InstanceId"])
    if instance.state != "running":
        raise AwsError("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'running' state.")
    try:
        png = call.cloud.instances.screenshot(instance.id)
    except GoldsmithError as ended:
        raise AwsError("IncorrectInstanceState", f"The instance '{instance.id}' shows no screen: {ended}") from ended
    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").save(out, "JPEG", quality=85)
    return {"InstanceId": instance.id, "ImageData": base64.b64encode(out.getvalue()).decode()}


@ec2.operation(deviation="Linux instances have no password: the answer is empty, as AWS's is.")
def get_password_data(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the empty password of a Linux instance."""
    instance = owned(call, "instance", parameters["InstanceId"])
    return {"InstanceId": instance.id, "PasswordData": "", "Timestamp": iso(call.now)}


@ec2.operation(deviation="What RegisterImage was given; a running guest's variables are not read back.")
def get_instance_uefi_data(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the UEFI variables that an instance's image brought."""
    instance = owned(call, "instance", parameters["InstanceId"])
    if instance.inner["firmware"] != "uefi":
        raise AwsError("UnsupportedOperation", f"The instance '{instance.id}' does not boot by UEFI.")
    return {"InstanceId": instance.id, "UefiData": instance.inner.get("uefi_data", "")}
