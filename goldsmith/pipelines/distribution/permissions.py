"""Who may launch the AMIs that were distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.pipelines.distribution.agreement import call_as
from goldsmith.pipelines.distribution.naming import ARN_TAG
from goldsmith.pipelines.distribution.outcomes import Outcome, StageError, each_at_once
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.documents.distribution import LaunchPermission
    from goldsmith.pipelines.distribution.wanted import AttributesWanted, DistributedImage
    from goldsmith.pipelines.workflows.action import StepRun

RUNNING = "ModifyAmiRunning"


def permit(step: StepRun, images: Sequence[DistributedImage], wanted: Sequence[AttributesWanted]) -> list[Outcome]:
    """Let those launch the images who are to, in each region all at once; return what came of it."""
    permissions = {each.region: each.launch_permission for each in wanted if each.launch_permission}
    jobs = [(image, permissions[image.region]) for image in images if image.region in permissions]
    return each_at_once(step, jobs, lambda job: begun(job[0]), lambda job: _permit(step, *job), at=RUNNING)


def begun(image: DistributedImage) -> Outcome:
    """Return the outcome of an image that nothing was done with yet."""
    return Outcome(image.region, image.account_id, image.name, image.ami_id, image.description)


def require_ours(step: StepRun, image: DistributedImage, running: str) -> None:
    """Raise StageError for an AMI of another account, or at AWS, that this image's distribution has not made.

    A step's inputs are whatever a workflow gives it: they must not reach what others have.
    """
    if image.account_id == step.image.account and image.region in step.world.regions:
        return
    asked = {"Owners": ["self"], "ImageIds": [image.ami_id]}
    try:
        found = call_as(step, image.account_id, image.region, "ec2", "DescribeImages", **asked)["Images"]
    except RefusedError:
        found = []
    tags = found[0].get("Tags", ()) if found else ()
    if {"Key": ARN_TAG, "Value": step.image.arn} not in tags:
        raise StageError(f"{image.ami_id} of account {image.account_id} is no AMI of {step.image.arn}", step=running)


def _permit(step: StepRun, image: DistributedImage, permission: LaunchPermission) -> Outcome:
    require_ours(step, image, RUNNING)
    grants = [{member: who} for member, who in permission.grantees]
    if grants:
        asked = {"ImageId": image.ami_id, "LaunchPermission": {"Add": grants}}
        try:
            call_as(step, image.account_id, image.region, "ec2", "ModifyImageAttribute", **asked)
        except RefusedError as refusal:
            raise StageError(f"EC2 Client Error: '{refusal.message}'", step=RUNNING) from refusal
        whom = ", ".join(who for each in grants for who in each.values())
        step.say(f"Shared {image.ami_id} in {image.region} with {whom}.")
    return begun(image)
