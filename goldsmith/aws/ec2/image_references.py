"""What of an account's own names some AMIs: instances, launch templates, parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import require_form
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.pagination import paginate
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

INSTANCE = "ec2:Instance"
TEMPLATE = "ec2:LaunchTemplate"
PARAMETER = "ssm:Parameter"
TYPES = (INSTANCE, TEMPLATE, PARAMETER, "imagebuilder:ImageRecipe", "imagebuilder:ContainerRecipe")
DEPTH = 10
"""Versions of a launch template that are looked at, from the latest on, unless asked otherwise."""

OPTIONS = {INSTANCE: "state-name", TEMPLATE: "version-depth"}

Reference = dict[str, str]


@ec2.operation(deviation="Image Builder recipes are not looked at: they are files here.")
def describe_image_references(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's own resources that name some AMIs, whoever owns those."""
    images = tuple(dict.fromkeys(parameters["ImageIds"]))
    require_form("image", *images)
    wanted = _wanted(parameters)

    def references(after: Any) -> Iterator[tuple[int, Reference]]:
        found = (each for kind, options in wanted.items() for each in _references(call, kind, images, options))
        for number, reference in enumerate(found):
            if number > (-1 if after is None else int(after)):
                yield number, reference

    page, more = paginate(call, parameters, references, lambda found: found[0])
    return {"ImageReferences": [reference for _, reference in page], **more}


def _wanted(parameters: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """Return the resource types that a request asks about, each with its option's values."""
    asked = parameters.get("ResourceTypes") or ()
    if not asked and not parameters.get("IncludeAllResourceTypes"):
        raise AwsError("MissingParameter", "Either IncludeAllResourceTypes or ResourceTypes must be specified.")
    wanted: dict[str, Sequence[str]] = dict.fromkeys(TYPES, ()) if parameters.get("IncludeAllResourceTypes") else {}
    for each in asked:
        kind = each.get("ResourceType")
        if kind not in TYPES:
            raise AwsError("InvalidParameterValue", "A ResourceType is missing or unknown.")
        values: Sequence[str] = ()
        for option in each.get("ResourceTypeOptions") or ():
            if option.get("OptionName") != OPTIONS.get(kind):
                raise AwsError("InvalidParameterValue", f"The option {option.get('OptionName')} is not for {kind}.")
            values = option.get("OptionValues") or ()
        if kind == TEMPLATE and any(not re.fullmatch(r"[1-9][0-9]{0,4}", value) for value in values):
            raise AwsError("InvalidParameterValue", "version-depth takes a number between 1 and 10000.")
        wanted[kind] = values
    return wanted


def _references(call: Call, kind: str, images: tuple[str, ...], options: Sequence[str]) -> Iterator[Reference]:
    if kind == INSTANCE:
        for instance in _using(call, "instance", images):
            if not options or instance.state in options:
                yield _reference(instance.document["ImageId"], kind, _arn(call, f"instance/{instance.id}"))
    elif kind == TEMPLATE:
        yield from _templates(call, images, int(options[0]) if options else DEPTH)
    elif kind == PARAMETER:
        for parameter in _using(call, "parameter", images):
            yield _reference(parameter.document["Value"], kind, parameter.id)


def _templates(call: Call, images: tuple[str, ...], depth: int) -> Iterator[Reference]:
    told: set[tuple[str, str]] = set()
    for version in _using(call, "launch-template-version", images):
        template = call.catalog.own("launch-template", version.name)
        image = version.document["LaunchTemplateData"]["ImageId"]
        if template is None or (template.id, image) in told:
            continue
        if int(version.inner["number"]) > int(template.document["LatestVersionNumber"]) - depth:
            told.add((template.id, image))
            yield _reference(image, TEMPLATE, _arn(call, f"launch-template/{template.id}"))


def _using(call: Call, kind: str, images: tuple[str, ...]) -> Iterator[Resource]:
    return call.catalog.find(Query(kind, owners=(call.account.id,), uses=images))


def _reference(image: str, kind: str, arn: str) -> Reference:
    return {"ImageId": image, "ResourceType": kind, "Arn": arn}


def _arn(call: Call, name: str) -> str:
    return f"arn:aws:ec2:{call.region}:{call.account.id}:{name}"
