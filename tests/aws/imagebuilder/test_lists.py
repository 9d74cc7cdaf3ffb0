"""Lists: in pages, by owner, by name and by every filter."""

from __future__ import annotations

import pytest

from tests.aws.imagebuilder.documents import TEST, WORKFLOW
from tests.aws.imagebuilder.test_configurations import distribution, infrastructure
from tests.aws.imagebuilder.test_recipes import component, container, make, told

LISTS = {
    "list_components": "componentVersionList",
    "list_component_build_versions": "componentSummaryList",
    "list_workflows": "workflowVersionList",
    "list_workflow_build_versions": "workflowSummaryList",
    "list_image_recipes": "imageRecipeSummaryList",
    "list_container_recipes": "containerRecipeSummaryList",
    "list_infrastructure_configurations": "infrastructureConfigurationSummaryList",
    "list_distribution_configurations": "distributionConfigurationSummaryList",
    "list_image_pipelines": "imagePipelineList",
    "list_images": "imageVersionList",
    "list_image_build_versions": "imageSummaryList",
    "list_lifecycle_policies": "lifecyclePolicySummaryList",
    "list_waiting_workflow_steps": "steps",
    "list_image_scan_findings": "findings",
}
UNFILTERED = ("list_component_build_versions", "list_workflow_build_versions", "list_waiting_workflow_steps")


def by(name, *values):
    return {"filters": [{"name": name, "values": list(values)}]}


def named(rows):
    return [row["name"] for row in rows]


@pytest.fixture(scope="module")
def lister(served):
    """A client whose account has 26 infrastructures and three of the kinds that lists tell apart."""
    builder = served.client("imagebuilder", account="lister")
    for number in range(26):
        infrastructure(builder, f"infra {number:02}")
    for name, more in (
        ("web server", {"description": "serves", "supportedOsVersions": ["Debian 12"]}),
        ("web_proxy", {"data": TEST}),
        ("database", {"platform": "Windows", "supportedOsVersions": ["Microsoft Windows Server 2022"]}),
    ):
        for version in ("1.9.0", "1.10.0", "2.0.0"):
            component(builder, name, semanticVersion=version, **more)
    return builder


@pytest.mark.parametrize("method", LISTS)
def test_an_empty_list_is_one_page_of_none(of_account, method):
    client = of_account("nobody")
    answer = getattr(client, method)()
    assert answer[LISTS[method]] == []
    assert "nextToken" not in answer
    for wrong in (0, 101, -1, 10**12):
        assert told(getattr(client, method), maxResults=wrong)[0] == "InvalidRequestException"
    for wrong in ("nonsense", "x" * 60_000, "é"):
        assert told(getattr(client, method), nextToken=wrong)[0] == "InvalidPaginationTokenException"
    assert told(getattr(client, method), nextToken="")[0] == "InvalidRequestException"


@pytest.mark.parametrize("method", [each for each in LISTS if each not in UNFILTERED])
def test_filters_have_names_that_the_list_knows(of_account, method):
    ask = getattr(of_account("nobody"), method)
    wrong = ([{"name": "nothing", "values": ["x"]}], [{"name": "tag:x", "values": ["x"]}], [{"values": ["x"]}], [])
    for filters in wrong:
        assert told(ask, filters=filters)[0] == "InvalidRequestException"
    if method != "list_image_scan_findings":
        assert ask(**by("name", "x"))[LISTS[method]] == []
        assert told(ask, **by("name", *("x",) * 11))[0] == "InvalidRequestException"
        assert told(ask, filters=by("name", "x")["filters"] * 11)[0] == "InvalidRequestException"
        assert told(ask, **by("name", "x?"))[0] == "InvalidRequestException"


def test_a_page_has_25_unless_it_is_said(lister):
    first = lister.list_infrastructure_configurations()
    rows = first["infrastructureConfigurationSummaryList"]
    assert len(rows) == 25
    rest = lister.list_infrastructure_configurations(nextToken=first["nextToken"])
    assert named(rows + rest["infrastructureConfigurationSummaryList"]) == [f"infra {n:02}" for n in range(26)]
    assert "nextToken" not in rest
    assert "nextToken" not in lister.list_infrastructure_configurations(maxResults=26)
    assert len(lister.list_infrastructure_configurations(maxResults=100)["infrastructureConfigurationSummaryList"]) == 26  # fmt: skip


def test_a_token_is_for_one_account_list_and_question(lister, of_account):
    token = lister.list_infrastructure_configurations(maxResults=1)["nextToken"]
    other = of_account("another")
    asked = (
        (other.list_infrastructure_configurations, {}),
        (lister.list_distribution_configurations, {}),
        (lister.list_infrastructure_configurations, by("name", "infra*")),
    )
    for method, more in asked:
        assert told(method, nextToken=token, **more)[0] == "InvalidPaginationTokenException"
    again = lister.list_infrastructure_configurations(nextToken=token, maxResults=2)
    assert named(again["infrastructureConfigurationSummaryList"]) == ["infra 01", "infra 02"]


def test_what_is_made_or_deleted_between_pages_moves_no_row(of_account):
    client = of_account("mover")
    arns = [infrastructure(client, f"row {number}") for number in range(4)]
    first = client.list_infrastructure_configurations(maxResults=2)
    client.delete_infrastructure_configuration(infrastructureConfigurationArn=arns[0])
    client.delete_infrastructure_configuration(infrastructureConfigurationArn=arns[1])
    infrastructure(client, "row 4")
    rest = client.list_infrastructure_configurations(nextToken=first["nextToken"])
    assert named(rest["infrastructureConfigurationSummaryList"]) == ["row 2", "row 3", "row 4"]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["web server"], {"web server"}),
        (["web*"], {"web server", "web_proxy"}),
        (["*e*"], {"web server", "web_proxy", "database"}),
        (["*base*"], {"database"}),
        (["Web*"], set()),
        (["web-server"], set()),
        (["web server", "database"], {"web server", "database"}),
        (["*"], {"web server", "web_proxy", "database"}),
        (["*server"], set()),
    ],
    ids=str,
)
def test_names_are_held_against_wildcards_and_their_case(lister, values, found):
    rows = lister.list_components(**by("name", *values))["componentVersionList"]
    assert set(named(rows)) == found
    assert len(rows) == 3 * len(found)


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("description", "serves", {"web server"}),
        ("platform", "Windows", {"database"}),
        ("type", "TEST", {"web_proxy"}),
        ("status", "ACTIVE", {"web server", "web_proxy", "database"}),
        ("supportedOsVersion", "Debian 12", {"web server"}),
        ("productCodes", "none", set()),
    ],
)
def test_components_are_filtered(lister, name, value, found):
    assert set(named(lister.list_components(**by(name, value), maxResults=100)["componentVersionList"])) == found


def test_all_filters_hold_and_of_each_any_value(lister):
    both = by("version", "1.9.0", "2.0.0")["filters"] + by("platform", "Linux")["filters"]
    rows = lister.list_components(filters=both)["componentVersionList"]
    assert {(row["name"], row["version"]) for row in rows} == {
        (name, version) for name in ("web server", "web_proxy") for version in ("1.9.0", "2.0.0")
    }
    narrow = by("name", "web*")["filters"] + by("name", "*proxy*")["filters"]
    assert set(named(lister.list_components(filters=narrow)["componentVersionList"])) == {"web_proxy"}


def test_by_name_is_the_newest_version_by_number(lister):
    rows = lister.list_components(byName=True)["componentVersionList"]
    assert [(row["name"], row["version"]) for row in rows] == [
        ("web server", "2.0.0"), ("web_proxy", "2.0.0"), ("database", "2.0.0")
    ]  # fmt: skip
    newest = lister.list_components(byName=True, **by("name", "database"))["componentVersionList"][0]
    lister.delete_component(componentBuildVersionArn=f"{newest['arn']}/1")
    rows = lister.list_components(byName=True, **by("name", "database"))["componentVersionList"]
    assert [row["version"] for row in rows] == ["1.10.0"]
    component(lister, "database", semanticVersion="1.2.0", platform="Windows")
    assert lister.list_components(byName=True, **by("name", "database"))["componentVersionList"] == rows
    component(lister, "database", semanticVersion="2.0.0", platform="Windows")
    rows = lister.list_components(byName=True, **by("name", "database"))["componentVersionList"]
    assert [row["version"] for row in rows] == ["2.0.0"]
    pages = lister.get_paginator("list_components").paginate(byName=True, PaginationConfig={"PageSize": 1})
    assert sorted(row["name"] for page in pages for row in page["componentVersionList"]) == [
        "database", "web server", "web_proxy"
    ]  # fmt: skip


def test_builds_are_of_one_version_open_or_not_and_of_this_region(builder, served):
    first, second, third = (component(builder, "built", semanticVersion=v) for v in ("1.0.0", "1.1.0", "2.0.0"))
    component(builder, "built-too")
    head = first.rsplit("/", 2)[0]

    def of(version, **more):
        asked = f"{head}/{version}"
        for old, new in more.items():
            asked = asked.replace(old.replace("_", "-"), new)
        return [row["arn"] for row in builder.list_component_build_versions(componentVersionArn=asked)["componentSummaryList"]]  # fmt: skip

    assert of("1.0.0") == [first]
    assert of("3.0.0") == []
    assert of("1.0.0", us_east_1="us-west-2") == []
    assert of("1.0.0", **{"arn:aws:": "arn:aws-cn:"}) == []
    assert of("1.0.0", **{served.account_id(): "123456789012"}) == []
    everything = builder.list_component_build_versions(maxResults=100)["componentSummaryList"]
    assert {first, second, third} < {row["arn"] for row in everything}


def test_recipes_are_filtered(of_account):
    client = of_account("recipes")
    make(client, "one", parentImage="debian/12")
    make(client, "two", parentImage="debian/11")
    container(client, "three")
    rows = client.list_image_recipes(**by("parentImage", "debian/11"))["imageRecipeSummaryList"]
    assert named(rows) == ["two"]
    assert named(client.list_image_recipes(**by("platform", "Linux"))["imageRecipeSummaryList"]) == ["one", "two"]
    for name, value in (("containerType", "DOCKER"), ("parentImage", "debian:12"), ("platform", "Linux")):
        assert named(client.list_container_recipes(**by(name, value))["containerRecipeSummaryList"]) == ["three"]
    assert client.list_container_recipes(owner="Amazon")["containerRecipeSummaryList"] == []
    for owner in ("ThirdParty", "AWSMarketplace"):
        assert told(client.list_container_recipes, owner=owner)[0] == "InvalidRequestException"
        assert client.list_image_recipes(owner=owner)["imageRecipeSummaryList"] == []


def test_pipelines_are_filtered_and_told_in_full(of_account, parts):
    client = of_account("pipelines")
    one = {**parts(client, "one"), "distributionConfigurationArn": distribution(client, "one")}
    client.create_image_pipeline(name="pipeline one", description="the one", status="DISABLED", **one)
    client.create_image_pipeline(name="pipeline two", **parts(client, "two"))
    for name, value in {**one, "description": "the one", "status": "DISABLED", "name": "pipeline o*"}.items():
        rows = client.list_image_pipelines(**by(name, value))["imagePipelineList"]
        assert named(rows) == ["pipeline one"]
    assert rows[0] == client.get_image_pipeline(imagePipelineArn=rows[0]["arn"])["imagePipeline"]


def test_images_are_filtered_and_listed_by_version_and_build(of_account, parts, reach):
    client = of_account("images")
    made = [parts(client, name, version) for name, version in (("a", "1.0.0"), ("b", "1.0.0"), ("b2", "1.9.0"))]
    arns = [client.create_image(**each)["imageBuildVersionArn"] for each in (*made, made[0])]
    reach(arns[0], "AVAILABLE", "images", osVersion="Debian 12")
    rows = client.list_images()["imageVersionList"]
    assert [(row["name"], row["version"]) for row in rows] == [
        ("a recipe", "1.0.0"), ("b recipe", "1.0.0"), ("b2 recipe", "1.9.0")
    ]  # fmt: skip
    assert "state" not in rows[0]
    for name, value, count in (("type", "AMI", 3), ("type", "DOCKER", 0), ("platform", "Linux", 3), ("version", "1.9.0", 1), ("version", "1.x.x", 3), ("version", "2.x.x", 0)):  # fmt: skip
        assert len(client.list_images(**by(name, value))["imageVersionList"]) == count, (name, value)
    builds = client.list_image_build_versions(imageVersionArn=arns[0].rpartition("/")[0])["imageSummaryList"]
    assert [(row["version"], row["state"]["status"]) for row in builds] == [
        ("1.0.0/1", "AVAILABLE"), ("1.0.0/2", "PENDING")
    ]  # fmt: skip
    every = client.list_image_build_versions()["imageSummaryList"]
    assert [row["arn"] for row in every] == arns
    debian = client.list_image_build_versions(**by("osVersion", "Debian 12"))["imageSummaryList"]
    assert [row["arn"] for row in debian] == arns[:1]
    assert told(client.list_images, byName=True, **by("version", "1.0.0"))[1] == (
        "You cannot list Images by name and filter by version in the same request."
    )


def test_a_pipeline_s_images_are_filtered_and_paged(of_account, parts):
    client = of_account("piped")
    pipeline = client.create_image_pipeline(name="piped", **parts(client, "piped"))["imagePipelineArn"]
    arns = [client.start_image_pipeline_execution(imagePipelineArn=pipeline)["imageBuildVersionArn"] for _ in range(3)]
    pages = client.get_paginator("list_image_pipeline_images").paginate(
        imagePipelineArn=pipeline, PaginationConfig={"PageSize": 2}
    )
    assert [[row["arn"] for row in page["imageSummaryList"]] for page in pages] == [arns[:2], arns[2:]]
    for name, value, count in (("name", "piped recipe", 3), ("version", "1.0.0", 3), ("version", "1.0.0/2", 1), ("name", "x", 0)):  # fmt: skip
        rows = client.list_image_pipeline_images(imagePipelineArn=pipeline, **by(name, value))["imageSummaryList"]
        assert len(rows) == count


def test_workflows_are_filtered(of_account):
    client = of_account("workflows")
    for name in ("first", "second"):
        client.create_workflow(name=name, semanticVersion="1.0.0", type="BUILD", data=WORKFLOW, description=name)
    for filters, count in (
        (by("type", "BUILD"), 2),
        (by("type", "TEST"), 0),
        (by("name", "fir*"), 1),
        (by("description", "second"), 1),
        (by("version", "1.0.0"), 2),
    ):
        assert len(client.list_workflows(**filters)["workflowVersionList"]) == count
