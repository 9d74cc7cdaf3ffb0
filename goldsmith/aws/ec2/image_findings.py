"""What a scanner found in AMIs: nothing is told here, as none scans them through this API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import seen
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from goldsmith.aws.call import Call


@ec2.operation(deviation="No AMI is scanned by Amazon Inspector, so that there are never findings.")
def get_image_findings(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List no findings, of an AMI that the caller sees."""
    seen(call, "image", parameters["ImageId"])
    return {"ImageFindings": []}
