"""Launch templates and their versions as the catalogue keeps them: found by id or name, by number or alias."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.errors import AwsError
from goldsmith.aws.iam.profiles import require_power_over
from goldsmith.catalog.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call

TEMPLATE = "launch-template"
VERSION = "launch-template-version"
LATEST = "$Latest"
DEFAULT = "$Default"

NONE_EXISTS = "At least one of the launch templates specified in the request does not exist."


def find_template(call: Call, reference: Mapping[str, Any], *, words: str = "") -> Resource:
    """Return the caller's template that LaunchTemplateId or LaunchTemplateName of ``reference`` names.

    ``words`` tells that there is none of that name, where an operation has words of its own. Raises AwsError also
    when both are given, or neither.
    """
    identifier, name = reference.get("LaunchTemplateId"), reference.get("LaunchTemplateName")
    if identifier and name:
        raise AwsError(
            "InvalidParameterCombination",
            "Either provide launch template ID or launch template name; you may not specify both.",
        )
    if identifier:
        return owned(call, TEMPLATE, identifier)
    if not name:
        raise AwsError(
            "MissingParameter", "The request must contain the parameter launch template ID or launch template name"
        )
    template = call.catalog.named(TEMPLATE, name)
    if template is None:
        raise no_such_name(name, words)
    return template


def no_such_name(name: str, words: str = "") -> AwsError:
    """Return the refusal for a name that no template of the caller's has."""
    said = words or f"The specified launch template, with template name {name[:200]}, does not exist."
    return AwsError("InvalidLaunchTemplateName.NotFoundException", said)


def version_number(template: Resource, text: str) -> int:
    """Return the number that a version's text means: a number, $Latest, $Default or "" for the default.

    Raises AwsError for any other text; whether there is such a version is not looked up.
    """
    if text in {"", DEFAULT}:
        return int(template.document["DefaultVersionNumber"])
    if text == LATEST:
        return int(template.document["LatestVersionNumber"])
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise AwsError(
            "InvalidParameterValue",
            f"Invalid launch template version '{text[:200]}': it takes a version number, $Latest or $Default.",
        )
    return int(text)


def find_version(call: Call, template: Resource, text: str) -> Resource:
    """Return a template's version by number or alias. Raises AwsError when there is none."""
    number = version_number(template, text)
    version = call.catalog.own(VERSION, version_id(template, number))
    if version is None:
        raise no_such_version(template, number)
    return version


def no_such_version(template: Resource, number: int) -> AwsError:
    """Return the refusal for a number that a template has no version of."""
    return AwsError(
        "InvalidLaunchTemplateId.VersionNotFound",
        f"Could not find the specified version {number} for the launch template with ID {template.id}.",
    )


def version_id(template: Resource, number: int) -> str:
    """Return the id under which the catalogue keeps a version."""
    return f"{template.id}:{number}"


def add_version(call: Call, template: Resource, data: Mapping[str, Any], description: str | None) -> Resource:
    """Add the version after all that the template ever had, and return it; the template itself is not saved.

    Raises AwsError for data that hands instances a role that stands for more than the caller may do.
    """
    require_power_over(call, data.get("IamInstanceProfile"))
    number = int(template.inner.get("last", 0)) + 1
    document = {
        "LaunchTemplateData": dict(data),
        "CreatedBy": call.caller.arn,
        **({} if description is None else {"VersionDescription": description}),
    }
    version = Resource(
        version_id(template, number),
        VERSION,
        call.account.id,
        call.region,
        template.id,
        "",
        call.now,
        document,
        {"number": number},
    )
    return call.catalog.add(version)
