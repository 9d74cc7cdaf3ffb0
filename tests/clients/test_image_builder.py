"""Image Builder as its users call it: boto3 and the AWS CLI, from component to an AMI that launches."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Server

AWS = shutil.which("aws", path="/usr/bin:/usr/local/bin")
LIMIT = 600

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

COMPONENT = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Run
        action: ExecuteBash
        inputs: {{commands: ["{command}"]}}
"""

WORKFLOW = """\
name: approved
schemaVersion: 1.0
parameters:
  - {name: note, type: string}
steps:
  - name: Launch
    action: LaunchInstance
    inputs: {waitFor: ssmAgent}
  - name: Components
    action: ExecuteComponents
    inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}
  - name: Command
    action: RunCommand
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
      documentName: AWS-RunShellScript
      parameters: {commands: ["echo '{{ $.parameters.note }}' | tee /etc/note"]}
  - name: Approve
    action: WaitForAction
  - name: Image
    action: CreateImage
    inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}
  - name: Terminate
    action: TerminateInstance
    inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}
outputs:
  - {name: ImageId, value: $.stepOutputs.Image.imageId}
"""


@pytest.fixture(scope="module")
def builder(server: Server, cache: Path) -> Any:
    """A client of Image Builder, whose layers and packages outlive a run of the tests."""
    for name in ("packages", "builders-layers"):
        (cache / name).mkdir(exist_ok=True)
        place = server.home / name.removeprefix("builders-")
        if not place.exists():
            place.symlink_to(cache / name)
    client = server.client("imagebuilder")
    client.create_infrastructure_configuration(name="clients", instanceProfileName="EC2InstanceProfileForImageBuilder")
    return client


def infrastructure(builder: Any) -> str:
    found = builder.list_infrastructure_configurations(filters=[{"name": "name", "values": ["clients"]}])
    return str(found["infrastructureConfigurationSummaryList"][0]["arn"])


def recipe(builder: Any, name: str, command: str) -> str:
    component = builder.create_component(
        name=name, semanticVersion="1.0.0", platform="Linux", data=COMPONENT.format(command=command)
    )["componentBuildVersionArn"]
    made = builder.create_image_recipe(
        name=name, semanticVersion="1.0.x", parentImage="debian/12", components=[{"componentArn": component}]
    )
    return str(made["imageRecipeArn"])


def until(look: Callable[[], Any]) -> Any:
    """Return what ``look`` finds as soon as it finds something."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.3)
    raise TimeoutError


def ended(builder: Any, arn: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        image: dict[str, Any] = builder.get_image(imageBuildVersionArn=arn)["image"]
        return image if image["state"]["status"] in {"AVAILABLE", "FAILED", "CANCELLED"} else None

    return until(look)


def test_a_workflow_of_one_s_own_waits_for_approval_and_goes_to_two_regions(server: Server, builder: Any) -> None:
    workflow = builder.create_workflow(name="approved", semanticVersion="1.0.0", type="BUILD", data=WORKFLOW)
    name = "gold {{ imagebuilder:buildDate }}"
    parameter = [{"parameterName": "/imagebuilder/gold", "dataType": "aws:ec2:image"}]
    distribution = builder.create_distribution_configuration(
        name="two",
        distributions=[
            {"region": "us-east-1", "amiDistributionConfiguration": {"name": name, "amiTags": {"stage": "gold"}}},
            {
                "region": "eu-west-1",
                "amiDistributionConfiguration": {"name": name},
                "ssmParameterConfigurations": parameter,
            },
        ],
    )
    arn = builder.create_image(
        imageRecipeArn=recipe(builder, "approved", "date > /etc/built"),
        infrastructureConfigurationArn=infrastructure(builder),
        distributionConfigurationArn=distribution["distributionConfigurationArn"],
        workflows=[
            {
                "workflowArn": workflow["workflowBuildVersionArn"],
                "parameters": [{"name": "note", "value": ["said by boto3"]}],
            }
        ],
        executionRole="ImageBuilderRole",
    )["imageBuildVersionArn"]
    waiting = until(lambda: builder.list_waiting_workflow_steps()["steps"])
    assert [(each["name"], each["imageBuildVersionArn"]) for each in waiting] == [("Approve", arn)]
    builder.send_workflow_step_action(
        stepExecutionId=waiting[0]["stepExecutionId"], imageBuildVersionArn=arn, action="RESUME", reason="looks right"
    )
    builder.get_waiter("image_available").wait(
        imageBuildVersionArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": LIMIT}
    )
    image = builder.get_image(imageBuildVersionArn=arn)["image"]
    assert [each["region"] for each in image["outputResources"]["amis"]] == ["us-east-1", "eu-west-1"]
    execution = builder.list_workflow_executions(imageBuildVersionArn=arn)["workflowExecutions"][0]
    steps = builder.list_workflow_step_executions(workflowExecutionId=execution["workflowExecutionId"])["steps"]
    outputs = {each["name"]: json.loads(each.get("outputs") or "{}") for each in steps}
    assert outputs["Command"]["output"] == ["said by boto3\n"]
    assert outputs["Approve"] == {"action": "RESUME", "reason": "looks right"}
    elsewhere = server.client(region="eu-west-1")
    told = server.client("ssm", region="eu-west-1").get_parameter(Name="/imagebuilder/gold")["Parameter"]["Value"]
    assert told == image["outputResources"]["amis"][1]["image"]
    here = server.client().describe_images(ImageIds=[outputs["Image"]["imageId"]])["Images"][0]
    assert {"Key": "stage", "Value": "gold"} in here["Tags"]
    instance = elsewhere.run_instances(
        ImageId="resolve:ssm:/imagebuilder/gold", InstanceType="t3.micro", MinCount=1, MaxCount=1
    )["Instances"][0]
    assert instance["ImageId"] == told
    elsewhere.get_waiter("instance_running").wait(
        InstanceIds=[instance["InstanceId"]], WaiterConfig={"Delay": 1, "MaxAttempts": LIMIT}
    )
    elsewhere.terminate_instances(InstanceIds=[instance["InstanceId"]])


def test_a_component_that_fails_is_told_in_full(builder: Any) -> None:
    arn = builder.create_image(
        imageRecipeArn=recipe(builder, "failing", "echo no such thing >&2; exit 3"),
        infrastructureConfigurationArn=infrastructure(builder),
    )["imageBuildVersionArn"]
    state = ended(builder, arn)["state"]
    assert state["status"] == "FAILED"
    context = state["failureContext"]
    assert context["failedStep"] == "ApplyBuildComponents"
    failure = context["componentFailure"]
    assert (failure["phaseName"], failure["stepName"], failure["action"]) == ("build", "Run", "ExecuteBash")
    assert failure["errorMessage"] == "The script ended with exit code 3.\nno such thing"
    execution = builder.get_workflow_execution(workflowExecutionId=context["workflowExecutionId"])
    assert execution["status"] == "ROLLBACK_COMPLETED"


@pytest.mark.skipif(AWS is None, reason="the AWS CLI is not installed")
def test_the_aws_cli_runs_a_pipeline(server: Server, builder: Any) -> None:
    def aws(*words: str) -> Any:
        argv = (str(AWS), "--endpoint-url", server.url, "--output", "json", "imagebuilder", *words)
        return json.loads(server.run(*argv).stdout)

    pipeline = aws(
        "create-image-pipeline",
        *("--name", "cli", "--image-recipe-arn", recipe(builder, "cli", "true")),
        *("--infrastructure-configuration-arn", infrastructure(builder)),
        *("--image-tests-configuration", "imageTestsEnabled=false"),
    )["imagePipelineArn"]
    arn = aws("start-image-pipeline-execution", "--image-pipeline-arn", pipeline)["imageBuildVersionArn"]
    assert ended(builder, arn)["state"]["status"] == "AVAILABLE"
    listed = aws("list-image-pipeline-images", "--image-pipeline-arn", pipeline)["imageSummaryList"]
    assert [each["arn"] for each in listed] == [arn]
    packages = aws("list-image-packages", "--image-build-version-arn", arn)["imagePackageList"]
    assert "base-files" in {each["packageName"] for each in packages}
