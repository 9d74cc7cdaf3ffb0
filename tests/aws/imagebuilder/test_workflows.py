"""Workflows: documents of a type, their builds counted."""

from __future__ import annotations

import pytest

from tests.aws.imagebuilder.documents import WORKFLOW
from tests.aws.imagebuilder.test_recipes import told

ARN = "workflowBuildVersionArn"


def make(builder, name, version="1.0.0", data=WORKFLOW, **more):
    return builder.create_workflow(name=name, semanticVersion=version, type="BUILD", data=data, **more)[ARN]


def test_a_workflow_s_type_is_in_its_arn_and_its_builds_are_counted(builder):
    first = make(builder, "Counted Builds", tags={"a": "b"}, changeDescription="the first")
    second = make(builder, "Counted Builds", data=WORKFLOW.replace("MakeImage", "MakeAnImage"))
    assert first.endswith("workflow/build/counted-builds/1.0.0/1")
    assert second.endswith("workflow/build/counted-builds/1.0.0/2")
    got = builder.get_workflow(workflowBuildVersionArn=first)
    workflow = got["workflow"]
    assert (workflow["name"], workflow["version"], workflow["type"]) == ("Counted Builds", "1.0.0", "BUILD")
    assert workflow["data"] == WORKFLOW
    assert workflow["changeDescription"] == "the first"
    assert workflow["tags"] == {"a": "b"}
    assert workflow["parameters"] == []
    assert "state" not in workflow
    assert got["latestVersionReferences"]["latestVersionArn"].endswith("workflow/build/counted-builds/x.x.x")
    assert got["latestVersionReferences"]["latestPatchVersionArn"].endswith("workflow/build/counted-builds/1.0.0")
    for open_ in ("1.0.0", "1.0.x", "x.x.x"):
        arn = first.replace("1.0.0/1", open_)
        assert builder.get_workflow(workflowBuildVersionArn=arn)["workflow"]["arn"] == second
    rows = builder.list_workflow_build_versions(workflowVersionArn=first.rpartition("/")[0])["workflowSummaryList"]
    assert [row["arn"] for row in rows] == [first, second]


def test_the_same_text_again_is_refused(builder, refusal):
    make(builder, "said-twice")
    again = {"name": "said-twice", "semanticVersion": "1.0.0", "type": "BUILD", "data": WORKFLOW}
    assert refusal(builder.create_workflow, **again) == "ResourceAlreadyExistsException"
    assert make(builder, "said-twice", "1.0.1").endswith("1.0.1/1")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"data": "steps: []"}, "InvalidRequestException"),
        ({"data": "[" * 9000}, "InvalidRequestException"),
        ({"data": WORKFLOW.replace("LaunchInstance", "LaunchRocket")}, "InvalidRequestException"),
        ({"data": WORKFLOW + "x" * 16_000}, "InvalidRequestException"),
        ({"data": None}, "InvalidParameterCombinationException"),
        ({"uri": "s3://bucket/key"}, "InvalidParameterCombinationException"),
        ({"data": None, "uri": "file:///etc/passwd"}, "InvalidRequestException"),
        ({"data": None, "uri": "s3://nobody-has-this-bucket/key"}, "InvalidRequestException"),
        ({"semanticVersion": "1.0.x"}, "InvalidVersionNumberException"),
        ({"semanticVersion": "1.0.0/1"}, "InvalidVersionNumberException"),
        ({"type": "DEPLOY"}, "InvalidRequestException"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_no_workflow_is_refused(builder, refusal, wrong, code):
    asked = {"name": "refused", "semanticVersion": "1.0.0", "type": "BUILD", "data": WORKFLOW, **wrong}
    given = {name: value for name, value in asked.items() if value}
    assert refusal(builder.create_workflow, **given) == code


def test_lists_of_workflows_have_their_own_owners(builder, refusal):
    make(builder, "listed", description="find me")
    rows = builder.list_workflows(filters=[{"name": "description", "values": ["find me"]}])["workflowVersionList"]
    assert [(row["name"], row["version"]) for row in rows] == [("listed", "1.0.0")]
    assert builder.list_workflows(owner="AWSMarketplace")["workflowVersionList"] == []
    for owner in ("Shared", "ThirdParty", "Nobody"):
        assert refusal(builder.list_workflows, owner=owner) == "InvalidRequestException"
    make(builder, "listed", "1.2.0")
    make(builder, "listed", "1.10.0")
    named = builder.list_workflows(byName=True, filters=[{"name": "name", "values": ["listed"]}])
    assert [row["version"] for row in named["workflowVersionList"]] == ["1.10.0"]


def test_a_workflow_s_arn_needs_its_type(builder):
    arn = make(builder, "typed")
    wrong = arn.replace("workflow/build/", "workflow/test/")
    assert told(builder.get_workflow, workflowBuildVersionArn=wrong)[0] == "ResourceNotFoundException"
    assert told(builder.delete_workflow, workflowBuildVersionArn=wrong)[0] == "ResourceNotFoundException"
    assert told(builder.get_workflow, workflowBuildVersionArn=arn.replace("/build/", "/"))[0] == "InvalidRequestException"  # fmt: skip
