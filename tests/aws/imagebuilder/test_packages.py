"""Packages of an image, in pages, for who may see it."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.conftest import Served

REGION = "us-east-1"


def image(served: Served, name: str, account: str = "acme", packages: int | None = None) -> str:
    owner = served.account_id(account)
    arn = f"arn:aws:imagebuilder:{REGION}:{owner}:image/{name}/1.0.0/1"
    with served.cloud.catalog(owner, REGION) as catalog:
        catalog.add(Resource(arn, "image-build", owner, REGION, f"{name}/1.0.0", "AVAILABLE", 1.0, {"arn": arn}))
        if packages is not None:
            rows = [{"packageName": f"p{number}", "packageVersion": f"1:{number}"} for number in range(packages)]
            catalog.add(Resource(arn, "image-packages", owner, REGION, "", "", 1.0, {"packages": rows}))
    return arn


def names(client: Any, arn: str, **more: Any) -> list[list[str]]:
    pages = client.get_paginator("list_image_packages").paginate(imageBuildVersionArn=arn, PaginationConfig=more)
    return [[each["packageName"] for each in page["imagePackageList"]] for page in pages]


def test_all_packages_come_in_pages_of_25_or_as_asked(served: Served) -> None:
    client, arn = served.client("imagebuilder"), image(served, "full", packages=60)
    assert [len(page) for page in names(client, arn)] == [25, 25, 10]
    assert [len(page) for page in names(client, arn, PageSize=100)] == [60]
    assert list(chain(*names(client, arn, PageSize=7))) == [f"p{number}" for number in range(60)]
    first = client.list_image_packages(imageBuildVersionArn=arn, maxResults=1)["imagePackageList"]
    assert first == [{"packageName": "p0", "packageVersion": "1:0"}]


def test_an_image_without_metadata_has_none_and_an_unknown_one_is_not_found(
    served: Served, refusal: Callable[..., str]
) -> None:
    client, arn = served.client("imagebuilder"), image(served, "bare")
    assert names(client, arn) == [[]]
    unknown = arn.replace("bare", "nowhere")
    assert refusal(client.list_image_packages, imageBuildVersionArn=unknown) == "ResourceNotFoundException"
    assert (
        refusal(client.list_image_packages, imageBuildVersionArn=arn, nextToken="x")
        == "InvalidPaginationTokenException"
    )


def test_who_is_lent_an_image_sees_its_packages_and_nobody_else(served: Served, refusal: Callable[..., str]) -> None:
    arn = image(served, "lent", packages=1)
    other = served.client("imagebuilder", account="borrower")
    assert refusal(other.list_image_packages, imageBuildVersionArn=arn) == "ResourceNotFoundException"
    with served.cloud.catalog(served.account_id(), REGION) as catalog:
        found = catalog.own("image-build", arn)
        assert found is not None
        catalog.share(found, add=[served.account_id("borrower")])
    assert names(other, arn) == [["p0"]]
