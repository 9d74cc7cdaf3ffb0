"""Pipelines: replaced whole, of one kind of recipe, kept from naming what is not there."""

from __future__ import annotations

import pytest

from tests.aws.imagebuilder.documents import WORKFLOW
from tests.aws.imagebuilder.test_configurations import distribution
from tests.aws.imagebuilder.test_recipes import container, told

MANAGED = "arn:aws:imagebuilder:us-east-1:aws:workflow/build/build-image"


def make(builder, name, parts, **more):
    return builder.create_image_pipeline(name=name, **{**parts, **more})["imagePipelineArn"]


def get(builder, arn):
    return builder.get_image_pipeline(imagePipelineArn=arn)["imagePipeline"]


def test_a_pipeline_has_defaults(builder, parts):
    made = parts(builder, "default")
    pipeline = get(builder, make(builder, "defaults", made))
    assert pipeline["status"] == "ENABLED"
    assert pipeline["enhancedImageMetadataEnabled"] is True
    assert pipeline["imageTestsConfiguration"] == {"imageTestsEnabled": True, "timeoutMinutes": 720}
    assert pipeline["consecutiveFailures"] == 0
    assert pipeline["tags"] == {}
    assert pipeline["platform"] == "Linux"
    assert {name: pipeline[name] for name in made} == made
    assert not {"schedule", "distributionConfigurationArn", "workflows", "executionRole", "description"} & set(pipeline)


def test_an_update_takes_away_what_it_does_not_say(builder, parts):
    made = parts(builder, "updated")
    arn = make(
        builder,
        "updated",
        made,
        description="before",
        distributionConfigurationArn=distribution(builder, "updated"),
        schedule={"scheduleExpression": "cron(0 10 * * ? *)", "timezone": "Europe/Berlin"},
        status="DISABLED",
        executionRole="role",
        workflows=[{"workflowArn": f"{MANAGED}/x.x.x"}],
        imageTags={"a": "b"},
        imageTestsConfiguration={"imageTestsEnabled": False, "timeoutMinutes": 60},
        enhancedImageMetadataEnabled=False,
        tags={"kept": "yes"},
    )
    before = get(builder, arn)
    assert before["schedule"]["pipelineExecutionStartCondition"] == "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"
    assert before["schedule"]["timezone"] == "Europe/Berlin"
    builder.update_image_pipeline(imagePipelineArn=arn, **made)
    after = get(builder, arn)
    for name in ("description", "distributionConfigurationArn", "schedule", "executionRole", "workflows", "imageTags"):
        assert name not in after
    assert after["status"] == "ENABLED"
    assert after["imageTestsConfiguration"] == {"imageTestsEnabled": True, "timeoutMinutes": 720}
    assert after["enhancedImageMetadataEnabled"] is True
    assert after["tags"] == {"kept": "yes"}
    assert after["dateCreated"] == before["dateCreated"]
    rows = builder.list_image_pipelines(filters=[{"name": "name", "values": ["updated"]}])["imagePipelineList"]
    assert rows == [after]


def test_an_update_resets_the_failures_and_keeps_what_ran_last(builder, parts, served):
    made = parts(builder, "failing")
    arn = make(builder, "failing", made)
    with served.cloud.catalog(served.account_id(), "us-east-1") as catalog:
        pipeline = catalog.own("image-pipeline", arn)
        catalog.save(pipeline.having(consecutiveFailures=3, lastRunStatus="FAILED", dateLastRun=pipeline.document["dateCreated"]))  # fmt: skip
    assert get(builder, arn)["consecutiveFailures"] == 3
    builder.update_image_pipeline(imagePipelineArn=arn, **made)
    after = get(builder, arn)
    assert (after["consecutiveFailures"], after["lastRunStatus"]) == (0, "FAILED")
    assert after["dateLastRun"] == after["dateCreated"]


def test_a_pipeline_keeps_its_kind_of_recipe(builder, parts, refusal):
    made = parts(builder, "of one kind")
    arn = make(builder, "of one kind", made)
    other = {
        "containerRecipeArn": container(builder, "of another kind"),
        "infrastructureConfigurationArn": made["infrastructureConfigurationArn"],
    }
    assert refusal(builder.update_image_pipeline, imagePipelineArn=arn, **other) == "InvalidRequestException"
    assert (
        refusal(builder.update_image_pipeline, imagePipelineArn=arn, **{**other, **made}) == "InvalidRequestException"
    )
    arn = make(builder, "of the other kind", other)
    assert refusal(builder.update_image_pipeline, imagePipelineArn=arn, **made) == "InvalidRequestException"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"imageRecipeArn": None}, "Exactly one of imageRecipeArn and containerRecipeArn"),
        ({"imageRecipeArn": "arn:aws:imagebuilder:us-east-1:123456789012:image-recipe/x/1.0.0"}, "does not exist"),
        ({"imageRecipeArn": "arn:aws:imagebuilder:us-east-1:123456789012:image-recipe/x/x.1.x"}, "'imageRecipeArn'"),
        ({"imageRecipeArn": "arn:aws:imagebuilder:us-east-1:123456789012:component/x/1.0.0/1"}, "'imageRecipeArn'"),
        ({"infrastructureConfigurationArn": None}, "infrastructureConfigurationArn"),
        (
            {"distributionConfigurationArn": "arn:aws:imagebuilder:us-east-1:123456789012:distribution-configuration/x"},
            "does not exist",
        ),
        ({"schedule": {"scheduleExpression": "cron(0 10 * * * *)"}}, "schedule.scheduleExpression"),
        ({"schedule": {"scheduleExpression": "rate(1 hours)"}}, "schedule.scheduleExpression"),
        ({"schedule": {"timezone": "UTC"}}, "needs an expression"),
        ({"schedule": {"scheduleExpression": "rate(1 day)", "timezone": "Mars/Olympus"}}, "timezone"),
        (
            {"schedule": {"scheduleExpression": "rate(1 day)", "autoDisablePolicy": {"failureCount": 11}}},
            "failureCount",
        ),
        ({"imageTestsConfiguration": {"timeoutMinutes": 59}}, "timeoutMinutes"),
        ({"imageTestsConfiguration": {"timeoutMinutes": 1441}}, "timeoutMinutes"),
        ({"workflows": [{"workflowArn": f"{MANAGED}/x.x.x"}]}, "execution role"),
        ({"workflows": [{"workflowArn": f"{MANAGED}/1.0.0/1"}], "executionRole": "r"}, "must have latest version 'x.x.x'"),
        ({"workflows": [{"workflowArn": f"{MANAGED}-of-nobody/x.x.x"}], "executionRole": "r"}, "does not exist"),
        ({"workflows": [{"workflowArn": f"{MANAGED}/x.x.x"}] * 2, "executionRole": "r"}, "At most one BUILD workflow"),
        ({"workflows": [{"workflowArn": f"{MANAGED}/x.x.x"}] * 11, "executionRole": "r"}, "t most 10 workflows"),
        (
            {"imageScanningConfiguration": {"scanResultCondition": {"maximumSeverityLabel": "HIGH"}}},
            "needs the imageScanningTypes ON_DEMAND_AMI_CVE",
        ),
        (
            {
                "imageScanningConfiguration": {"imageScanningEnabled": True},
                "imageTestsConfiguration": {"imageTestsEnabled": False},
            },
            "only where tests are enabled",
        ),
        ({"loggingConfiguration": {"imageLogGroupName": "/mine"}}, "needs an executionRole"),
        ({"imageTags": {"aws:x": "y"}}, "imageTags"),
        ({"status": "PAUSED"}, "status"),
    ],
    ids=str,
)  # fmt: skip
def test_a_pipeline_that_could_not_run_is_refused(builder, parts, wrong, words):
    made = {**parts(builder, f"r{abs(hash(str(wrong)))}"), **wrong}
    code, said = told(builder.create_image_pipeline, name="refused", **{k: v for k, v in made.items() if v})
    assert code == "InvalidRequestException"
    assert words in said


def test_a_public_ami_has_no_watermarks(builder, parts):
    made = parts(builder, "marked", amiWatermarks=["golden"])
    public = {"amiDistributionConfiguration": {"launchPermission": {"userGroups": ["all"]}}}
    arn = distribution(builder, "public", {"region": "us-east-1", **public})
    for create in (builder.create_image, lambda **asked: builder.create_image_pipeline(name="marked", **asked)):
        code, said = told(create, **made, distributionConfigurationArn=arn)
        assert code == "InvalidRequestException"
        assert "watermarks cannot be public" in said


def test_75_pipelines_or_as_many_as_an_operator_says(fresh, parts):
    builder = fresh.client("imagebuilder")
    made = parts(builder, "counted")
    fresh.cloud.settings = fresh.cloud.settings.model_copy(update={"quotas": {"image-pipeline": 2}})
    first = make(builder, "the first", made)
    make(builder, "the second", made)
    code, said = told(make, builder, "the third", made)
    assert code == "ServiceQuotaExceededException"
    assert "ImagePipelines: 2" in said
    builder.delete_image_pipeline(imagePipelineArn=first)
    make(builder, "the third", made)


def test_a_deleted_pipeline_leaves_its_images(builder, parts):
    arn = make(builder, "short-lived", parts(builder, "short-lived"))
    image = builder.start_image_pipeline_execution(imagePipelineArn=arn)["imageBuildVersionArn"]
    assert builder.delete_image_pipeline(imagePipelineArn=arn)["imagePipelineArn"] == arn
    assert builder.get_image(imageBuildVersionArn=image)["image"]["sourcePipelineArn"] == arn
    assert told(builder.start_image_pipeline_execution, imagePipelineArn=arn)[0] == "ResourceNotFoundException"


def test_a_pipeline_is_started_once_for_a_token_even_when_it_is_disabled(builder, parts):
    arn = make(builder, "started", parts(builder, "started"), status="DISABLED", imageTags={"of": "scheduled runs"})
    asked = {"imagePipelineArn": arn, "tags": {"of": "this run"}, "clientToken": "start-once"}
    first = builder.start_image_pipeline_execution(**asked)
    assert builder.start_image_pipeline_execution(**asked)["imageBuildVersionArn"] == first["imageBuildVersionArn"]
    assert first["clientToken"] == "start-once"
    code, _ = told(builder.start_image_pipeline_execution, **{**asked, "tags": {"of": "another run"}})
    assert code == "IdempotentParameterMismatchException"
    image = builder.get_image(imageBuildVersionArn=first["imageBuildVersionArn"])["image"]
    assert image["tags"] == {"of": "this run"}
    assert image["buildType"] == "USER_INITIATED"
    assert get(builder, arn)["lastRunStatus"] == "PENDING"
    rows = builder.list_image_pipeline_images(imagePipelineArn=arn)["imageSummaryList"]
    assert [row["arn"] for row in rows] == [image["arn"]]
    assert rows[0]["tags"] == {"of": "this run"}


def test_an_unknown_pipeline_has_no_images(builder):
    arn = "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/nobody-s"
    assert builder.list_image_pipeline_images(imagePipelineArn=arn)["imageSummaryList"] == []


def test_a_workflow_is_kept_while_a_pipeline_names_it(builder, parts):
    workflow = builder.create_workflow(name="kept", semanticVersion="1.0.0", type="BUILD", data=WORKFLOW)
    arn = workflow["workflowBuildVersionArn"]
    made = parts(builder, "with a workflow")
    pipeline = make(
        builder,
        "with a workflow",
        made,
        executionRole="role",
        workflows=[{"workflowArn": arn.replace("1.0.0/1", "x.x.x")}],
    )
    code, said = told(builder.delete_workflow, workflowBuildVersionArn=arn)
    assert code == "ResourceDependencyException"
    assert pipeline in said
    builder.update_image_pipeline(imagePipelineArn=pipeline, **made)
    assert builder.delete_workflow(workflowBuildVersionArn=arn)["workflowBuildVersionArn"] == arn
