"""Container builds: a real engine in a sandbox, a real registry on loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import replace

import pytest

from goldsmith.aws.imagebuilder.service import ImageBuilder
from goldsmith.aws.settings import AwsRegion
from goldsmith.guests.guest import GuestError
from goldsmith.pipelines.builders.containers.host import ContainerHost
from goldsmith.pipelines.builders.containers.registry import Registry
from goldsmith.pipelines.engine.leftovers import clear_leftovers
from goldsmith.pipelines.image_run import PinnedParent
from goldsmith.pipelines.stop import Stop, StoppedError
from goldsmith.pipelines.workflows.action import ActionFailedError, find_action
from goldsmith.pipelines.world import RefusedError

from .registry import push_parent, serving
from .steps import ACCOUNT, REGION, Running, a_component, a_script, an_image

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.network,
    pytest.mark.skipif(
        not (shutil.which("docker-registry") and shutil.which("skopeo")),
        reason="docker-registry and skopeo are not installed",
    ),
]

TEMPLATE = """FROM {{{ imagebuilder:parentImage }}}
RUN echo before > /before
ENV COLOUR=blue
{{{imagebuilder:environments}}}
{{{ imagebuilder:components}}}
RUN cat /made > /after
HEALTHCHECK CMD true
CMD ["cat", "/after"]
"""
MADE = a_component(
    "made",
    a_script(
        "mkdir -p /var/lib/apt/lists; touch /var/lib/apt/lists/old; cat /before > /made",
        "echo $COLOUR $GREETING $IMAGE_VERSION >> /made",
    ),
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory, world):
    """A registry with the image base:1, that stands for the region's ECR."""
    with serving(tmp_path_factory.mktemp("registry")) as host:
        running = launched(world, an_image(kind="DOCKER", slug="base"))
        with ContainerHost.find(running.step("look"), running.instance)._engine() as engine:
            push_parent(engine.guest, host)
        world.cloud.settings.registries[REGION] = Registry(url=f"http://{host}/{{account}}")
        yield host
        del world.cloud.settings.registries[REGION]


def a_container(registry, *components, template=TEMPLATE, **more):
    recipe = {
        "dockerfileTemplateData": template,
        "targetRepository": {"service": "ECR", "repositoryName": "team/app"},
    }
    parent = PinnedParent("container", f"{registry}/base:1", f"{registry}/base:1")
    return an_image(*components, kind="DOCKER", recipe=recipe, parent=parent, **more)


def launched(world, image):
    running = Running(world, image)
    running.run("LaunchInstance", waitFor="ssmAgent")
    return running


def left(world, image):
    folder = image.folder(world.home) / "instances"
    return [*folder.glob("*"), *folder.glob(".*"), *(world.home.path / "work").glob("*")]


def inspect(place, *more):
    argv = ["skopeo", "inspect", "--tls-verify=false", *more, f"docker://{place}"]
    return json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)


def test_a_container_is_built_tested_and_pushed(world, registry):
    inside = a_component(
        "inside",
        a_script('test "$(tail -n 1 /after)" = "blue hello 1.0.0" && test ! -e /var/lib/apt/lists/old'),
        phase="test",
    )
    outside = a_component(
        "outside", a_script("buildah images | grep goldsmith-output", "test -e /after && exit 1 || true"),
        phase="container-host-test",
    )  # fmt: skip
    image = a_container(registry, MADE, inside, outside, slug="whole")
    running = launched(world, image)
    assert running.run("BootstrapInstanceForContainer")["status"] == "Success"
    assert running.run("ExecuteComponents")["output"] == "The container was built with 1 components."
    running.stage = "TEST"
    assert "1 components were tested in the container, and 1 on its host." in running.run("ExecuteComponents")["output"]
    running.stage = "DISTRIBUTION"
    outputs = running.run("DistributeContainerImage")
    place = f"{registry}/{ACCOUNT}/team/app"
    tag = f"1.0.0-{image.build}"
    found = inspect(f"{place}:{tag}")
    assert outputs == {
        "status": "Completed",
        "succeededRegions": [REGION],
        "failedRegions": [],
        "containers": [{"region": REGION, "imageUris": [f"{place}:{tag}", f"{place}@{found['Digest']}"]}],
    }
    config = inspect(f"{place}:{tag}", "--config", "--raw")["config"]
    assert config["Cmd"] == ["cat", "/after"]
    assert config["Healthcheck"]["Test"] == ["CMD-SHELL", "true"]
    assert "COLOUR=blue" in config["Env"]
    running.run("TerminateInstance")
    assert not left(world, image)


def test_what_a_killed_server_had_built_is_not_built_again(world, registry):
    image = a_container(registry, MADE, slug="again")
    running = launched(world, image)
    running.run("ExecuteComponents")
    running.said.clear()
    running.run("ExecuteComponents")
    assert running.said == ["Sending command to instance to run"]


def test_without_a_registry_the_image_is_kept_as_an_archive_and_can_be_a_parent(world, registry, monkeypatch, tmp_path):
    monkeypatch.delitem(world.cloud.settings.registries, REGION)
    monkeypatch.setitem(world.cloud.settings.aws, "aws-1", AwsRegion(accounts=(ACCOUNT,)))
    distribution = {
        "distributions": [
            {
                "region": region,
                "containerDistributionConfiguration": {
                    "targetRepository": {"service": "ECR", "repositoryName": "kept/app"},
                    "containerTags": ["latest"],
                },
            }
            for region in (REGION, "eu-west-1", "mars-north-1", "aws-1")
        ]
    }
    image = a_container(registry, MADE, slug="kept", distribution=distribution)
    running = launched(world, image)
    running.run("ExecuteComponents")
    with pytest.raises(ActionFailedError, match="There is no region mars-north-1 here") as failed:
        running.run("DistributeContainerImage")
    assert "The region aws-1 at AWS has no registry here" in failed.value.message
    outputs = failed.value.outputs
    assert (outputs["succeededRegions"], outputs["failedRegions"]) == ([REGION, "eu-west-1"], ["mars-north-1", "aws-1"])
    assert [each["region"] for each in failed.value.regions] == ["mars-north-1", "aws-1"]
    folder = world.home.path / "containers" / ACCOUNT / "eu-west-1" / "kept" / "app"
    assert sorted(each.name for each in folder.iterdir()) == [f"1.0.0-{image.build}.tar", "latest.tar"]
    kept = outputs["containers"][0]["imageUris"]
    assert kept[1].endswith("/us-east-1/kept/app/latest.tar")
    parent = PinnedParent("container", kept[0], image.arn, image_arn=image.arn)
    child = a_component("child", a_script("tail -n 1 /after > /again"))
    running = launched(world, replace(a_container(registry, child, slug="child"), parent=parent))
    running.run("ExecuteComponents")
    layout = f"oci:{tmp_path}/layout:here"
    subprocess.run(["skopeo", "copy", "--quiet", kept[0], layout], check=True, capture_output=True)
    parent = PinnedParent("container", layout, layout)
    running = launched(world, replace(a_container(registry, child, slug="of-a-layout"), parent=parent))
    running.run("ExecuteComponents")
    foreign = PinnedParent("container", "oci-archive:/etc/passwd", image.arn, image_arn=image.arn)
    running = launched(world, replace(a_container(registry, child, slug="foreign"), parent=foreign))
    with pytest.raises(ActionFailedError, match="none of the container images that are kept here"):
        running.run("ExecuteComponents")


def test_a_component_that_fails_is_told_in_full_and_nothing_is_left(world, registry):
    broken = a_component("broken", a_script("echo the disk is on fire >&2", "exit 3"))
    image = a_container(registry, MADE, broken, slug="broken")
    running = Running(world, image)
    launch = running.step("LaunchInstance", waitFor="ssmAgent")
    running.instance = find_action("LaunchInstance").run(launch)["instanceId"]
    with pytest.raises(ActionFailedError) as failed:
        running.run("ExecuteComponents")
    assert failed.value.message == f"Document {broken.arn} failed!"
    told = failed.value.component
    assert (told.component_arn, told.phase, told.step) == (broken.arn, "build", "Script")
    assert "the disk is on fire" in told.stderr
    with pytest.raises(ActionFailedError, match="has built no container yet"):
        running.run("DistributeContainerImage")
    assert find_action("LaunchInstance").roll_back(launch, {})
    assert not left(world, image)


def test_a_reboot_is_refused(world, registry):
    reboot = a_component("reboot", "- {name: Again, action: Reboot, inputs: {delaySeconds: 0}}\n")
    image = a_container(registry, reboot, slug="reboot")
    running = launched(world, image)
    with pytest.raises(GuestError, match="a container cannot reboot while it is built"):
        running.run("ExecuteComponents")
    assert [each.suffix for each in left(world, image)] == [".json"]


def test_a_dockerfile_that_fails_says_what_the_engine_said(world, registry):
    template = "FROM {{{ imagebuilder:parentImage }}}\nRUN echo out of luck >&2 && false\n"
    running = launched(world, a_container(registry, slug="luck", template=template))
    with pytest.raises(ActionFailedError, match="The Dockerfile failed"):
        running.run("ExecuteComponents")
    assert "out of luck" in (running.step("ExecuteComponents").logs / "console.log").read_text()


def test_a_build_that_is_cancelled_ends_at_once(world, registry):
    image = a_container(registry, a_component("long", a_script("echo begun", "sleep 600")), slug="cancelled")
    running = launched(world, image)
    stop = Stop()
    log = running.step("ExecuteComponents").logs / "console.log"

    def cancel():
        while not log.exists() or "begun" not in log.read_text():
            time.sleep(0.1)
        stop.ask()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(StoppedError):
        running.run("ExecuteComponents", stop=stop)
    thread.join()
    assert [each.suffix for each in left(world, image)] == [".json"]


def test_steps_of_machines_are_refused_with_words(world, registry):
    running = launched(world, a_container(registry, slug="refused"))
    for action in ("SanitizeInstance", "CreateImage", "CollectImageMetadata"):
        with pytest.raises(ActionFailedError, match=f"{action} cannot be done for a container image"):
            running.run(action)
    running.stage = "TEST"
    with pytest.raises(ActionFailedError, match="has built no container yet"):
        running.run("ExecuteComponents")


def test_steps_of_containers_are_refused_for_amis(world):
    running = launched(world, an_image(slug="ami"))
    with pytest.raises(ActionFailedError, match="is for containers, and the image ami is an AMI"):
        running.run("BootstrapInstanceForContainer")


PIPELINE_COMPONENT = """
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Build, action: ExecuteBash, inputs: {commands: ["echo built > /made"]}}
  - name: test
    steps:
      - {name: Test, action: ExecuteBash, inputs: {commands: ["grep built /after"]}}
"""


def test_a_pipeline_makes_an_available_container_and_another_builds_on_it(world, registry):
    def ask(operation, **parameters):
        return world.call(ACCOUNT, REGION, "imagebuilder", operation, clientToken=uuid.uuid4().hex, **parameters)

    def recipe(name, parent):
        return ask(
            "CreateContainerRecipe",
            name=name,
            semanticVersion="1.0.0",
            containerType="DOCKER",
            parentImage=parent,
            components=[{"componentArn": component}],
            targetRepository={"service": "ECR", "repositoryName": "own"},
            dockerfileTemplateData=TEMPLATE.replace("RUN echo before > /before\n", ""),
        )["containerRecipeArn"]

    def ended(arn):
        while True:
            image = world.call(ACCOUNT, REGION, "imagebuilder", "GetImage", imageBuildVersionArn=arn)["image"]
            if image["state"]["status"] in {"AVAILABLE", "FAILED", "CANCELLED"}:
                return image
            time.sleep(0.2)

    component = ask(
        "CreateComponent", name="Piped", semanticVersion="1.0.0", platform="Linux", data=PIPELINE_COMPONENT
    )["componentBuildVersionArn"]
    place = {"targetRepository": {"service": "ECR", "repositoryName": "piped"}, "containerTags": ["latest"]}
    with ImageBuilder(world.cloud):
        infrastructure = ask("CreateInfrastructureConfiguration", name="Plain", instanceProfileName="builder")
        infrastructure_arn = infrastructure["infrastructureConfigurationArn"]
        distribution = ask(
            "CreateDistributionConfiguration",
            name="Piped",
            distributions=[{"region": REGION, "containerDistributionConfiguration": place}],
        )
        pipeline = ask(
            "CreateImagePipeline",
            name="Piped",
            containerRecipeArn=recipe("Piped", f"oci://{registry}/base:1"),
            infrastructureConfigurationArn=infrastructure_arn,
            distributionConfigurationArn=distribution["distributionConfigurationArn"],
        )
        begun = ask("StartImagePipelineExecution", imagePipelineArn=pipeline["imagePipelineArn"])
        image = ended(begun["imageBuildVersionArn"])
        assert image["state"] == {"status": "AVAILABLE"}
        digest = inspect(f"{registry}/{ACCOUNT}/piped:latest")["Digest"]
        assert image["outputResources"]["containers"] == [
            {
                "region": REGION,
                "imageUris": [f"{registry}/{ACCOUNT}/piped{each}" for each in (":1.0.0-1", ":latest", f"@{digest}")],
            }
        ]
        child = ask(
            "CreateImage",
            containerRecipeArn=recipe("Child", image["arn"]),
            infrastructureConfigurationArn=infrastructure_arn,
        )
        missing = ask(
            "CreateImage",
            containerRecipeArn=recipe("Missing", f"{registry}/missing:1"),
            infrastructureConfigurationArn=infrastructure_arn,
        )
        made = ended(child["imageBuildVersionArn"])
        assert f"{registry}/{ACCOUNT}/own:1.0.0-1" in made["outputResources"]["containers"][0]["imageUris"]
        failed = ended(missing["imageBuildVersionArn"])
        assert "manifest unknown" in failed["state"]["reason"]
        with pytest.raises(RefusedError, match="Only images of AMIs are retried"):
            ask("RetryImage", imageBuildVersionArn=failed["arn"])


def test_the_files_of_the_host_are_no_parents_for_callers(world):
    for parent in ("oci-archive:/etc/passwd", "docker-archive:/x", "oci:/etc", "dir:/etc", "a b"):
        with pytest.raises(RefusedError, match="parentImage"):
            world.call(
                ACCOUNT, REGION, "imagebuilder", "CreateContainerRecipe", name="Files", semanticVersion="1.0.0",
                containerType="DOCKER", parentImage=parent, clientToken=uuid.uuid4().hex,
                targetRepository={"service": "ECR", "repositoryName": "own"},
                dockerfileTemplateData="FROM {{{ imagebuilder:parentImage }}}",
            )  # fmt: skip


KILLED = """
import json, sys
from pathlib import Path
from goldsmith.aws.cloud import Cloud
from goldsmith.aws.imagebuilder.world import CloudWorld
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.image_run import ImageRun
from tests.pipelines.builders.steps import Running
running = Running(CloudWorld(Cloud(Home(Path(sys.argv[1])))), ImageRun.from_json(json.loads(sys.argv[2])))
running.run("LaunchInstance", waitFor="ssmAgent")
running.run("ExecuteComponents")
"""


def test_a_killed_server_leaves_nothing_that_runs_and_nothing_on_the_disk(world, registry):
    image = a_container(registry, a_component("slow", a_script("echo begun", "sleep 98761")), slug="killed")
    argv = [sys.executable, "-c", KILLED, str(world.home.path), json.dumps(image.as_json())]
    server = subprocess.Popen(argv)
    log = Running(world, image).step("ExecuteComponents").logs / "console.log"
    while not log.exists() or "begun" not in log.read_text():
        assert server.poll() is None
        time.sleep(0.1)
    server.kill()
    server.wait()
    while subprocess.run(["pgrep", "-f", "^sleep 98761"], capture_output=True, check=False).returncode == 0:
        time.sleep(0.1)
    clear_leftovers(world.home)
    assert [each.suffix for each in left(world, image)] == [".json"]
