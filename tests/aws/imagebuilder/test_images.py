"""Images: builds counted, found when they are available, kept while they are used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.aws.imagebuilder.documents import POLICY
from tests.aws.imagebuilder.test_configurations import distribution
from tests.aws.imagebuilder.test_recipes import container, make, told

ARN = "imageBuildVersionArn"


def build(builder, parts, **more):
    return builder.create_image(**parts, **more)[ARN]


def test_an_image_has_all_that_it_is_made_of(builder, parts):
    made = parts(builder, "nested")
    made["distributionConfigurationArn"] = distribution(builder, "nested")
    answer = builder.create_image(**made, tags={"a": "b"}, clientToken="nested")
    assert answer["clientToken"] == "nested"
    got = builder.get_image(imageBuildVersionArn=answer[ARN])
    image = got["image"]
    assert image["arn"].endswith("image/nested-recipe/1.0.0/1")
    assert (image["name"], image["version"], image["type"]) == ("nested recipe", "1.0.0/1", "AMI")
    assert image["state"] == {"status": "PENDING"}
    assert image["imageRecipe"]["arn"] == made["imageRecipeArn"]
    assert image["infrastructureConfiguration"]["arn"] == made["infrastructureConfigurationArn"]
    assert image["distributionConfiguration"]["timeoutMinutes"] == 720
    assert image["outputResources"] == {"amis": []}
    assert (image["buildType"], image["imageSource"]) == ("USER_INITIATED", "CUSTOM")
    assert image["tags"] == {"a": "b"}
    assert "sourcePipelineArn" not in image
    assert got["latestVersionReferences"]["latestPatchVersionArn"] == image["arn"].rpartition("/")[0]
    assert answer["latestVersionReferences"] == got["latestVersionReferences"]


def test_what_an_image_is_made_of_stays_as_it_was(builder, parts):
    made = parts(builder, "frozen")
    arn = build(builder, made)
    builder.update_infrastructure_configuration(
        infrastructureConfigurationArn=made["infrastructureConfigurationArn"], instanceProfileName="changed"
    )
    image = builder.get_image(imageBuildVersionArn=arn)["image"]
    assert image["infrastructureConfiguration"]["instanceProfileName"] == "builder"


def test_one_token_begins_one_build(builder, parts):
    made = parts(builder, "once")
    first = build(builder, made, clientToken="once")
    assert build(builder, made, clientToken="once") == first
    assert build(builder, made, clientToken="twice") == f"{first.rpartition('/')[0]}/2"
    code, _ = told(builder.create_image, **made, clientToken="once", enhancedImageMetadataEnabled=False)
    assert code == "IdempotentParameterMismatchException"


def test_only_available_builds_are_found_without_a_number(builder, parts, reach, refusal):
    made = parts(builder, "found")
    arns = [build(builder, made) for _ in range(4)]
    head = arns[0].rpartition("/")[0]
    assert refusal(builder.get_image, imageBuildVersionArn=head) == "ResourceNotFoundException"
    for arn, status in zip(arns, ("AVAILABLE", "AVAILABLE", "DEPRECATED", "FAILED"), strict=True):
        reach(arn, status)
    for version in ("1.0.0", "1.0.x", "1.x.x", "x.x.x"):
        got = builder.get_image(imageBuildVersionArn=head.replace("1.0.0", version))
        assert got["image"]["arn"] == arns[1]
    assert builder.get_image(imageBuildVersionArn=arns[3])["image"]["state"]["status"] == "FAILED"
    assert refusal(builder.get_image, imageBuildVersionArn=head.replace("1.0.0", "2.x.x")) == "ResourceNotFoundException"  # fmt: skip
    assert refusal(builder.get_image, imageBuildVersionArn=head.replace("us-east-1", "us-west-2")) == "ResourceNotFoundException"  # fmt: skip
    assert refusal(builder.get_image, imageBuildVersionArn=head.replace("arn:aws:", "arn:aws-cn:")) == "ResourceNotFoundException"  # fmt: skip


def test_a_build_in_progress_is_not_deleted_and_its_number_not_given_again(builder, parts, reach):
    made = parts(builder, "in progress")
    arn = build(builder, made)
    for status in ("PENDING", "CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING"):
        reach(arn, status)
        code, said = told(builder.delete_image, imageBuildVersionArn=arn)
        assert code == "ResourceDependencyException"
        assert status in said
    reach(arn, "FAILED")
    assert builder.delete_image(imageBuildVersionArn=arn)[ARN] == arn
    rows = builder.list_images(filters=[{"name": "name", "values": ["in progress recipe"]}])["imageVersionList"]
    assert rows == []
    assert build(builder, made).endswith("/2")


def test_cancelling_and_retrying_are_for_builds_in_their_states(builder, parts, reach, refusal):
    arn = build(builder, parts(builder, "cancelled"))
    assert refusal(builder.retry_image, imageBuildVersionArn=arn) == "ResourceInUseException"
    assert builder.cancel_image_creation(imageBuildVersionArn=arn)[ARN] == arn
    reach(arn, "CANCELLED")
    assert refusal(builder.cancel_image_creation, imageBuildVersionArn=arn) == "ResourceInUseException"
    assert builder.retry_image(imageBuildVersionArn=arn)[ARN] == arn
    assert builder.get_image(imageBuildVersionArn=arn)["image"]["state"] == {"status": "PENDING"}
    reach(arn, "AVAILABLE")
    assert refusal(builder.retry_image, imageBuildVersionArn=arn) == "ResourceInUseException"
    version = arn.rpartition("/")[0]
    assert refusal(builder.cancel_image_creation, imageBuildVersionArn=version) == "InvalidRequestException"


def test_a_parent_is_kept_while_no_other_build_could_be_it(builder, parts, reach, refusal):
    made = parts(builder, "parent")
    first, second = build(builder, made), build(builder, made)
    version = first.rpartition("/")[0]
    pinned, open_ = make(builder, "pinned child", parentImage=first), make(builder, "open child", parentImage=version)
    reach(first, "AVAILABLE")
    reach(second, "FAILED")
    code, said = told(builder.delete_image, imageBuildVersionArn=first)
    assert code == "ResourceDependencyException"
    assert pinned in said
    assert open_ in said
    builder.delete_image_recipe(imageRecipeArn=pinned)
    assert refusal(builder.delete_image, imageBuildVersionArn=first) == "ResourceDependencyException"
    builder.delete_image(imageBuildVersionArn=second)
    third = build(builder, made)
    reach(third, "AVAILABLE")
    builder.delete_image(imageBuildVersionArn=first)


def test_a_shared_image_is_kept_and_seen_by_whom_it_is_shared_with(builder, of_account, parts, reach, served):
    arn = build(builder, parts(builder, "shared"), tags={"mine": "alone"})
    reach(arn, "AVAILABLE")
    other = of_account("partner")
    for asked in (arn, arn.rpartition("/")[0], arn.replace("1.0.0/1", "x.x.x")):
        assert told(other.get_image, imageBuildVersionArn=asked)[0] == "ResourceNotFoundException"
    builder.put_image_policy(imageArn=arn, policy=POLICY % served.account_id("partner"))
    assert builder.get_image_policy(imageArn=arn)["policy"] == POLICY % served.account_id("partner")
    for asked in (arn, arn.rpartition("/")[0], arn.replace("1.0.0/1", "x.x.x")):
        assert other.get_image(imageBuildVersionArn=asked)["image"]["tags"] == {}
    rows = other.list_images(owner="Shared")["imageVersionList"]
    assert [row["arn"] for row in rows] == [arn.rpartition("/")[0]]
    assert rows[0]["owner"] == served.account_id()
    assert other.list_images(owner="Shared", byName=True)["imageVersionList"] == rows
    assert other.list_images()["imageVersionList"] == []
    make(other, "child of a shared one", parentImage=arn)
    for forbidden in (other.delete_image, other.cancel_image_creation, other.retry_image):
        assert told(forbidden, imageBuildVersionArn=arn)[0] == "ResourceNotFoundException"
    assert told(other.get_image_policy, imageArn=arn)[0] == "ResourceNotFoundException"
    code, said = told(builder.delete_image, imageBuildVersionArn=arn)
    assert code == "ResourceDependencyException"
    assert served.account_id("partner") in said


def test_an_account_builds_so_many_at_once(fresh, parts):
    builder = fresh.client("imagebuilder")
    made = parts(builder, "busy")
    fresh.cloud.settings = fresh.cloud.settings.model_copy(update={"quotas": {"image": 2}})
    build(builder, made)
    build(builder, made)
    code, said = told(builder.create_image, **made)
    assert code == "ServiceQuotaExceededException"
    assert "concurrent builds: 2" in said


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"imageRecipeArn": None}, "Exactly one of"),
        ({"loggingConfiguration": {"logGroupName": "/mine"}}, "needs an executionRole"),
        ({"imageTestsConfiguration": {"timeoutMinutes": 1}}, "timeoutMinutes"),
        ({"tags": {"aws:x": "y"}}, "tags"),
        ({"clientToken": "x" * 65}, "clientToken"),
    ],
    ids=str,
)
def test_an_image_that_could_not_be_built_is_refused(builder, parts, wrong, words):
    made = {**parts(builder, f"r{abs(hash(str(wrong)))}"), **wrong}
    code, said = told(builder.create_image, **{name: value for name, value in made.items() if value})
    assert code == "InvalidRequestException"
    assert words in said


def test_a_container_s_image_is_one(builder, parts):
    made = parts(builder, "boxed")
    made = {
        "containerRecipeArn": container(builder, "boxed image"),
        "infrastructureConfigurationArn": made["infrastructureConfigurationArn"],
    }
    image = builder.get_image(imageBuildVersionArn=build(builder, made))["image"]
    assert image["type"] == "DOCKER"
    assert image["outputResources"] == {"containers": []}
    assert image["containerRecipe"]["arn"] == made["containerRecipeArn"]
    assert "imageRecipe" not in image


def test_a_pipeline_s_image_names_it(builder, parts):
    made = parts(builder, "piped")
    pipeline = builder.create_image_pipeline(
        name="Piped", **made, loggingConfiguration={"imageLogGroupName": "/aws/imagebuilder/mine"}
    )["imagePipelineArn"]
    arn = builder.start_image_pipeline_execution(imagePipelineArn=pipeline)[ARN]
    image = builder.get_image(imageBuildVersionArn=arn)["image"]
    assert (image["sourcePipelineName"], image["sourcePipelineArn"]) == ("Piped", pipeline)
    assert image["loggingConfiguration"] == {"logGroupName": "/aws/imagebuilder/mine"}


def test_executions_of_nothing_are_none(builder, refusal):
    arn = "arn:aws:imagebuilder:us-east-1:123456789012:image/nothing/1.0.0/1"
    assert builder.list_workflow_executions(imageBuildVersionArn=arn)["workflowExecutions"] == []
    nobody = "00000000-0000-0000-0000-000000000000"
    for method, asked in (
        (builder.get_workflow_execution, {"workflowExecutionId": f"wf-{nobody}"}),
        (builder.list_workflow_step_executions, {"workflowExecutionId": f"wf-{nobody}"}),
        (builder.get_workflow_step_execution, {"stepExecutionId": f"step-{nobody}"}),
    ):
        assert refusal(method, **asked) == "ResourceNotFoundException"
        wrong = dict.fromkeys(asked, "nonsense")
        assert refusal(method, **wrong) == "InvalidRequestException"


def test_builds_that_are_begun_at_once_have_numbers_of_their_own_and_a_token_has_one(builder, parts):
    made = parts(builder, "at once")
    with ThreadPoolExecutor(8) as pool:
        arns = list(pool.map(lambda _: build(builder, made), range(8)))
        same = set(pool.map(lambda _: build(builder, made, clientToken="all the same"), range(8)))
    assert sorted(int(arn.rpartition("/")[2]) for arn in arns) == list(range(1, 9))
    assert [arn.rpartition("/")[2] for arn in same] == ["9"]
