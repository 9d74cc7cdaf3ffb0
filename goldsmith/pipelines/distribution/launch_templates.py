"""A launch template gets a version that launches a distributed AMI."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from goldsmith.pipelines.distribution.agreement import call_as

if TYPE_CHECKING:
    from goldsmith.documents.distribution import LaunchTemplateConfiguration
    from goldsmith.pipelines.distribution.wanted import DistributedImage
    from goldsmith.pipelines.workflows.action import StepRun

BASE = "$Default"
"""The version whose settings the new one has. AWS says only that it has "all of the original settings"."""


def update_template(
    step: StepRun, image: DistributedImage, configuration: LaunchTemplateConfiguration, *, account: str
) -> None:
    """Add a version with the AMI's id to an account's template, and make it the default unless it is not to be.

    Where the latest version has the AMI already, it is the one. Raises RefusedError, NotAgreedError.
    """
    template = configuration.launch_template_id
    named = {"LaunchTemplateId": template}
    asked = {**named, "Versions": ["$Latest"]}
    answer = call_as(step, account, image.region, "ec2", "DescribeLaunchTemplateVersions", **asked)
    version = answer["LaunchTemplateVersions"][0]
    if version["LaunchTemplateData"].get("ImageId") != image.ami_id:
        token = f"{step.id}/{step.attempt}/{account}/{image.region}/{template}/{image.ami_id}"
        wanted = {
            **named,
            "ClientToken": hashlib.sha256(token.encode()).hexdigest(),
            "SourceVersion": BASE,
            "VersionDescription": f"{step.image.name} {step.image.version}/{step.image.build} by EC2 Image Builder",
            "LaunchTemplateData": {"ImageId": image.ami_id},
        }
        answer = call_as(step, account, image.region, "ec2", "CreateLaunchTemplateVersion", **wanted)
        version = answer["LaunchTemplateVersion"]
    number = str(version["VersionNumber"])
    if configuration.set_default_version:
        chosen = {**named, "DefaultVersion": number}
        call_as(step, account, image.region, "ec2", "ModifyLaunchTemplate", **chosen)
    step.say(
        f"Version {number} of {template} in {image.region} launches {image.ami_id}"
        f"{', and is the default' if configuration.set_default_version else ''}."
    )
