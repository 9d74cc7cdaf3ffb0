"""AMIs of an image in other regions and accounts: made once each, whatever happens meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.blocks.block_map import BLOCK
from goldsmith.pipelines.distribution.agreement import call_as
from goldsmith.pipelines.distribution.naming import ARN_TAG, CREATED_BY
from goldsmith.pipelines.distribution.outcomes import StageError
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun

RUNNING = "CopyAmiRunning"
_SOON = 0.1
_LATER = 2.0
_BUSY = ("ResourceLimitExceeded", "RequestLimitExceeded")
_TAKEN = "InvalidAMIName.Duplicate"
_GONE = ("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")


@dataclass(frozen=True)
class Target:
    """An AMI that an account is to have in a region. ``named`` is false where its name is only the default."""

    region: str
    account: str
    name: str
    named: bool
    description: str
    tags: Mapping[str, str]
    key: str = ""


def copy_to(step: StepRun, source: Mapping[str, Any], target: Target) -> str:
    """Copy an AMI, and return the copy's id when it is available.

    A copy that an earlier attempt made is taken as it is, one that failed is replaced. Raises StageError, RefusedError.
    """
    while True:
        earlier = _find(step, target)
        if earlier is None:
            image_id = _begin(step, source, target)
        elif earlier["State"] in {"available", "pending"}:
            image_id = earlier["ImageId"]
        else:
            gone = {"ImageId": earlier["ImageId"], "DeleteAssociatedSnapshots": True}
            _call(step, target, "DeregisterImage", **gone)
            continue
        if image_id:
            _await(step, target, image_id)
            return image_id


def _call(step: StepRun, target: Target, operation: str, **parameters: Any) -> dict[str, Any]:
    return call_as(step, target.account, target.region, "ec2", operation, **parameters)


def _find(step: StepRun, target: Target) -> dict[str, Any] | None:
    """Return the AMI of that name that this image's distribution has begun before, if it has."""
    filters = [
        {"Name": "name", "Values": [target.name]},
        {"Name": f"tag:{ARN_TAG}", "Values": [step.image.arn]},
    ]
    found = _call(step, target, "DescribeImages", Owners=["self"], Filters=filters)["Images"]
    return next((image for image in found if image["Name"] == target.name), None)


def _begin(step: StepRun, source: Mapping[str, Any], target: Target) -> str:
    """Begin a copy and return its id; empty when another process has begun it just now."""
    tags = {"image": target.tags, "snapshot": {**CREATED_BY, ARN_TAG: step.image.arn}}
    asked = {
        "SourceRegion": step.image.region,
        "SourceImageId": source["ImageId"],
        "Name": target.name,
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in some.items()]}
            for kind, some in tags.items()
        ],
        **({"Description": target.description} if target.description else {}),
    }
    _say_what_travels(step, source, target)
    while True:
        try:
            return str(_call(step, target, "CopyImage", **asked)["ImageId"])
        except RefusedError as refusal:
            if refusal.code == _TAKEN and _find(step, target):
                return ""
            if refusal.code not in _BUSY:
                raise _failed(refusal) from refusal
        step.stop.wait(_LATER)


def _await(step: StepRun, target: Target, image_id: str) -> None:
    pause = _SOON
    while True:
        try:
            found = _call(step, target, "DescribeImages", ImageIds=[image_id])["Images"]
        except RefusedError as refusal:
            if refusal.code not in _GONE:
                raise
            found = []
        if not found or found[0]["State"] not in {"available", "pending"}:
            reason = found[0].get("StateReason", {}).get("Message", "") if found else "It was deregistered meanwhile."
            raise StageError(f"AMI Copy Reported Failure For {image_id}: {reason}".rstrip(": "), step=RUNNING)
        if found[0]["State"] == "available":
            return
        step.stop.wait(pause)
        pause = min(2 * pause, _LATER)


def _failed(refusal: RefusedError) -> StageError:
    return StageError(f"EC2 Client Error: '{refusal.message}'", step=RUNNING, mend=refusal.mend)


def _say_what_travels(step: StepRun, source: Mapping[str, Any], target: Target) -> None:
    """Tell how much of an image is not in the target region's store yet."""
    image = step.image
    ids = [each["Ebs"]["SnapshotId"] for each in source.get("BlockDeviceMappings") or () if "Ebs" in each]
    with step.world.catalog(image.account, image.region, writes=False) as catalog:
        snapshots = [catalog.get("snapshot", identifier) for identifier in ids]
    here, there = step.world.blocks(image.region), step.world.blocks(target.region)
    digests: set[bytes] = set()
    for snapshot in snapshots:
        if snapshot and snapshot.inner.get("map"):
            digests |= here.load_map(str(snapshot.inner["map"])).digests()
    missing, whole = (len(some) * BLOCK / (1 << 20) for some in (digests - there.has(digests), digests))
    step.say(
        f"Copying {source['ImageId']} to {target.region} for account {target.account}: "
        f"{missing:.1f} MiB of {whole:.1f} MiB are not there yet."
    )
