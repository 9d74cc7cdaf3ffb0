"""Findings: filtered, paged, and counted by account, image, pipeline and vulnerability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from goldsmith.catalog.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.conftest import Served

REGION = "us-east-1"
SEVERITIES = ("CRITICAL", "HIGH", "HIGH", "MEDIUM", "LOW", "UNTRIAGED")


@pytest.fixture(scope="module")
def found(served: Served) -> dict[str, str]:
    """Six findings in each of two images of one pipeline, CVE-0 to CVE-5 in both."""
    owner = served.account_id("scanned")
    head = f"arn:aws:imagebuilder:{REGION}:{owner}"
    images = {name: f"{head}:image/{name}/1.0.0/1" for name in ("one", "two")}
    with served.cloud.catalog(owner, REGION) as catalog:
        for name, arn in images.items():
            for number, severity in enumerate(SEVERITIES):
                finding = {
                    "awsAccountId": owner,
                    "imageBuildVersionArn": arn,
                    "imagePipelineArn": f"{head}:image-pipeline/nightly",
                    "severity": severity,
                    "title": f"CVE-{number}",
                    "packageVulnerabilityDetails": {"vulnerabilityId": f"CVE-{number}"},
                    "firstObservedAt": 1_795_000_000.0,
                }
                catalog.add(Resource(f"{name}-{number}", "image-finding", owner, REGION, arn, severity, 1.0, finding))
    return {**images, "pipeline": f"{head}:image-pipeline/nightly", "owner": owner}


@pytest.fixture
def scanned(served: Served) -> Any:
    return served.client("imagebuilder", account="scanned")


def titles(client: Any, **asked: Any) -> list[str]:
    pages = client.get_paginator("list_image_scan_findings").paginate(**asked)
    return [each["title"] for page in pages for each in page["findings"]]


def test_findings_are_listed_all_or_by_one_filter(scanned: Any, found: dict[str, str]) -> None:
    def by(name: str, value: str) -> list[str]:
        return titles(scanned, filters=[{"name": name, "values": [value]}])

    every = [f"CVE-{number}" for number in range(6)]
    assert titles(scanned) == every * 2
    assert titles(scanned, PaginationConfig={"PageSize": 5}) == every * 2
    assert by("imageBuildVersionArn", found["two"]) == every
    assert by("imagePipelineArn", found["pipeline"]) == every * 2
    assert by("vulnerabilityId", "CVE-3") == ["CVE-3"] * 2
    assert by("severity", "HIGH") == ["CVE-1", "CVE-2"] * 2
    assert by("severity", "NONE") == []
    first = scanned.list_image_scan_findings(maxResults=1)["findings"][0]
    assert first["firstObservedAt"].timestamp() == 1_795_000_000


def counts(critical: int, high: int, medium: int, every: int) -> dict[str, int]:
    return {"all": every, "critical": critical, "high": high, "medium": medium}


def test_they_are_counted_by_what_is_asked_for(scanned: Any, found: dict[str, str]) -> None:
    def by(name: str, *values: str) -> Any:
        answer = scanned.list_image_scan_finding_aggregations(filter={"name": name, "values": list(values)})
        assert answer["aggregationType"] == name
        return answer["responses"]

    one, two = found["one"], found["two"]
    assert by("imageBuildVersionArn", two, one, one.replace("one", "none")) == [
        {"imageAggregation": {"imageBuildVersionArn": arn, "severityCounts": counts(1, 2, 1, 6)}} for arn in (one, two)
    ]
    assert by("imagePipelineArn", found["pipeline"]) == [
        {"imagePipelineAggregation": {"imagePipelineArn": found["pipeline"], "severityCounts": counts(2, 4, 2, 12)}}
    ]
    assert by("vulnerabilityId", "CVE-0") == [
        {"vulnerabilityIdAggregation": {"vulnerabilityId": "CVE-0", "severityCounts": counts(2, 0, 0, 2)}}
    ]
    everything = scanned.list_image_scan_finding_aggregations()
    assert everything["aggregationType"] == "accountId"
    assert everything["responses"] == [
        {"accountAggregation": {"accountId": found["owner"], "severityCounts": counts(2, 4, 2, 12)}}
    ]


def test_another_account_has_none(served: Served, found: dict[str, str]) -> None:
    other = served.client("imagebuilder", account="unscanned")
    assert titles(other) == []
    assert titles(other, filters=[{"name": "imageBuildVersionArn", "values": [found["one"]]}]) == []
    (row,) = other.list_image_scan_finding_aggregations()["responses"]
    assert row["accountAggregation"]["severityCounts"] == counts(0, 0, 0, 0)


def test_other_filters_are_refused(scanned: Any, refusal: Callable[..., str]) -> None:
    listed, counted = scanned.list_image_scan_findings, scanned.list_image_scan_finding_aggregations
    wrong = {"name": "color", "values": ["red"]}
    assert refusal(listed, filters=[wrong]) == "InvalidRequestException"
    assert refusal(counted, filter=wrong) == "InvalidRequestException"
    assert refusal(counted, filter={"name": "severity", "values": ["HIGH"]}) == "InvalidRequestException"
    assert refusal(listed, filters=[{"name": "severity"}]) == "InvalidRequestException"
    assert refusal(listed, filters=[wrong, wrong]) == "InvalidRequestException"
