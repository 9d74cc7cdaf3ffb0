"""What is wanted of an image on AWS, region by region: Image Builder's distribution settings, or options."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.distribution.dates import DEFAULT, render_date
from goldsmith.pipelines.distribution.naming import LONGEST_NAME, PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.documents.distribution import (
        Distribution,
        DistributionConfiguration,
        LaunchPermission,
        LaunchTemplateConfiguration,
        SsmParameterConfiguration,
    )
    from goldsmith.publish.source import Facts


NAME = re.compile(rf"[A-Za-z0-9()\[\] ./\-'@_]{{3,{LONGEST_NAME}}}")
"""AMI names (EC2's RegisterImage)."""

MOST_TAGS, OUR_TAGS = 50, 2
LONGEST_KEY, LONGEST_VALUE = 127, 255
"""Characters of a tag (EBS direct's StartSnapshot)."""

_BOOT_MODES = ("legacy-bios", "uefi", "uefi-preferred")


class WantedError(GoldsmithError):
    """What is wanted on AWS cannot be."""


@dataclass(frozen=True)
class RegionWanted:
    """The AMI of one region. ``name`` is filled in; ``permission`` is None where who may launch it is left alone."""

    region: str
    name: str
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    kms_key: str = ""
    permission: LaunchPermission | None = None
    templates: tuple[LaunchTemplateConfiguration, ...] = ()
    parameters: tuple[SsmParameterConfiguration, ...] = ()


@dataclass(frozen=True)
class AwsWanted:
    """An image on AWS: the first region gets the blocks, the others copies.

    ``encrypted`` is by each region's ``kms_key``, or AWS's own key. ``deprecated_at`` is the time from which the AMI
    is deprecated, None for no such time. ``tpm`` gives instances a TPM 2.0, which takes ``boot_mode`` uefi.
    """

    regions: tuple[RegionWanted, ...]
    boot_mode: str = "uefi-preferred"
    tpm: bool = False
    encrypted: bool = False
    deprecated_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.tpm and self.boot_mode != "uefi":
            raise WantedError(
                "A TPM needs the boot mode uefi.", mend="Say --boot-mode uefi as well, or leave --tpm out."
            )
        if self.boot_mode not in _BOOT_MODES:
            raise WantedError(f"{self.boot_mode!r} is no boot mode.", mend=f"Say one of {', '.join(_BOOT_MODES)}.")
        for each in self.regions:
            if not NAME.fullmatch(each.name):
                raise WantedError(
                    f"{each.name!r} is no AMI name.",
                    mend="Names have 3 to 128 letters, digits, spaces, and of ()[]./-'@_.",
                )
            _require_tags(each.tags)


def from_distribution(configuration: DistributionConfiguration, facts: Facts) -> tuple[RegionWanted, ...]:
    """Return what a distribution configuration says. Raises WantedError for what is not done outside of AWS."""
    return tuple(_region(each, facts) for each in configuration.distributions)


def default_name(facts: Facts) -> str:
    """Return the AMI name of an image: its reference, as web-server/1.0.2/1."""
    return facts.reference[:LONGEST_NAME] if "/" in facts.reference else facts.name[:LONGEST_NAME]


def in_days(days: int, facts: Facts) -> datetime:
    """Return the time so many days after the image was made, so that a second run wants the same."""
    return _made(facts).replace(second=0, microsecond=0) + timedelta(days=days)


def _require_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MOST_TAGS - OUR_TAGS:
        raise WantedError(
            f"There are {len(tags)} tags.", mend=f"AWS takes {MOST_TAGS} of each thing, and {OUR_TAGS} are Goldsmith's."
        )
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            raise WantedError(f"The tag {key!r} is AWS's own.", mend="Say one that does not begin with aws:.")
        if not 1 <= len(key) <= LONGEST_KEY or len(value) > LONGEST_VALUE:
            raise WantedError(
                f"The tag {key[:60]!r} is too long.",
                mend=f"Keys have up to {LONGEST_KEY} characters, values up to {LONGEST_VALUE}.",
            )


def _region(said: Distribution, facts: Facts) -> RegionWanted:
    unknown = {
        "containerDistributionConfiguration": said.container_distribution_configuration,
        "licenseConfigurationArns": said.license_configuration_arns,
        "fastLaunchConfigurations": said.fast_launch_configurations,
        "s3ExportConfiguration": said.s3_export_configuration,
    }
    for name, value in unknown.items():
        if value:
            raise WantedError(
                f"The distribution to {said.region} has {name}, which publishing to AWS does not do.",
                mend="Leave it out; `goldsmith publish --to s3://…` writes disks to buckets.",
            )
    ami = said.ami_distribution_configuration
    if ami and ami.target_account_ids:
        raise WantedError(
            f"The distribution to {said.region} has targetAccountIds.",
            mend="Share the AMI by launchPermission, or publish with each account's own profile.",
        )
    return RegionWanted(
        region=said.region,
        name=_filled(ami.name, facts) if ami and ami.name else default_name(facts),
        description=(ami.description if ami else "") or facts.description,
        tags={**facts.tags, **(ami.ami_tags if ami else {})},
        kms_key=(ami.kms_key_id if ami else "") or "",
        permission=ami.launch_permission if ami else None,
        templates=said.launch_template_configurations or (),
        parameters=said.ssm_parameter_configurations,
    )


def _filled(template: str, facts: Facts) -> str:
    def filled(found: re.Match[str]) -> str:
        if found[1] == "buildVersion":
            return facts.reference.partition("/")[2] or facts.version
        return render_date(_made(facts), found[2] or DEFAULT)

    return PLACEHOLDER.sub(filled, template)


def _made(facts: Facts) -> datetime:
    return datetime.fromisoformat(facts.created)
