"""An image's AMI goes to every region and account that is to have it, to all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.distribution.agreement import NotAgreedError, require_agreement
from goldsmith.pipelines.distribution.copies import RUNNING, Target, copy_to
from goldsmith.pipelines.distribution.lending import lent
from goldsmith.pipelines.distribution.naming import ARN_TAG, CREATED_BY, distributed_name, distributed_tags
from goldsmith.pipelines.distribution.outcomes import Outcome, StageError, each_at_once
from goldsmith.pipelines.distribution.publications import leaders, publish
from goldsmith.pipelines.workflows.action import ActionFailedError
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.pipelines.distribution.wanted import CopyWanted
    from goldsmith.pipelines.image_run import ImageRun
    from goldsmith.pipelines.workflows.action import StepRun


def distribute(step: StepRun, wanted: Sequence[CopyWanted]) -> list[Outcome]:
    """Bring the step's output image where it is wanted, and return what came of it for each region and account.

    In its own region it is itself what is wanted, unless under another name. Raises ActionFailedError when there is no
    such image, and StoppedError.
    """
    source = source_image(step)
    targets = [target for each in wanted for target in targets_of(step.image, each)]
    with lent(step, source, _borrowers(step, source, targets)):
        return _bring_all(step, source, targets)


def source_image(step: StepRun) -> dict[str, Any]:
    """Return the AMI that is distributed, as DescribeImages shows it. Raises ActionFailedError for none."""
    if not step.output_image:
        raise ActionFailedError("There is no AMI to distribute.", mend="Let a build workflow's output ImageId be one.")
    try:
        found = step.call("ec2", "DescribeImages", ImageIds=[step.output_image])["Images"]
    except RefusedError as refusal:
        raise ActionFailedError(f"The AMI to distribute cannot be had: {refusal.message}") from refusal
    if not found or found[0]["State"] != "available":
        state = found[0]["State"] if found else "gone"
        raise ActionFailedError(f"The AMI {step.output_image} cannot be distributed: it is {state}.")
    image: dict[str, Any] = found[0]
    return image


def targets_of(image: ImageRun, wanted: CopyWanted) -> list[Target]:
    """Return the AMIs that a region is to have: one for each account, or the image's own account's.

    The build's region has the image's own account's in any case: it is there.
    """
    accounts = dict.fromkeys(wanted.target_account_ids or (image.account,))
    return [
        Target(
            wanted.region,
            account,
            distributed_name(image, wanted.name),
            bool(wanted.name),
            wanted.description or "",
            distributed_tags(image, wanted.ami_tags),
            wanted.kms_key_id or "",
        )
        for account in ([image.account] if wanted.region == image.region else [])
        + [account for account in accounts if (wanted.region, account) != (image.region, image.account)]
    ]


def _bring_all(step: StepRun, source: Mapping[str, Any], targets: Sequence[Target]) -> list[Outcome]:
    """Bring it everywhere at once, but to what AWS copies only when AWS has it, or could not get it there."""
    led = leaders(step, targets)
    first = [place for place in range(len(targets)) if place not in led]

    def bring(place: int) -> Outcome:
        leader = led.get(place, place)
        has_it = leader != place and not outcomes[leader].error
        return _bring(step, source, targets[place], targets[leader] if has_it else None)

    outcomes: dict[int, Outcome] = {}
    for some in (first, list(led)):
        done = each_at_once(step, some, lambda place: _begun(targets[place]), bring, at=RUNNING)
        outcomes.update(zip(some, done, strict=True))
    return [outcomes[place] for place in range(len(targets))]


def _begun(target: Target) -> Outcome:
    return Outcome(target.region, target.account, target.name)


def _bring(step: StepRun, source: Mapping[str, Any], target: Target, leader: Target | None) -> Outcome:
    if step.world.connection(step.image.account, target.region):
        return publish(step, source, target, leader)
    if target.region not in step.world.regions:
        known = ", ".join(step.world.regions)
        raise StageError(f"There is no region {target.region[:64]} here; there are {known}", step=RUNNING)
    if target.key:
        raise StageError(
            f"kmsKeyId {target.key[:200]}: there is no key management here, and AMIs are not encrypted", step=RUNNING
        )
    if _is_there(step.image, source, target):
        _dress(step, source, target)
        description = target.description or source.get("Description", "")
        return Outcome(target.region, target.account, source["Name"], source["ImageId"], description)
    copied = copy_to(step, source, target)
    step.say(f"Distributed {copied} to {target.region} for account {target.account}.")
    return Outcome(target.region, target.account, target.name, copied, target.description)


def _is_there(image: ImageRun, source: Mapping[str, Any], target: Target) -> bool:
    own = (source["OwnerId"], image.region) == (target.account, target.region) and target.account == image.account
    return own and (not target.named or source["Name"] == target.name)


def _dress(step: StepRun, source: Mapping[str, Any], target: Target) -> None:
    """Give the image itself the tags and the description that its region's AMI is to have.

    The service's own tags it has from its build, or not at all.
    """
    there = {tag["Key"]: tag["Value"] for tag in source.get("Tags") or ()}
    wanted = {key: value for key, value in target.tags.items() if key not in (*CREATED_BY, ARN_TAG)}
    if wanted.items() - there.items():
        pairs = [{"Key": key, "Value": value} for key, value in wanted.items()]
        step.call("ec2", "CreateTags", Resources=[source["ImageId"]], Tags=pairs)
    if target.description and target.description != source.get("Description"):
        description = {"Value": target.description}
        step.call("ec2", "ModifyImageAttribute", ImageId=source["ImageId"], Description=description)


def _borrowers(step: StepRun, source: Mapping[str, Any], targets: Sequence[Target]) -> list[str]:
    """Return the accounts that copy the image themselves and have agreed to; for the others their copies fail."""
    if source["OwnerId"] != step.image.account:
        return []
    others = sorted({target.account for target in targets} - {step.image.account})
    return [account for account in others if _agrees(step, account)]


def _agrees(step: StepRun, account: str) -> bool:
    try:
        require_agreement(step, account)
    except NotAgreedError:
        return False
    return True
