"""Components: builds counted, the newest found, what is used kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.imagebuilder.documents import COMPONENT, POLICY, TEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.conftest import Served

ARN = "componentBuildVersionArn"


def make(builder: Any, name: str, version: str = "1.0.0", data: str = COMPONENT, **more: Any) -> str:
    made = builder.create_component(name=name, semanticVersion=version, platform="Linux", data=data, **more)
    return str(made[ARN])


def test_the_same_version_with_another_text_is_the_next_build(builder: Any) -> None:
    first = make(builder, "Counted Builds")
    second = make(builder, "Counted Builds", data=COMPONENT.replace("hello", "goodbye"))
    assert first.endswith("component/counted-builds/1.0.0/1")
    assert second.endswith("component/counted-builds/1.0.0/2")
    listed = builder.list_component_build_versions(componentVersionArn=first.rpartition("/")[0])
    assert [each["arn"] for each in listed["componentSummaryList"]] == [first, second]


def test_the_same_text_again_is_refused(builder: Any, refusal: Callable[..., str]) -> None:
    make(builder, "said-twice")
    again = {"name": "said-twice", "semanticVersion": "1.0.0", "platform": "Linux", "data": COMPONENT}
    assert refusal(builder.create_component, **again) == "ResourceAlreadyExistsException"


def test_a_client_token_makes_one_component(builder: Any, refusal: Callable[..., str]) -> None:
    first = make(builder, "token", clientToken="t-1")
    assert make(builder, "token", clientToken="t-1") == first
    other = {"name": "token", "semanticVersion": "2.0.0", "platform": "Linux", "data": COMPONENT, "clientToken": "t-1"}
    assert refusal(builder.create_component, **other) == "IdempotentParameterMismatchException"


@pytest.mark.parametrize(
    ("wildcard", "found"), [("x.x.x", "2.2.4"), ("1.x.x", "1.7.8"), ("1.6.x", "1.6.8"), ("1.6.8", "1.6.8")]
)
def test_a_wildcard_is_the_highest_version_that_fits(builder: Any, wildcard: str, found: str) -> None:
    name = f"wild-{wildcard.replace('.', '-')}"
    for version in ("1.6.8", "1.7.8", "2.2.4"):
        arn = make(builder, name, version)
    head = arn.rpartition("/")[0].rpartition("/")[0]
    got = builder.get_component(componentBuildVersionArn=f"{head}/{wildcard}")
    assert got["component"]["arn"] == f"{head}/{found}/1"
    assert got["latestVersionReferences"]["latestVersionArn"] == f"{head}/x.x.x"


def test_what_a_document_says_is_told(builder: Any) -> None:
    component = builder.get_component(componentBuildVersionArn=make(builder, "told", tags={"team": "web"}))["component"]
    assert component["type"] == "BUILD"
    assert component["data"] == COMPONENT
    assert component["parameters"] == [
        {"name": "Whom", "type": "String", "defaultValue": ["world"], "description": "who is greeted"}
    ]
    assert component["tags"] == {"team": "web"}
    tested = builder.get_component(componentBuildVersionArn=make(builder, "a-test", data=TEST))["component"]
    assert tested["type"] == "TEST"


def test_a_fault_is_told_with_its_place(builder: Any) -> None:
    broken = COMPONENT.replace("ExecuteBash", "ExecuteBsh")
    with pytest.raises(ClientError) as refused:
        make(builder, "broken", data=broken)
    assert "broken:9:17" in str(refused.value)
    assert "ExecuteBash" in str(refused.value)


@pytest.mark.parametrize("version", ["1.0.x", "1.0", "a.b.c", "1.0.0.0", "1.0.1073741824"])
def test_a_version_must_be_three_numbers(builder: Any, refusal: Callable[..., str], version: str) -> None:
    asked = {"name": "versions", "semanticVersion": version, "platform": "Linux", "data": COMPONENT}
    assert refusal(builder.create_component, **asked) == "InvalidVersionNumberException"


def test_a_document_may_have_any_number_of_brackets_in_its_texts(builder: Any) -> None:
    coloured = COMPONENT.replace("echo hello", "printf '" + r"\033[1m*" * 100 + "';" + " echo '\\\"'; echo hello")
    arn = make(builder, "coloured", data=coloured)
    assert builder.get_component(componentBuildVersionArn=arn)["component"]["data"] == coloured


@pytest.mark.parametrize("bracket", ["[", "{", "- ", "a: {", "&a [*a, "])
def test_a_document_that_is_nested_without_end_is_refused(
    builder: Any, refusal: Callable[..., str], bracket: str
) -> None:
    asked = {"name": "nested", "semanticVersion": "1.0.0", "platform": "Linux", "data": (bracket * 16_000)[:16_000]}
    assert refusal(builder.create_component, **asked) == "InvalidRequestException"


def test_data_and_uri_together_are_refused(builder: Any, refusal: Callable[..., str]) -> None:
    asked = {"name": "both", "semanticVersion": "1.0.0", "platform": "Linux", "data": COMPONENT, "uri": "s3://a/b"}
    assert refusal(builder.create_component, **asked) == "InvalidParameterCombinationException"


def test_a_dry_run_makes_nothing(builder: Any) -> None:
    with pytest.raises(ClientError) as told:
        make(builder, "dry", dryRun=True)
    assert told.value.response["Error"]["Code"] == "DryRunOperationException"
    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    named = builder.list_components(filters=[{"name": "name", "values": ["dry"]}])
    assert named["componentVersionList"] == []


def test_a_deleted_build_s_number_is_not_given_again(builder: Any) -> None:
    first = make(builder, "gone")
    builder.delete_component(componentBuildVersionArn=first)
    assert builder.list_components(filters=[{"name": "name", "values": ["gone"]}])["componentVersionList"] == []
    assert make(builder, "gone").endswith("/2")


def test_a_used_component_is_kept_and_its_users_named(builder: Any) -> None:
    component = make(builder, "used")
    recipe = builder.create_image_recipe(
        name="uses it", semanticVersion="1.0.0", parentImage="debian/12", components=[{"componentArn": component}]
    )["imageRecipeArn"]
    with pytest.raises(ClientError) as refused:
        builder.delete_component(componentBuildVersionArn=component)
    assert refused.value.response["Error"]["Code"] == "ResourceDependencyException"
    assert recipe in str(refused.value)
    builder.delete_image_recipe(imageRecipeArn=recipe)
    builder.delete_component(componentBuildVersionArn=component)


def test_an_open_reference_needs_the_last_that_fits_only(builder: Any, refusal: Callable[..., str]) -> None:
    old, new = make(builder, "open", "1.0.0"), make(builder, "open", "1.1.0")
    head = old.rpartition("/")[0].rpartition("/")[0]
    builder.create_image_recipe(
        name="open-recipe",
        semanticVersion="1.0.0",
        parentImage="debian/12",
        components=[{"componentArn": f"{head}/x.x.x"}],
    )
    builder.delete_component(componentBuildVersionArn=new)
    assert refusal(builder.delete_component, componentBuildVersionArn=old) == "ResourceDependencyException"


def test_lists_by_name_owner_and_page(served: Served) -> None:
    builder = served.client("imagebuilder", account="lister")
    for version in ("1.0.0", "1.1.0"):
        for name in ("alpha", "beta"):
            make(builder, name, version)
    rows = builder.list_components()["componentVersionList"]
    assert [(each["name"], each["version"]) for each in rows] == [
        ("alpha", "1.0.0"), ("beta", "1.0.0"), ("alpha", "1.1.0"), ("beta", "1.1.0"),
    ]  # fmt: skip
    newest = builder.list_components(byName=True)["componentVersionList"]
    assert [(each["name"], each["version"]) for each in newest] == [("alpha", "1.1.0"), ("beta", "1.1.0")]
    pages = builder.get_paginator("list_components").paginate(PaginationConfig={"PageSize": 3})
    assert [len(page["componentVersionList"]) for page in pages] == [3, 1]
    amazon = builder.list_components(owner="Amazon", maxResults=100)["componentVersionList"]
    assert "nginx" in {each["name"] for each in amazon}
    assert {each["owner"] for each in amazon} == {"Amazon"}


def test_a_page_s_token_is_for_its_question_only(builder: Any, refusal: Callable[..., str]) -> None:
    make(builder, "paged-1")
    make(builder, "paged-2")
    token = builder.list_components(maxResults=1)["nextToken"]
    assert refusal(builder.list_components, nextToken=token, byName=True) == "InvalidPaginationTokenException"
    assert refusal(builder.list_components, nextToken="nonsense") == "InvalidPaginationTokenException"


def test_by_name_and_a_version_do_not_go_together(builder: Any, refusal: Callable[..., str]) -> None:
    asked = {"byName": True, "filters": [{"name": "version", "values": ["1.0.0"]}]}
    assert refusal(builder.list_components, **asked) in {
        "InvalidParameterCombinationException",
        "InvalidRequestException",
    }


def test_what_is_shared_is_seen_and_read_only(served: Served, refusal: Callable[..., str]) -> None:
    owner, other = served.client("imagebuilder", account="sharer"), served.client("imagebuilder", account="reader")
    arn = make(owner, "shared thing")
    assert refusal(other.get_component, componentBuildVersionArn=arn) == "ResourceNotFoundException"
    owner.put_component_policy(componentArn=arn, policy=POLICY % served.account_id("reader"))
    assert other.get_component(componentBuildVersionArn=arn)["component"]["owner"] == served.account_id("sharer")
    assert other.list_components()["componentVersionList"] == []
    rows = other.list_components(owner="Shared")["componentVersionList"]
    assert [each["name"] for each in rows] == ["shared thing"]
    assert refusal(other.delete_component, componentBuildVersionArn=arn) == "ResourceNotFoundException"
    assert refusal(owner.delete_component, componentBuildVersionArn=arn) == "ResourceDependencyException"
    owner.put_component_policy(componentArn=arn, policy=POLICY % "123456789012")
    assert refusal(other.get_component, componentBuildVersionArn=arn) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "policy",
    ["{}", "nonsense", POLICY % "nobody", POLICY.replace("Allow", "Deny") % "1" * 12, POLICY.replace("Get", "Delete")],
)
def test_a_policy_that_shares_nothing_readable_is_refused(
    builder: Any, refusal: Callable[..., str], policy: str
) -> None:
    arn = make(builder, f"policy-{abs(hash(policy))}")
    asked = {"componentArn": arn, "policy": policy}
    assert refusal(builder.put_component_policy, **asked) == "InvalidParameterValueException"


def test_an_account_has_a_quota(fresh: Served, refusal: Callable[..., str]) -> None:
    fresh.cloud.settings = fresh.cloud.settings.model_copy(update={"quotas": {"component": 1}})
    builder = fresh.client("imagebuilder")
    make(builder, "the-first")
    make(builder, "the-first", data=TEST)
    asked = {"name": "the-second", "semanticVersion": "1.0.0", "platform": "Linux", "data": COMPONENT}
    with pytest.raises(ClientError) as refused:
        builder.create_component(**asked)
    assert refused.value.response["Error"]["Code"] == "ServiceQuotaExceededException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 402
