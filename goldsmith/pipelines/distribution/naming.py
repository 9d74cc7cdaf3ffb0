"""What AMIs of an image are called: their names, descriptions and tags, with what stands for the build filled in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.distribution.dates import DEFAULT, render_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.image_run import ImageRun

CREATED_BY = {"CreatedBy": "EC2 Image Builder"}
ARN_TAG = "Ec2ImageBuilderArn"
LONGEST_NAME = 128
"""Characters of an AMI's name (EC2)."""

PLACEHOLDER = re.compile(r"\{\{\s*imagebuilder:(buildDate|buildVersion)(?::([^{}]*?))?\s*\}\}")


def output_name(image: ImageRun) -> str:
    """Return the name of the AMI that a build makes: as the distribution says of the build's region, or the default.

    It is the same whenever it is asked for the same build.
    """
    return distributed_name(image, _ami_settings(image).get("name"))


def output_description(image: ImageRun) -> str:
    """Return the description of the AMI that a build makes: the distribution's for its region, or the recipe's."""
    settings = _ami_settings(image)
    return str(settings.get("description") or image.recipe.get("description") or "")


def output_tags(image: ImageRun) -> dict[str, str]:
    """Return the tags of the AMI that a build makes: the recipe's, over them the distribution's, and the service's."""
    return distributed_tags(
        image, {**(image.recipe.get("amiTags") or {}), **(_ami_settings(image).get("amiTags") or {})}
    )


def distributed_name(image: ImageRun, template: str | None) -> str:
    """Return the name that a template gives, or the default: the image's name and the build's date."""
    if template:
        return fill(template, image)
    date = render_date(_moment(image), DEFAULT)
    return f"{image.name[: LONGEST_NAME - len(date) - 1]} {date}"


def distributed_tags(image: ImageRun, tags: Mapping[str, str]) -> dict[str, str]:
    """Return an AMI's tags: those given, filled in, and the service's own."""
    return {**{key: fill(value, image) for key, value in tags.items()}, **CREATED_BY, ARN_TAG: image.arn}


def fill(template: str, image: ImageRun) -> str:
    """Return a text with {{ imagebuilder:buildDate }}, with or without a pattern, and {{ imagebuilder:buildVersion }}.

    The version is the whole one, as 1.0.0/1. What stands between other braces stays.
    """

    def filled(found: re.Match[str]) -> str:
        if found[1] == "buildVersion":
            return f"{image.version}/{image.build}"
        return render_date(_moment(image), found[2] or DEFAULT)

    return PLACEHOLDER.sub(filled, template)


def settings_of(image: ImageRun, region: str) -> dict[str, Any]:
    """Return what the image's distribution configuration says of a region, {} where it does not."""
    entries = (image.distribution or {}).get("distributions") or ()
    return next((dict(entry) for entry in entries if entry.get("region") == region), {})


def _ami_settings(image: ImageRun) -> Mapping[str, Any]:
    settings: Mapping[str, Any] = settings_of(image, image.region).get("amiDistributionConfiguration") or {}
    return settings


def _moment(image: ImageRun) -> datetime:
    moment = datetime.fromisoformat(image.date_time)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
