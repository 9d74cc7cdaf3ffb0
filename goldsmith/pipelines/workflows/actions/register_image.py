"""RegisterImage: an AMI is made of snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.distribution.naming import ARN_TAG, output_description, output_name, output_tags
from goldsmith.pipelines.workflows.action import ActionFailedError
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun

MEMBERS = {
    "architecture": "Architecture",
    "blockDeviceMapping": "BlockDeviceMappings",
    "bootMode": "BootMode",
    "description": "Description",
    "enaSupport": "EnaSupport",
    "imageLocation": "ImageLocation",
    "imdsSupport": "ImdsSupport",
    "kernelId": "KernelId",
    "ramdiskId": "RamdiskId",
    "rootDeviceName": "RootDeviceName",
    "sriovNetSupport": "SriovNetSupport",
    "tpmSupport": "TpmSupport",
    "uefiData": "UefiData",
    "virtualizationType": "VirtualizationType",
}
"""The step's inputs and RegisterImage's parameters of the same meaning."""

ARCHITECTURE = "x86_64"
VIRTUALIZATION = "hvm"
ROOT = "/dev/xvda"


def run(step: StepRun) -> Mapping[str, Any]:
    """Register an AMI under the name that the build's output has, once; return imageId."""
    name = output_name(step.image)
    if there := _find(step, name):
        return {"imageId": there}
    mappings = _mappings(step)
    given = {member: step.inputs[own] for own, member in MEMBERS.items() if step.inputs.get(own) is not None}
    tags = output_tags(step.image)
    if step.inputs.get("includeSnapshotTags"):
        tags = {**_snapshot_tags(step, mappings), **tags}
    asked = {
        "Architecture": ARCHITECTURE,
        "Description": output_description(step.image),
        "VirtualizationType": VIRTUALIZATION,
        "RootDeviceName": mappings[0].get("DeviceName", ROOT) if mappings else ROOT,
        **given,
        "Name": name,
        "BlockDeviceMappings": mappings,
        "TagSpecifications": [
            {"ResourceType": "image", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        ],
    }
    try:
        image_id = step.call("ec2", "RegisterImage", **asked)["ImageId"]
    except RefusedError as refusal:
        raise ActionFailedError(
            f"EC2 Client Error: '{refusal.message}'", mend="Change the inputs of the step that registers the image."
        ) from refusal
    step.say(f"Registered {image_id} as {name}.")
    return {"imageId": image_id}


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:
    """Change nothing: AWS has no rollback of this action."""
    del step, outputs
    return False


def _find(step: StepRun, name: str) -> str:
    """Return the AMI that this build has registered under that name before, if any."""
    filters = [{"Name": "name", "Values": [name]}, {"Name": f"tag:{ARN_TAG}", "Values": [step.image.arn]}]
    found = step.call("ec2", "DescribeImages", Owners=["self"], Filters=filters)["Images"]
    return next((str(image["ImageId"]) for image in found if image["Name"] == name), "")


def _mappings(step: StepRun) -> list[dict[str, Any]]:
    """Return the devices; one may stand without the list around it."""
    given = step.inputs.get("blockDeviceMapping") or []
    mappings = given if isinstance(given, list) else [given]
    if not all(isinstance(each, dict) for each in mappings):
        raise ActionFailedError(
            f"The input blockDeviceMapping of the step {step.name} is no list of maps.",
            mend="Write it as EC2's block device mappings: DeviceName, Ebs with SnapshotId.",
        )
    return mappings


def _snapshot_tags(step: StepRun, mappings: list[dict[str, Any]]) -> dict[str, str]:
    ids = [each["Ebs"]["SnapshotId"] for each in mappings if (each.get("Ebs") or {}).get("SnapshotId")]
    if not ids:
        return {}
    found = step.call("ec2", "DescribeSnapshots", SnapshotIds=ids)["Snapshots"]
    return {tag["Key"]: tag["Value"] for snapshot in found for tag in snapshot.get("Tags") or ()}
