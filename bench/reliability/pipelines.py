"""The pipelines that are built while their server is killed: a plain one, one with commands, and a tested one."""

from __future__ import annotations

from typing import Any

from bench.reliability.server import REGIONS, Server

PARENT = "debian/12"
CACHED = """
name: greeting
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Greet, action: ExecuteBash, inputs: {commands: ["echo hello >/etc/greeting"]}}
  - name: validate
    steps:
      - {name: Look, action: ExecuteBash, inputs: {commands: ["grep hello /etc/greeting"]}}
"""
ANEW = """
name: anew
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Write
        action: ExecuteBash
        inputs:
          commands:
            - for part in 1 2 3 4 5 6; do head -c 4000000 /dev/urandom >"/usr/share/part-$part"; sleep 0.3; done
            - echo "$IMAGE_BUILD_VERSION" >/etc/built
"""
LAST = """
name: last
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Sum, action: ExecuteBash, inputs: {commands: ["sha256sum /usr/share/part-* >/etc/parts"]}}
"""
COMMANDS = """
schemaVersion: 1.0
steps:
  - {name: Launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}
  - {name: Components, action: ExecuteComponents, inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}}
  - name: Command
    action: RunCommand
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
      documentName: AWS-RunShellScript
      parameters: {commands: ["echo run >>/etc/commands", "sleep 1"]}
  - {name: Sanitize, action: SanitizeInstance, inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}}
  - {name: Create, action: CreateImage, inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}}
  - {name: Terminate, action: TerminateInstance, inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}}
outputs:
  - {name: ImageId, value: $.stepOutputs.Create.imageId}
"""
BOOT_TEST = "arn:aws:imagebuilder:us-east-1:aws:component/simple-boot-test-linux/x.x.x"
DISTRIBUTE = "arn:aws:imagebuilder:us-east-1:aws:workflow/distribution/distribute-image/x.x.x"


def make(server: Server) -> dict[str, tuple[str, str]]:
    """Make the pipelines; return their (account, ARN) by name."""
    return {
        "plain": ("acme", _plain(server)),
        "commands": ("globex", _commands(server)),
        "tested": ("acme", _tested(server)),
    }


def _plain(server: Server) -> str:
    builder = server.client("imagebuilder", "acme")
    components = [_component(builder, text) for text in (CACHED, ANEW, LAST)]
    return _pipeline(builder, "plain", components, ("us-east-1", "eu-central-1"))


def _commands(server: Server) -> str:
    builder = server.client("imagebuilder", "globex")
    components = [_component(builder, text) for text in (CACHED, ANEW)]
    made = builder.create_workflow(name="commands", semanticVersion="1.0.0", type="BUILD", data=COMMANDS)
    workflows = [{"workflowArn": made["workflowBuildVersionArn"]}, {"workflowArn": DISTRIBUTE}]
    return _pipeline(
        builder, "commands", components, ("us-east-1", "us-west-2"), workflows=workflows, executionRole=ROLE
    )


def _tested(server: Server) -> str:
    builder = server.client("imagebuilder", "acme")
    newest = "arn:aws:imagebuilder:us-east-1:{}:component/{}/x.x.x"
    number = next(number for number, name in server.numbers().items() if name == "acme")
    components = [newest.format(number, "greeting"), BOOT_TEST]
    return _pipeline(builder, "tested", components, ("us-east-1", "eu-central-1"), tests=True)


ROLE = "arn:aws:iam::123456789012:role/imagebuilder"


def _component(builder: Any, text: str) -> str:
    name = text.split("name: ", 1)[1].split("\n", 1)[0]
    made = builder.create_component(name=name, semanticVersion="1.0.0", platform="Linux", data=text)
    return str(made["componentBuildVersionArn"])


def _pipeline(
    builder: Any, name: str, components: list[str], regions: tuple[str, ...], *, tests: bool = False, **more: Any
) -> str:
    recipe = builder.create_image_recipe(
        name=name,
        semanticVersion="1.0.0",
        parentImage=PARENT,
        components=[{"componentArn": arn} for arn in components],
    )["imageRecipeArn"]
    infrastructure = builder.create_infrastructure_configuration(
        name=name, instanceProfileName="builder", instanceTypes=["t3.small"]
    )["infrastructureConfigurationArn"]
    assert set(regions) <= set(REGIONS)
    distribution = builder.create_distribution_configuration(
        name=name,
        distributions=[
            {
                "region": region,
                "amiDistributionConfiguration": {
                    "name": name + " {{ imagebuilder:buildDate }}",
                    "amiTags": {"of": name},
                },
            }
            for region in regions
        ],
    )["distributionConfigurationArn"]
    return str(
        builder.create_image_pipeline(
            name=name,
            imageRecipeArn=recipe,
            infrastructureConfigurationArn=infrastructure,
            distributionConfigurationArn=distribution,
            imageTestsConfiguration={"imageTestsEnabled": tests},
            **more,
        )["imagePipelineArn"]
    )
