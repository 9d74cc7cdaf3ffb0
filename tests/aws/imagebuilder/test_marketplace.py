"""Components of the marketplace: their documents, and nothing of others'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.catalog.resources import LISTED
from tests.aws.imagebuilder.documents import COMPONENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.conftest import Served


def test_only_what_is_offered_can_be_got(served: Served, refusal: Callable[..., str]) -> None:
    seller, buyer = served.client("imagebuilder", account="seller"), served.client("imagebuilder", account="buyer")
    made = seller.create_component(name="sold", semanticVersion="1.0.0", platform="Linux", data=COMPONENT)
    asked = {"resourceType": "COMPONENT_DATA", "resourceArn": made["componentBuildVersionArn"]}
    assert refusal(buyer.get_marketplace_resource, **asked) == "ResourceNotFoundException"
    assert refusal(seller.get_marketplace_resource, **asked) == "ResourceNotFoundException"
    managed = {**asked, "resourceArn": "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x"}
    assert refusal(buyer.get_marketplace_resource, **managed) == "ResourceNotFoundException"
    with served.cloud.catalog(served.account_id("seller"), "us-east-1") as catalog:
        component = catalog.own("component", made["componentBuildVersionArn"])
        assert component is not None
        catalog.share(component, add=(LISTED,))
    got = buyer.get_marketplace_resource(**asked)
    assert (got["resourceArn"], got["data"]) == (made["componentBuildVersionArn"], COMPONENT)
    artifact = {**asked, "resourceType": "COMPONENT_ARTIFACT"}
    assert refusal(buyer.get_marketplace_resource, **artifact) == "InvalidRequestException"
    located = {**artifact, "resourceLocation": "s3://bucket/key"}
    assert refusal(buyer.get_marketplace_resource, **located) == "ResourceNotFoundException"
