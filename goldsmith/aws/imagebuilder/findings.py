"""Findings of images' scans, and how many there are by account, image, pipeline and vulnerability (2.11, 9.1, 9.2)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import jmespath

from goldsmith.aws.imagebuilder.listing import DEFAULT_PAGE, LARGEST_PAGE, answer_page
from goldsmith.aws.imagebuilder.refusals import invalid
from goldsmith.aws.operations import imagebuilder
from goldsmith.aws.pagination import paginate
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

FINDING = "image-finding"
"""A finding's kind: its ``document`` is ImageScanFinding, its ``name`` the image build's ARN."""

IMAGE = "imageBuildVersionArn"
MEMBERS = {
    IMAGE: jmespath.compile("imageBuildVersionArn"),
    "imagePipelineArn": jmespath.compile("imagePipelineArn"),
    "vulnerabilityId": jmespath.compile("packageVulnerabilityDetails.vulnerabilityId"),
    "severity": jmespath.compile("severity"),
}
AGGREGATIONS = {
    IMAGE: "imageAggregation",
    "imagePipelineArn": "imagePipelineAggregation",
    "vulnerabilityId": "vulnerabilityIdAggregation",
}
COUNTED = ("critical", "high", "medium")


@imagebuilder.operation(deviation="There are none until a scan of this house stores them.")
def list_image_scan_findings(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List findings, all of the account's or those of one image, pipeline, vulnerability or severity."""
    name, values = _filter(call, (parameters.get("filters") or [{}])[0], tuple(MEMBERS), path="filters")
    return answer_page(
        call, parameters, "findings", lambda after: (each for each in _findings(call, name, values, after))
    )


@imagebuilder.operation(deviation="There are none until a scan of this house stores them.")
def list_image_scan_finding_aggregations(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Count findings by severity: of the account, or of each image, pipeline or vulnerability asked for."""
    name, values = _filter(call, parameters.get("filter") or {}, tuple(AGGREGATIONS), path="filter")
    counted: dict[str, Counter[str]] = {} if name else {call.account.id: Counter()}
    for finding in _findings(call, name, values, None):
        of = MEMBERS[name].search(finding.document) if name else call.account.id
        counts = counted.setdefault(of, Counter())
        counts["all"] += 1
        counts[str(finding.document.get("severity", "")).lower()] += 1
    rows = sorted(counted.items())

    def items(after: str | None) -> Iterator[tuple[str, Counter[str]]]:
        return (row for row in rows if after is None or row[0] > after)

    page, following = paginate(call, parameters, items, lambda row: row[0], default=DEFAULT_PAGE, most=LARGEST_PAGE)
    member, key = (AGGREGATIONS[name], name) if name else ("accountAggregation", "accountId")
    return {
        "aggregationType": key,
        "responses": [{member: {key: of, "severityCounts": _counts(counts)}} for of, counts in page],
        **({"nextToken": following["NextToken"]} if following else {}),
    }


def _findings(call: Call, name: str, values: tuple[str, ...], after: int | None) -> Iterator[Resource]:
    """Yield the account's findings whose member is one of some values; all without a name."""
    query = Query(FINDING, names=values if name == IMAGE else (), owners=(call.account.id,))
    for each in call.catalog.find(query, after=after or 0):
        if not name or MEMBERS[name].search(each.document) in values:
            yield each


def _filter(call: Call, asked: Mapping[str, Any], known: tuple[str, ...], *, path: str) -> tuple[str, tuple[str, ...]]:
    """Return a filter's name and values; ("", ()) where none is given."""
    if not asked:
        return "", ()
    name, values = asked.get("name", ""), tuple(asked.get("values") or ())
    if name not in known or not values:
        raise invalid(call.operation, path, f"A filter has a value and one of the names {', '.join(known)}.")
    return name, values


def _counts(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in ("all", *COUNTED)}
