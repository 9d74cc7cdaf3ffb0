"""A server that is killed, or ended, in the middle of real builds: what it began is there once, and nothing else."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from bench.reliability.checks import Findings, check_builds, check_host, check_services
from bench.reliability.killing import Killing
from bench.reliability.server import Server, adopting, descendants
from goldsmith.catalog.accounts import all_accounts
from goldsmith.catalog.resources import every
from goldsmith.cli.here import Here
from goldsmith.pipelines.image_run import image_folder
from goldsmith.pipelines.workflows.waiting import waits

pytestmark = pytest.mark.sandbox

REGION = "us-east-1"
PATIENCE = 120.0
COMPONENT = """
name: anew
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Write
        action: ExecuteBash
        inputs: {commands: ['echo "$IMAGE_BUILD_VERSION" >/etc/built; sleep 1; echo written']}
"""
WORKFLOW = """
schemaVersion: 1.0
steps:
  - {name: Launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}
  - {name: Build, action: ExecuteComponents, inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}}
  - {name: Ask, action: WaitForAction}
  - name: Command
    action: RunCommand
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
      documentName: AWS-RunShellScript
      parameters: {commands: ["sleep 1; echo more >>/etc/built"]}
  - {name: Create, action: CreateImage, inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}}
  - {name: Terminate, action: TerminateInstance, inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}}
outputs:
  - {name: ImageId, value: $.stepOutputs.Create.imageId}
"""


@pytest.fixture
def server(home):
    folder = Path(tempfile.mkdtemp(prefix="recovery-", dir=home))
    folder.chmod(0o711)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with adopting():
        made = Server(folder, port)
        made.start()
        yield made
        if made.process.poll() is None:
            made.stop()
        made.cloud.close()


@pytest.fixture
def pipeline(server, root_tar):
    builder = server.client("imagebuilder", "acme")
    component = builder.create_component(name="anew", semanticVersion="1.0.0", platform="Linux", data=COMPONENT)
    account = next(each for each in accounts(server.cloud) if each.name == "acme")
    recipe = Here(server.cloud, account, REGION).call(
        "imagebuilder",
        "CreateImageRecipe",
        name="small",
        semanticVersion="1.0.0",
        parentImage=str(root_tar),
        components=[{"componentArn": component["componentBuildVersionArn"]}],
    )
    infrastructure = builder.create_infrastructure_configuration(name="small", instanceProfileName="builder")
    workflow = builder.create_workflow(name="asks", semanticVersion="1.0.0", type="BUILD", data=WORKFLOW)
    distribution = builder.create_distribution_configuration(
        name="small",
        distributions=[
            {"region": region, "amiDistributionConfiguration": {"name": "small {{ imagebuilder:buildDate }}"}}
            for region in (REGION, "eu-central-1")
        ],
    )
    made = builder.create_image_pipeline(
        name="small",
        imageRecipeArn=recipe["imageRecipeArn"],
        infrastructureConfigurationArn=infrastructure["infrastructureConfigurationArn"],
        distributionConfigurationArn=distribution["distributionConfigurationArn"],
        imageTestsConfiguration={"imageTestsEnabled": False},
        workflows=[{"workflowArn": workflow["workflowBuildVersionArn"]}],
        executionRole=f"arn:aws:iam::{account.id}:role/builds",
    )
    return made["imagePipelineArn"]


def accounts(cloud):
    with cloud.database.reading() as connection:
        return all_accounts(connection)


def running(server):
    """Return what runs: the steps by their actions."""
    with server.cloud.database.reading() as connection:
        return {each.document["action"]: each for each in every(connection, "workflow-step", states=("RUNNING",))}


def await_step(server, action):
    deadline = time.monotonic() + PATIENCE
    while action not in running(server):
        assert time.monotonic() < deadline, f"no step {action}: {running(server)}"
        time.sleep(0.02)
    return running(server)[action]


def answer(server):
    step = await_step(server, "WaitForAction")
    while not waits(step):
        time.sleep(0.05)
        step = running(server)["WaitForAction"]
    builder = server.client("imagebuilder", "acme")
    builder.send_workflow_step_action(
        stepExecutionId=step.id, imageBuildVersionArn=step.document["imageBuildVersionArn"], action="RESUME"
    )


def require_whole(server, killing, **ended):
    killing.finish()
    found = Findings()
    assert check_builds(server, killing, found) == ended
    check_services(server, found)
    server.stop()
    check_host(server, found)
    assert not found.wrong


def test_killed_in_its_steps_a_build_ends_once_and_whole(server, pipeline):
    killing = Killing(server, {"small": ("acme", pipeline)}, None)
    killing.begin("small")
    for action in ("ExecuteComponents", "WaitForAction", "CreateImage", "DistributeImage"):
        await_step(server, action)
        server.kill()
        server.start()
        if action == "WaitForAction":
            answer(server)
    log = image_folder(server.cloud.home, killing.images[0]) / "service.log"
    require_whole(server, killing, AVAILABLE=1)
    assert log.read_text().count("Image transitioned to") == 5


def test_a_server_that_is_ended_leaves_its_build_to_the_next(server, pipeline):
    """Ctrl-C reaches all processes in the foreground: those of the build's sandbox are not among them."""
    killing = Killing(server, {"small": ("acme", pipeline)}, None)
    killing.begin("small")
    await_step(server, "ExecuteComponents")
    begun = time.monotonic()
    ours = os.getpgid(server.process.pid)
    for pid in descendants():
        with suppress(ProcessLookupError):  # it ended by itself
            if os.getpgid(pid) == ours:
                os.kill(pid, signal.SIGINT)
    server.process.wait()
    assert time.monotonic() - begun < PATIENCE
    assert "1 build goes on when it serves again" in (server.home / "serve.log").read_text()
    server.start()
    answer(server)
    require_whole(server, killing, AVAILABLE=1)


def test_a_build_that_is_cancelled_and_killed_leaves_nothing(server, pipeline):
    killing = Killing(server, {"small": ("acme", pipeline)}, None)
    killing.begin("small")
    await_step(server, "ExecuteComponents")
    server.client("imagebuilder", "acme").cancel_image_creation(imageBuildVersionArn=killing.images[0])
    server.kill()
    server.start()
    require_whole(server, killing, CANCELLED=1)
