from __future__ import annotations

import json

import pytest

from goldsmith.documents.component_reference import ComponentFile, ManagedComponent
from goldsmith.documents.parent_image import Bootstrap
from goldsmith.documents.pipeline import Pipeline, parse_pipeline
from goldsmith.documents.source import DocumentError
from goldsmith.documents.versions import VersionPattern

FULL = """\
name: web-server
description: A web server.
imageRecipe:
  name: web-server
  semanticVersion: 1.0.x
  parentImage: debian/12
  components:
    - componentArn: update-linux
    - componentArn: ./hello.yml
      parameters: [{name: Greeting, value: [1.10]}]
  blockDeviceMappings:
    - deviceName: /dev/sda1
      ebs: {volumeSize: 8, volumeType: gp3, deleteOnTermination: yes}
  workingDirectory: /var/tmp
  builder: machine
  amiTags: {Owner: me}
  additionalInstanceConfiguration: {systemsManagerAgent: {uninstallAfterBuild: true}, userDataOverride: aGk=}
infrastructureConfiguration:
  instanceTypes: [t3.micro]
  terminateInstanceOnFailure: false
  logging: {s3Logs: {s3BucketName: logs, s3KeyPrefix: a}}
  instanceMetadataOptions: {httpTokens: required, httpPutResponseHopLimit: 2}
distributionConfiguration:
  name: all
  distributions:
    - region: eu-central-1
      amiDistributionConfiguration:
        name: web {{ imagebuilder:buildDate }}
        launchPermission: {userIds: ['123456789012'], userGroups: [all]}
    - region: us-east-1
      s3ExportConfiguration: {roleName: vmimport, diskImageFormat: RAW, s3Bucket: b}
imageTestsConfiguration: {imageTestsEnabled: true, timeoutMinutes: 720, firmware: [uefi, bios]}
imageScanningConfiguration: {imageScanningEnabled: true}
cleanup: {skip: [ssh-host-keys]}
schedule: {scheduleExpression: cron(0 10 * * ? *), timezone: Europe/Berlin, autoDisablePolicy: {failureCount: 5}}
workflows:
  - workflowArn: arn:aws:imagebuilder:us-west-2:aws:workflow/build/build-image/x.x.x
enhancedImageMetadataEnabled: false
status: DISABLED
tags: {a: b}
imageTags: {c: d}
loggingConfiguration: {imageLogGroupName: /a/b}
executionRole: my-role
clientToken: abc
"""
SMALL = "name: web\nimageRecipe: {name: web, semanticVersion: 1.0.0, parentImage: debian/12}\n"


def faults_of(text):
    with pytest.raises(DocumentError) as caught:
        parse_pipeline(text, "p.yml")
    return [str(fault) for fault in caught.value.faults]


def test_a_pipeline_with_everything():
    read = parse_pipeline(FULL, "p.yml")
    recipe = read.image_recipe
    assert recipe.parent == Bootstrap("debian", "12")
    assert recipe.version == VersionPattern((1, 0))
    assert [component.reference for component in recipe.components] == [
        ManagedComponent("update-linux", VersionPattern(())),
        ComponentFile("./hello.yml"),
    ]
    assert recipe.components[1].parameters[0].text == "1.10"
    assert (recipe.volume_size, recipe.builder, recipe.working_directory) == (8, "machine", "/var/tmp")
    assert read.image_tests_configuration.firmware == ("uefi", "bios")
    assert read.cleanup.skip == ("ssh-host-keys",)
    assert read.infrastructure_configuration.terminate_instance_on_failure is False
    assert read.distribution_configuration is not None
    assert [each.region for each in read.distribution_configuration.distributions] == ["eu-central-1", "us-east-1"]
    assert (read.status, read.enhanced_image_metadata_enabled) == ("DISABLED", False)


def test_what_is_written_is_what_aws_would_get():
    read = parse_pipeline(FULL, "p.yml")
    written = read.model_dump_json(by_alias=True, exclude_unset=True)
    assert parse_pipeline(written, "p.json") == read
    ebs = json.loads(written)["imageRecipe"]["blockDeviceMappings"][0]["ebs"]
    assert ebs == {"volumeSize": 8, "volumeType": "gp3", "deleteOnTermination": True}


def test_defaults():
    read = parse_pipeline(SMALL, "p.yml")
    assert read.image_recipe.components == ()
    assert (read.image_recipe.builder, read.image_recipe.working_directory) == ("sandbox", "/tmp")
    assert read.image_tests_configuration.image_tests_enabled is True
    assert read.image_tests_configuration.timeout_minutes == 720
    assert read.image_tests_configuration.firmware == ("uefi",)
    assert (read.status, read.enhanced_image_metadata_enabled) == ("ENABLED", True)
    assert read.distribution_configuration is None
    assert isinstance(read, Pipeline)


def test_every_fault_is_said_at_once_with_its_place():
    text = """\
name: w
imageRecpie: {}
imageRecipe:
  semanticVersion: x.0.1
  parentImage: debian/bookworm
  components:
    - componentArn: nginx
      paramters: []
    - componentArn: ./a.yml
      parameters: [{name: G, value: hello}]
  blockDeviceMappings: [{ebs: {volumeSize: 0, volumeType: gp4}}]
  builder: sandbocks
  amiTags: {'aws:x': y}
infrastructureConfiguration: [1]
imageTestsConfiguration: {imageTestsEnabled: maybe, timeoutMinutes: 5, firmware: []}
status: enabled
"""
    assert faults_of(text) == [
        "p.yml:1:7: name must be 3 to 128 letters, digits, hyphens and underscores, with spaces only between them, but is 'w'.",
        "p.yml:2:1: A pipeline has no key 'imageRecpie'. Did you mean imageRecipe?",
        "p.yml:4:3: imageRecipe needs name.",
        (
            "p.yml:4:20: imageRecipe.semanticVersion is not valid: 'x.0.1' has an x before a number."
            " Only the last nodes of a version can be open: 1.2.x, 1.x.x or x.x.x."
        ),
        (
            "p.yml:5:16: imageRecipe.parentImage is not valid: There is no 'debian/bookworm' to bootstrap."
            " Known are debian/11, debian/12, debian/13. Did you mean debian/12?"
        ),
        "p.yml:8:7: imageRecipe.components[0] has no key 'paramters'. Did you mean parameters?",
        "p.yml:10:37: imageRecipe.components[1].parameters[0].value must be a list, but is 'hello'.",
        "p.yml:11:44: imageRecipe.blockDeviceMappings[0].ebs.volumeSize must be 1 or more, but is '0'.",
        (
            "p.yml:11:59: imageRecipe.blockDeviceMappings[0].ebs.volumeType must be standard, io1, io2, gp2, gp3, sc1 or st1,"
            " but is 'gp4'."
        ),
        "p.yml:12:12: imageRecipe.builder must be sandbox or machine, but is 'sandbocks'. Did you mean sandbox?",
        (
            "p.yml:13:13: imageRecipe.amiTags.aws:x must be a tag's key: up to 128 characters, not beginning with aws:,"
            " but is 'aws:x'."
        ),
        "p.yml:14:30: infrastructureConfiguration must be a map, but is a list.",
        "p.yml:15:46: imageTestsConfiguration.imageTestsEnabled must be true or false, but is 'maybe'.",
        "p.yml:15:69: imageTestsConfiguration.timeoutMinutes must be 60 or more, but is '5'.",
        "p.yml:15:82: imageTestsConfiguration.firmware must hold 1 or more, but holds 0.",
        "p.yml:16:9: status must be ENABLED or DISABLED, but is 'enabled'. Did you mean ENABLED?",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: web", "1:1: A pipeline needs imageRecipe."),
        ("name: web\nimageRecipe:", "1:1: A pipeline needs imageRecipe."),
        ("- a", "1:1: A pipeline must be a map, but is a list."),
        (
            "name: web\nimageRecipe: {name: web, semanticVersion: 1.0.0/2, parentImage: debian/12}",
            "2:43: imageRecipe.semanticVersion is not valid: '1.0.0/2' has a build, and builds are counted by themselves.",
        ),
        (
            (
                "name: web\nimageRecipe: {name: web, semanticVersion: 1.0.0, parentImage: debian/12,"
                " components: [{componentArn: a}, {componentArn: a}]}"
            ),
            (
                "2:121: imageRecipe.components[1].componentArn is 'a' again:"
                " A component may be specified in an image recipe at most once."
            ),
        ),
        (
            f"{SMALL}distributionConfiguration: {{distributions: [{{region: a}}]}}",
            (
                "3:45: distributionConfiguration.distributions[0] is empty:"
                " One or more outputs should be provided for each region in a distribution configuration."
            ),
        ),
        (
            f"{SMALL}distributionConfiguration: {{distributions: [{{region: a, amiDistributionConfiguration: {{name: web}}}}]}}",
            (
                "3:94: distributionConfiguration.distributions[0].amiDistributionConfiguration.name must be unique to each build:"
                " it must hold {{ imagebuilder:buildDate }}, but is 'web'."
            ),
        ),
        (
            f"{SMALL}infrastructureConfiguration: {{subnetId: a}}",
            "3:30: infrastructureConfiguration needs securityGroupIds when it has a subnetId.",
        ),
        (
            f"{SMALL}workflows: [{{workflowArn: a}}]",
            (
                "3:27: workflows[0].workflowArn is not valid: 'a' is not an ARN of Image Builder."
                " It looks like arn:aws:imagebuilder:us-east-1:123456789012:component/my-component/1.0.0/1."
            ),
        ),
        (
            f"{SMALL}schedule: {{scheduleExpression: rate(1 days)}}",
            (
                "3:32: schedule.scheduleExpression is not valid: The rate expression '1 days' is not valid. Write rate(1 day)"
                " or rate(2 days): a whole number, and minute, hour or day, with an s from 2 on."
            ),
        ),
        (
            f"{SMALL}imageScanningConfiguration: {{scanResultCondition: {{maximumSeverityLabel: LOW}}}}",
            "3:29: imageScanningConfiguration takes a scanResultCondition only with imageScanningTypes: [ON_DEMAND_AMI_CVE].",
        ),
    ],
)
def test_faulty_pipelines(text, said):
    assert f"p.yml:{said}" in faults_of(text)


def test_a_list_whose_items_are_wrong_is_not_called_empty():
    assert faults_of(f"{SMALL}distributionConfiguration: {{distributions: [{{regoin: a}}]}}") == [
        "p.yml:3:45: distributionConfiguration.distributions[0] needs region.",
        "p.yml:3:46: distributionConfiguration.distributions[0] has no key 'regoin'. Did you mean region?",
    ]


@pytest.mark.parametrize("expression", ["rate(1 day)", "rate(12 hours)", "cron(0 10 ? * 2-6 *)", "cron(0 0 * * ?)"])
def test_schedules_that_are_accepted(expression):
    assert parse_pipeline(f"{SMALL}schedule: {{scheduleExpression: {expression}}}", "p.yml").schedule
