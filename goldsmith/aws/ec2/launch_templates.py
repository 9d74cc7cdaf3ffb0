"""Launch templates: making, describing, modifying and deleting them, each with all its versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.describing import Listing, describe, tagged
from goldsmith.aws.ec2.launch_template_data import require_data, warn
from goldsmith.aws.ec2.launch_template_records import (
    NONE_EXISTS,
    TEMPLATE,
    VERSION,
    add_version,
    find_template,
    no_such_name,
    version_id,
    version_number,
)
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.call import Call

NAME = re.compile(r"[a-zA-Z0-9().\-/_]{3,128}")
MOST = 5000
"""Launch templates of an account in a region (EC2 user guide, "Launch template restrictions")."""


def show_templates(call: Call, templates: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return launch templates as DescribeLaunchTemplates shows them, without tags."""
    return [
        {
            **template.document,
            "LaunchTemplateId": template.id,
            "LaunchTemplateName": template.name,
            "CreateTime": iso(template.created),
        }
        for template in templates
    ]


LISTING = Listing(
    kind=TEMPLATE,
    ids="LaunchTemplateIds",
    filters={"create-time": "CreateTime", "launch-template-name": "LaunchTemplateName"},
    show=show_templates,
    columns={"launch-template-name": "names"},
    most=200,
)


@ec2.operation(role="launcher")
def create_launch_template(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a launch template with its first version, which is its default."""
    tags = parse_specifications(parameters.get("TagSpecifications"), (TEMPLATE,)).get(TEMPLATE, {})
    name = parameters["LaunchTemplateName"]
    if not NAME.fullmatch(name):
        raise AwsError(
            "InvalidLaunchTemplateName.MalformedException",
            "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the "
            "following characters: - ( ) . / _.",
        )
    data = require_data(parameters.get("LaunchTemplateData"))
    if call.catalog.named(TEMPLATE, name) is not None:
        raise AwsError("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
    if call.catalog.count(TEMPLATE) >= MOST:
        raise AwsError("MaxTemplateLimitExceeded", f"You have reached the limit of {MOST} launch templates.")
    template = Resource(
        new_id("lt"),
        TEMPLATE,
        call.account.id,
        call.region,
        name,
        "",
        call.now,
        {"CreatedBy": call.caller.arn, "DefaultVersionNumber": 1, "LatestVersionNumber": 1},
    )
    add_version(call, template, data, parameters.get("VersionDescription"))
    template = call.catalog.add(template.knowing(last=1, versions=1), tags)
    return {"LaunchTemplate": _shown(call, template), **warn(call, data)}


@ec2.operation()
def describe_launch_templates(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List launch templates, all or those of the ids and names asked for."""
    ids = list(parameters.get("LaunchTemplateIds") or ())
    for name in parameters.get("LaunchTemplateNames") or ():
        template = call.catalog.named(TEMPLATE, name)
        if template is None:
            raise no_such_name(name, NONE_EXISTS)
        ids.append(template.id)
    items, more = describe(call, {**parameters, "LaunchTemplateIds": ids}, LISTING)
    return {"LaunchTemplates": items, **more}


@ec2.operation(role="launcher")
def modify_launch_template(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make another version the default."""
    if parameters.get("LaunchTemplateId") and parameters.get("LaunchTemplateName"):
        raise AwsError(
            "InvalidParameterCombination",
            "Either provide launch template ID or launch template name to modify the template.",
        )
    template = find_template(call, parameters)
    if not parameters.get("DefaultVersion"):
        raise AwsError("MissingParameter", "The request must contain the parameter SetDefaultVersion")
    number = version_number(template, parameters["DefaultVersion"])
    if call.catalog.own(VERSION, version_id(template, number)) is None:
        raise AwsError(
            "InvalidLaunchTemplateId.VersionNotFound",
            f"The launch template version {number} is not found for the specified launch template.",
        )
    return {"LaunchTemplate": _shown(call, call.catalog.save(template.having(DefaultVersionNumber=number)))}


@ec2.operation(role="launcher")
def delete_launch_template(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete a launch template with all its versions; what was launched from it lives on."""
    template = find_template(call, parameters, words=NONE_EXISTS)
    shown = _shown(call, template)
    call.catalog.remove_named(VERSION, template.id)
    call.catalog.remove(template)
    return {"LaunchTemplate": shown}


def _shown(call: Call, template: Resource) -> dict[str, Any]:
    return tagged(call, [template], show_templates)[0]
