"""What the house offers under Amazon's name: there for all, in every region, and nobody's to change."""

from __future__ import annotations

import pytest

from tests.aws.imagebuilder.test_recipes import make, told

HEAD = "arn:aws:imagebuilder:us-east-1:aws"


def test_components_images_and_workflows_are_listed_and_found(builder):
    for noun, owners in (("component", "list_components"), ("image", "list_images"), ("workflow", "list_workflows")):
        rows = getattr(builder, owners)(owner="Amazon", maxResults=100)[f"{noun}VersionList"]
        assert rows
        assert {row["owner"] for row in rows} == {"Amazon"}
        for row in rows:
            member = f"{noun}BuildVersionArn"
            got = getattr(builder, f"get_{noun}")(**{member: row["arn"]})
            assert got[noun]["arn"].rpartition("/")[0] == row["arn"]
            assert got[noun]["tags"] == {}
            builds = getattr(builder, f"list_{noun}_build_versions")(**{f"{noun}VersionArn": row["arn"]})
            assert [each["arn"] for each in builds[f"{noun}SummaryList"]] == [got[noun]["arn"]]


def test_pages_of_the_house_s_end(builder):
    whole = builder.list_components(owner="Amazon", maxResults=100)["componentVersionList"]
    pages = builder.get_paginator("list_components").paginate(owner="Amazon", PaginationConfig={"PageSize": 3})
    rows = [row for page in pages for row in page["componentVersionList"]]
    assert rows == whole
    named = builder.list_components(owner="Amazon", byName=True, maxResults=100)["componentVersionList"]
    assert sorted({row["name"] for row in whole}) == sorted(row["name"] for row in named)
    nginx = builder.list_components(owner="Amazon", filters=[{"name": "name", "values": ["ngin*"]}])
    assert {row["name"] for row in nginx["componentVersionList"]} == {"nginx"}


@pytest.mark.parametrize("version", ["x.x.x", "12.x.x", "12.0.x", "12.0.0", "12.0.0/1"])
def test_an_image_is_found_by_every_form_of_its_version(builder, version):
    got = builder.get_image(imageBuildVersionArn=f"{HEAD}:image/debian-12-x86/{version}")
    assert got["image"]["arn"] == f"{HEAD}:image/debian-12-x86/12.0.0/1"
    assert got["image"]["osVersion"] == "Debian 12"
    assert got["image"]["imageSource"] == "AMAZON_MANAGED"
    assert got["latestVersionReferences"]["latestMajorVersionArn"] == f"{HEAD}:image/debian-12-x86/12.x.x"


def test_a_managed_workflow_has_its_latest_version_only(builder):
    got = builder.get_workflow(workflowBuildVersionArn=f"{HEAD}:workflow/build/build-image/x.x.x")
    assert got["latestVersionReferences"] == {"latestVersionArn": f"{HEAD}:workflow/build/build-image/x.x.x"}
    assert got["workflow"]["type"] == "BUILD"


def test_they_are_nobody_s_to_change(builder, refusal):
    nginx = builder.get_component(componentBuildVersionArn=f"{HEAD}:component/nginx/x.x.x")["component"]["arn"]
    image = f"{HEAD}:image/debian-12-x86/12.0.0/1"
    workflow = builder.get_workflow(workflowBuildVersionArn=f"{HEAD}:workflow/build/build-image/x.x.x")
    for method, asked in (
        (builder.delete_component, {"componentBuildVersionArn": nginx}),
        (builder.delete_workflow, {"workflowBuildVersionArn": workflow["workflow"]["arn"]}),
        (builder.delete_image, {"imageBuildVersionArn": image}),
        (builder.cancel_image_creation, {"imageBuildVersionArn": image}),
        (builder.retry_image, {"imageBuildVersionArn": image}),
        (builder.start_resource_state_update, {"resourceArn": image, "state": {"status": "DISABLED"}}),
        (builder.tag_resource, {"resourceArn": nginx, "tags": {"a": "b"}}),
        (builder.untag_resource, {"resourceArn": image, "tagKeys": ["a"]}),
    ):
        assert refusal(method, **asked) == "ResourceNotFoundException", asked


@pytest.mark.parametrize(
    "arn",
    [
        f"{HEAD}:component/nginx/99.x.x",
        f"{HEAD}:component/no-such-thing/x.x.x",
        f"{HEAD}-marketplace:component/nginx/x.x.x",
        "arn:aws:imagebuilder:eu-south-9:aws:component/nginx/x.x.x",
        "arn:aws-us-gov:imagebuilder:us-east-1:aws:component/nginx/x.x.x",
        "arn:aws:imagebuilder:us-east-1:third-party:component/nginx/x.x.x",
    ],
)
def test_others_are_not_there(builder, arn):
    assert told(builder.get_component, componentBuildVersionArn=arn)[0] == "ResourceNotFoundException"


def test_they_are_used_from_recipes(builder):
    used = [{"componentArn": f"{HEAD}:component/nginx/x.x.x"}]
    make(builder, "uses the house", components=used, parentImage=f"{HEAD}:image/debian-12-x86/x.x.x")


def test_owners_whose_things_are_not_sold_here_have_none(builder):
    for owner in ("ThirdParty", "AWSMarketplace"):
        assert builder.list_components(owner=owner)["componentVersionList"] == []
        assert builder.list_images(owner=owner)["imageVersionList"] == []
