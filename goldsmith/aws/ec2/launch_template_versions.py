"""Versions of launch templates: they never change, and a number is never used again."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.launch_parameters import resolve_image_id
from goldsmith.aws.ec2.launch_template_data import inherit, require_data, warn
from goldsmith.aws.ec2.launch_template_records import (
    DEFAULT,
    LATEST,
    TEMPLATE,
    VERSION,
    add_version,
    find_template,
    find_version,
    no_such_version,
    version_id,
    version_number,
)
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filters
from goldsmith.aws.operations import ec2
from goldsmith.aws.pagination import paginate
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

    Item = dict[str, Any]
    Placed = tuple[Any, Item]
    """An item and the mark after which a next page begins."""

MOST = 10_000
"""Versions of one template (EC2 user guide, "Launch template restrictions")."""

MOST_AT_ONCE = 200
"""Versions on a page, and in one request to delete some."""

FILTERS = {
    "create-time": "CreateTime",
    "ebs-optimized": "LaunchTemplateData.EbsOptimized",
    "host-resource-group-arn": "LaunchTemplateData.Placement.HostResourceGroupArn",
    "http-endpoint": "LaunchTemplateData.MetadataOptions.HttpEndpoint",
    "http-protocol-ipv4": "LaunchTemplateData.MetadataOptions.HttpEndpoint",
    "http-tokens": "LaunchTemplateData.MetadataOptions.HttpTokens",
    "iam-instance-profile": "LaunchTemplateData.IamInstanceProfile.[Arn, Name]",
    "image-id": "LaunchTemplateData.ImageId",
    "instance-type": "LaunchTemplateData.InstanceType",
    "is-default-version": "DefaultVersion",
    "kernel-id": "LaunchTemplateData.KernelId",
    "license-configuration-arn": "LaunchTemplateData.LicenseSpecifications[].LicenseConfigurationArn",
    "network-card-index": "LaunchTemplateData.NetworkInterfaces[].NetworkCardIndex",
    "ram-disk-id": "LaunchTemplateData.RamDiskId",
}

HOW_TO_ASK = (
    "To describe the launch template data for all your launch templates, for \u2018--versions\u2019 specify "
    "\u2018$Latest\u2019, \u2018$Default\u2019, or both, and omit \u2018--launch-template-id\u2019, "
    "\u2018--launch-template-name\u2019, and version numbers. To describe the launch template data for a specific "
    "launch template, specify \u2018--launch-template-id\u2019 or \u2018--launch-template-name\u2019, and for "
    "\u2018--versions\u2019 specify one or more of the following values: \u2018$Latest\u2019, \u2018$Default\u2019, or "
    "one or more version numbers."
)


@ec2.operation(role="launcher")
def create_launch_template_version(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Add a version to a template, from another of its versions or from nothing; the default stays."""
    template = find_template(call, parameters)
    data = require_data(parameters.get("LaunchTemplateData"))
    if source := parameters.get("SourceVersion"):
        data = inherit(find_version(call, template, source).document["LaunchTemplateData"], data)
    if template.inner["versions"] >= MOST:
        raise AwsError(
            "MaxTemplateVersionLimitExceeded", f"You have reached the limit of {MOST} versions of {template.id}."
        )
    version = add_version(call, template, data, parameters.get("VersionDescription"))
    number = version.inner["number"]
    counted = template.knowing(last=number, versions=template.inner["versions"] + 1)
    template = call.catalog.save(counted.having(LatestVersionNumber=number))
    shown = show_version(call, template, version, resolve=bool(parameters.get("ResolveAlias")))
    return {"LaunchTemplateVersion": shown, **warn(call, data)}


@ec2.operation()
def describe_launch_template_versions(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List a template's versions, the oldest first, or the latest or default ones of all templates."""
    filters = Filters(parameters.get("Filters"), FILTERS)
    resolve = bool(parameters.get("ResolveAlias"))
    asked = parameters.get("Versions") or []
    items: Callable[[Any], Iterator[Placed]]
    if not parameters.get("LaunchTemplateId") and not parameters.get("LaunchTemplateName"):
        if not asked:
            raise AwsError("MissingParameter", HOW_TO_ASK)
        if set(asked) - {LATEST, DEFAULT}:
            raise AwsError("InvalidParameterValue", HOW_TO_ASK)

        def items(after: Any) -> Iterator[Placed]:
            return _of_all(call, asked, after, resolve)
    else:
        template = find_template(call, parameters)
        if asked:
            numbers = sorted({version_number(template, text) for text in asked})

            def items(after: Any) -> Iterator[Placed]:
                return _numbered(call, template, numbers, after, resolve)
        else:
            least = version_number(template, parameters.get("MinVersion") or "0")
            most = version_number(template, parameters.get("MaxVersion") or str(template.inner["last"]))

            def items(after: Any) -> Iterator[Placed]:
                return _between(call, template, least, most, after, resolve)

    def passing(after: Any) -> Iterator[Placed]:
        return (placed for placed in items(after) if filters.match(placed[1]))

    page, more = paginate(call, parameters, passing, lambda placed: placed[0], most=MOST_AT_ONCE)
    return {"LaunchTemplateVersions": [item for _, item in page], **more}


@ec2.operation(role="launcher")
def delete_launch_template_versions(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete versions of a template; for those that cannot be, the answer says why."""
    asked = parameters["Versions"]
    if len(asked) > MOST_AT_ONCE:
        raise AwsError(
            "InvalidParameterValue", f"You can delete up to {MOST_AT_ONCE} launch template versions in a request."
        )
    named = {name: parameters[name] for name in ("LaunchTemplateId", "LaunchTemplateName") if name in parameters}
    try:
        template = find_template(call, parameters)
    except AwsError as refusal:
        code = _UNFOUND.get(refusal.code)
        if code is None:
            raise
        error = {"Code": code, "Message": refusal.message}
        failed = [{**named, "VersionNumber": _number(text), "ResponseError": error} for text in asked]
        return {"SuccessfullyDeletedLaunchTemplateVersions": [], "UnsuccessfullyDeletedLaunchTemplateVersions": failed}
    whose = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name}
    deleted: list[Item] = []
    kept: list[Item] = []
    for text in dict.fromkeys(asked):
        item = {**whose, "VersionNumber": _number(text)}
        fault = _delete(call, template, text)
        if fault:
            kept.append({**item, "ResponseError": fault})
        else:
            deleted.append(item)
    if deleted:
        left = template.knowing(versions=template.inner["versions"] - len(deleted))
        call.catalog.save(left.having(LatestVersionNumber=_latest(call, template)))
    return {"SuccessfullyDeletedLaunchTemplateVersions": deleted, "UnsuccessfullyDeletedLaunchTemplateVersions": kept}


_UNFOUND = {
    "InvalidLaunchTemplateId.NotFound": "launchTemplateIdDoesNotExist",
    "InvalidLaunchTemplateId.Malformed": "launchTemplateIdMalformed",
    "InvalidLaunchTemplateName.NotFoundException": "launchTemplateNameDoesNotExist",
}


def show_version(call: Call, template: Resource, version: Resource, *, resolve: bool = False) -> Item:
    """Return a version as answers show it; ``resolve`` shows the image that an SSM parameter holds."""
    item = {
        **version.document,
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "VersionNumber": version.inner["number"],
        "CreateTime": iso(version.created),
        "DefaultVersion": version.inner["number"] == template.document["DefaultVersionNumber"],
    }
    data = item["LaunchTemplateData"]
    if resolve and data.get("ImageId"):
        item["LaunchTemplateData"] = {**data, "ImageId": resolve_image_id(call, data["ImageId"])}
    return item


def _of_all(call: Call, asked: list[str], after: Any, resolve: bool) -> Iterator[Placed]:
    """Yield the latest or default versions of all templates."""
    position, number = after or (0, 0)
    templates = call.catalog.find(Query(TEMPLATE, owners=(call.account.id,)), after=position - 1)
    while batch := list(islice(templates, MOST_AT_ONCE)):
        wanted = {template.id: sorted({version_number(template, text) for text in asked}) for template in batch}
        ids = tuple(version_id(template, each) for template in batch for each in wanted[template.id])
        found = {version.id: version for version in _versions(call, ids)}
        for template in batch:
            for each in wanted[template.id]:
                if (template.position, each) > (position, number):
                    version = found[version_id(template, each)]
                    yield [template.position, each], show_version(call, template, version, resolve=resolve)


def _numbered(call: Call, template: Resource, numbers: list[int], after: Any, resolve: bool) -> Iterator[Placed]:
    """Yield the versions of those numbers. Raises AwsError for one that is not there."""
    found = {version.id: version for version in _versions(call, tuple(version_id(template, each) for each in numbers))}
    for number in numbers:
        version = found.get(version_id(template, number))
        if version is None:
            raise no_such_version(template, number)
        if number > (after or 0):
            yield number, show_version(call, template, version, resolve=resolve)


def _between(call: Call, template: Resource, least: int, most: int, after: Any, resolve: bool) -> Iterator[Placed]:
    """Yield the versions of a range of numbers."""
    query = Query(VERSION, names=(template.id,), owners=(call.account.id,))
    for version in call.catalog.find(query, after=after or 0):
        if least <= version.inner["number"] <= most:
            yield version.position, show_version(call, template, version, resolve=resolve)


def _versions(call: Call, ids: tuple[str, ...]) -> Iterator[Resource]:
    for start in range(0, len(ids), MOST_AT_ONCE):
        yield from call.catalog.find(Query(VERSION, ids=ids[start : start + MOST_AT_ONCE], owners=(call.account.id,)))


def _delete(call: Call, template: Resource, text: str) -> dict[str, str] | None:
    """Delete a version; return why not where it cannot be."""
    number = _number(text)
    version = call.catalog.own(VERSION, version_id(template, number))
    if version is None:
        message = f"Could not find the specified version {text[:200]} for the launch template with ID {template.id}."
        return {"Code": "launchTemplateVersionDoesNotExist", "Message": message}
    if number == template.document["DefaultVersionNumber"]:
        message = "The default version of a launch template cannot be deleted; make another version the default first."
        return {"Code": "unexpectedError", "Message": message}
    call.catalog.remove(version)
    return None


def _latest(call: Call, template: Resource) -> int:
    """Return the highest number that a version still has; the default one is always there."""
    for top in range(template.inner["last"], 0, -MOST_AT_ONCE):
        ids = tuple(version_id(template, number) for number in range(top, max(0, top - MOST_AT_ONCE), -1))
        if there := [int(version.inner["number"]) for version in _versions(call, ids)]:
            return max(there)
    return int(template.document["DefaultVersionNumber"])


def _number(text: str) -> int:
    """Return the number that a text is; 0, which no version has, for any other."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0
