"""Reports on how an AMI is used by which accounts: how many of their instances and templates are made of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.ec2.own_images import own_image
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filters
from goldsmith.aws.operations import ec2
from goldsmith.aws.pagination import paginate
from goldsmith.aws.tags import parse_specifications
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query, Resource, new_id
from goldsmith.catalog.uses import count_users

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from goldsmith.aws.call import Call

REPORT = "image-usage-report"
KEPT = 30 * 24 * 3600
KINDS = {
    "ec2:Instance": "instance",
    "ec2:LaunchTemplate": "launch-template-version",
    "imagebuilder:ImageRecipe": "image-recipe",
    "imagebuilder:ContainerRecipe": "container-recipe",
}
"""The kind of resource in the catalogue by the report's resource type."""

VERSION_DEPTH = "version-depth"
REPORT_FILTERS = {"creation-time": "CreationTime", "state": "State"}
ENTRY_FILTERS = {"account-id": "AccountId", "creation-time": "ReportCreationTime", "resource-type": "ResourceType"}


@ec2.operation(deviation="A launch template counts once for each of its versions that names the AMI.")
def create_image_usage_report(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Count which accounts' resources use an AMI of the caller's."""
    tags = parse_specifications(parameters.get("TagSpecifications"), (REPORT,)).get(REPORT, {})
    image = own_image(call, parameters["ImageId"])
    types = parameters["ResourceTypes"]
    accounts = parameters.get("AccountIds") or []
    for asked in types:
        _require_type(asked)
    if wrong := [account for account in accounts if not re.fullmatch(r"[0-9]{12}", account)]:
        raise AwsError("InvalidParameterValue", f"Value ({wrong[0][:100]}) for parameter AccountId is invalid.")
    entries = [
        {"ResourceType": asked["ResourceType"], "AccountId": account, "UsageCount": count}
        for asked in types
        for account, count in sorted(_count(call, image, asked["ResourceType"]).items())
        if not accounts or account in accounts
    ]
    document = {"ImageId": image.id, "ResourceTypes": types, "AccountIds": accounts}
    inner = {"entries": entries, "expires": call.now + KEPT}
    report = Resource(
        new_id("report"), REPORT, call.account.id, call.region, "", "available", call.now, document, inner
    )
    call.catalog.add(report, tags)
    return {"ReportId": report.id}


def show_reports(call: Call, reports: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return reports as answers show them, without tags."""
    return [
        {
            **report.document,
            "ReportId": report.id,
            "State": report.state,
            "CreationTime": iso(report.created),
            "ExpirationTime": iso(report.inner["expires"]),
        }
        for report in reports
    ]


LISTING = Listing(REPORT, "ReportIds", REPORT_FILTERS, show_reports, {"state": "states"})


@ec2.operation()
def describe_image_usage_reports(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the reports that the caller has asked for, of some AMIs or all."""
    images = parameters.get("ImageIds") or ()
    items, more = describe(
        call, parameters, LISTING, keep=lambda report: not images or report.document["ImageId"] in images
    )
    return {"ImageUsageReports": items, **more}


@ec2.operation()
def describe_image_usage_report_entries(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List what is in reports."""
    images, ids = parameters.get("ImageIds") or (), tuple(parameters.get("ReportIds") or ())
    for identifier in ids:
        owned(call, REPORT, identifier)
    filters = Filters(parameters.get("Filters"), ENTRY_FILTERS)

    def entries(after: Any) -> Iterator[tuple[list[int], dict[str, Any]]]:
        place, index = after or (0, -1)
        for report in call.catalog.find(Query(REPORT, ids=ids, owners=(call.account.id,)), after=place - 1):
            if images and report.document["ImageId"] not in images:
                continue
            for number, entry in enumerate(report.inner["entries"]):
                item = {
                    **entry,
                    "ReportId": report.id,
                    "ImageId": report.document["ImageId"],
                    "ReportCreationTime": iso(report.created),
                }
                if [report.position, number] > [place, index] and filters.match(item):
                    yield [report.position, number], item

    page, more = paginate(call, parameters, entries, lambda found: found[0])
    return {"ImageUsageReportEntries": [item for _, item in page], **more}


@ec2.operation()
def delete_image_usage_report(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete a report."""
    call.catalog.remove(owned(call, REPORT, parameters["ReportId"]))
    return {"Return": True}


def _require_type(asked: Mapping[str, Any]) -> None:
    """Raise AwsError for a resource type that no report covers, or options that it does not take."""
    kind = asked.get("ResourceType") or ""
    if kind not in KINDS:
        raise AwsError("InvalidParameterValue", f"Value ({kind[:100]}) for parameter ResourceType is invalid.")
    for option in asked.get("ResourceTypeOptions") or ():
        name, values = option.get("OptionName") or "", option.get("OptionValues") or []
        if kind != "ec2:LaunchTemplate" or name != VERSION_DEPTH:
            raise AwsError("InvalidParameterValue", f"The option '{name[:100]}' cannot be given for {kind}.")
        if len(values) != 1 or not re.fullmatch(r"[0-9]{1,5}", values[0]) or not 1 <= int(values[0]) <= 10_000:  # noqa: PLR2004 - the model's bounds
            raise AwsError("InvalidParameterValue", f"{VERSION_DEPTH} takes one number between 1 and 10000.")


def _count(call: Call, image: Resource, kind: str) -> dict[str, int]:
    return count_users(call.catalog.connection, KINDS[kind], call.region, image.id)
