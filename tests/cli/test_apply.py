"""`goldsmith apply` as a person types it: a plan, what it makes, and that a second time nothing is written."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from goldsmith.aws.cloud import Cloud
from goldsmith.catalog.accounts import create_account
from goldsmith.cli.here import here
from goldsmith.cli.main import app
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.home import Home

EXAMPLES = Path(__file__).parents[2] / "examples"
COMPONENT = """\
name: greeter
description: Says hello.
schemaVersion: 1.0
parameters:
  - Greeting: {type: string, default: Hello}
phases:
  - name: build
    steps:
      - name: Greet
        action: ExecuteBash
        inputs: {commands: ['echo "{{ Greeting }}"']}
"""
PIPELINE = """\
name: web
description: What the web runs on.
imageRecipe:
  name: web
  semanticVersion: 1.0.x
  parentImage: debian/12
  components:
    - componentArn: nginx
    - componentArn: ./greeter.yml
      parameters: [{name: Greeting, value: [Hi]}]
distributionConfiguration:
  distributions:
    - region: us-east-1
      amiDistributionConfiguration:
        name: "web {{ imagebuilder:buildDate }}"
schedule: {scheduleExpression: cron(0 3 * * ? *)}
cleanup: {accounts: remove}
tags: {team: web}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a pipeline and its component, beside a home with an account."""
    monkeypatch.setenv("GOLDSMITH_HOME", str(tmp_path / "home"))
    cloud = Cloud(Home.default().ready())
    cloud.database.prepare()
    with cloud.database.writing() as connection:
        create_account(connection, "acme", number="111122223333")
    cloud.close()
    files = tmp_path / "files"
    files.mkdir()
    (files / "greeter.yml").write_text(COMPONENT)
    (files / "web.yml").write_text(PIPELINE)
    return files


def invoke(*words):
    done = CliRunner().invoke(app, ["apply", *map(str, words)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def applied(*words):
    """Return the plan's rows of a run that makes it: verb, kind and name, and which were made."""
    rows = json.loads(invoke(*words, "--yes", "--json"))
    return [(row["plan"], row["kind"], row["name"]) for row in rows]


def edit(file, before, after):
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


def resources():
    with sqlite3.connect(Home.default().path / "catalog.sqlite") as database:
        return database.execute("select kind, id, document, inner from resources order by position").fetchall()


def shown(operation, member, **parameters):
    with here() as home:
        return home.call("imagebuilder", operation, **parameters)[member]


ARN = "arn:aws:imagebuilder:us-east-1:111122223333"


def test_a_pipeline_file_becomes_aws_resources_and_a_second_time_nothing_is_written(folder):
    assert applied(folder) == [
        ("create", "component", "greeter 1.0.0"),
        ("create", "image-recipe", "web 1.0.1"),
        ("create", "infrastructure-configuration", "web"),
        ("create", "distribution-configuration", "web"),
        ("create", "image-pipeline", "web"),
    ]
    recipe = shown("GetImageRecipe", "imageRecipe", imageRecipeArn=f"{ARN}:image-recipe/web/1.0.1")
    assert recipe["parentImage"] == "debian/12"
    assert recipe["components"] == [
        {"componentArn": "arn:aws:imagebuilder:us-east-1:aws:component/nginx/x.x.x"},
        {"componentArn": f"{ARN}:component/greeter/1.0.x", "parameters": [{"name": "Greeting", "value": ["Hi"]}]},
    ]
    pipeline = shown("GetImagePipeline", "imagePipeline", imagePipelineArn=f"{ARN}:image-pipeline/web")
    assert pipeline["imageRecipeArn"] == recipe["arn"]
    assert pipeline["schedule"]["scheduleExpression"] == "cron(0 3 * * ? *)"
    assert pipeline["tags"] == {"team": "web"}
    before = resources()
    assert {json.loads(row[3]).get("cleanup", {}).get("accounts") for row in before if row[0] == "image-pipeline"} == {
        "remove"
    }
    with here() as home:
        begun = home.call("imagebuilder", "StartImagePipelineExecution", imagePipelineArn=pipeline["arn"])
        with home.cloud.catalog(home.account, "us-east-1", writes=False) as catalog:
            image = catalog.own("image-build", begun["imageBuildVersionArn"])
    assert image.inner["cleanup"] == {"accounts": "remove"}
    before = resources()
    assert {verb for verb, _, _ in applied(folder)} == {"unchanged"}
    assert "Everything is as the files say." in invoke(folder)
    assert resources() == before


def test_what_changes_is_a_new_build_a_new_version_or_an_update(folder):
    applied(folder)
    edit(folder / "greeter.yml", 'echo "{{', 'echo  "{{')
    assert applied(folder / "web.yml")[0] == ("new build", "component", "greeter 1.0.0/2")
    edit(folder / "web.yml", "value: [Hi]", "value: [Hej]")
    edit(folder / "web.yml", "team: web", "team: net")
    rows = json.loads(invoke(folder / "web.yml", "--json", "--yes"))
    assert [(row["plan"], row["name"]) for row in rows if row["calls"]] == [
        ("new version", "web 1.0.2"),
        ("update", "web"),
    ]
    assert rows[1]["details"] == ["components[1].parameters[0].value[0]: Hi → Hej"]
    assert rows[-1]["details"] == [
        "imageRecipeArn: image-recipe/web/1.0.1 → image-recipe/web/1.0.2",
        "tags.team: web → net",
    ]
    assert {verb for verb, _, _ in applied(folder)} == {"unchanged"}
    edit(folder / "web.yml", "cron(0 3", "cron(0 4")
    assert ("update", "image-pipeline", "web") in applied(folder)
    edit(folder / "web.yml", "  parentImage:", "  builder: machine\n  parentImage:")
    assert applied(folder)[2] == ("update", "infrastructure-configuration", "web")
    edit(folder / "web.yml", "cleanup: {accounts: remove}\n", "")
    assert json.loads(invoke(folder, "--json", "--yes"))[-1]["details"] == ["cleanup: another"]
    assert {verb for verb, _, _ in applied(folder)} == {"unchanged"}


def test_a_pipeline_that_was_disabled_stays_so_unless_the_file_says(folder):
    applied(folder)
    with here() as home:
        pipeline = home.call("imagebuilder", "GetImagePipeline", imagePipelineArn=f"{ARN}:image-pipeline/web")[
            "imagePipeline"
        ]
        members = (
            "imageRecipeArn",
            "infrastructureConfigurationArn",
            "distributionConfigurationArn",
            "schedule",
            "description",
        )
        kept = {member: pipeline[member] for member in members}
        home.call("imagebuilder", "UpdateImagePipeline", imagePipelineArn=pipeline["arn"], status="DISABLED", **kept)
    assert {verb for verb, _, _ in applied(folder)} == {"unchanged"}
    edit(folder / "web.yml", "cron(0 3", "cron(0 4")
    applied(folder)
    assert shown("GetImagePipeline", "imagePipeline", imagePipelineArn=pipeline["arn"])["status"] == "DISABLED"
    edit(folder / "web.yml", "tags:", "status: ENABLED\ntags:")
    applied(folder)
    assert shown("GetImagePipeline", "imagePipeline", imagePipelineArn=pipeline["arn"])["status"] == "ENABLED"


def test_a_fixed_version_with_other_contents_is_refused_before_anything_is_done(folder):
    edit(folder / "web.yml", "1.0.x", "1.0.0")
    applied(folder)
    edit(folder / "web.yml", "value: [Hi]", "value: [Hej]")
    edit(folder / "greeter.yml", "Says hello", "Says hej")
    before = resources()
    with pytest.raises(GoldsmithError, match=r"web 1.0.0 is there with other contents.*raise it, or write 1.0.x"):
        invoke(folder, "--yes")
    assert resources() == before


def test_nobody_to_agree_is_told_and_nothing_is_made(folder):
    with pytest.raises(GoldsmithError, match="Nobody is there to agree") as refused:
        invoke(folder)
    assert "--yes" in refused.value.mend
    assert "create" in invoke(folder, "--plan")
    assert resources() == []


def test_what_is_refused_half_way_is_told_with_what_is_made_and_goes_on(folder):
    edit(folder / "web.yml", "region: us-east-1", "region: mars-north-1")
    with pytest.raises(
        GoldsmithError, match=r"web.yml:1:1: distribution-configuration web: .*no region mars-north-1"
    ) as refused:
        invoke(folder, "--yes")
    assert "3 of 5 changes are made and stay. Applied again, it goes on." in refused.value.mend
    edit(folder / "web.yml", "mars-north-1", "us-east-1")
    assert [verb for verb, _, _ in applied(folder)] == ["unchanged", "unchanged", "unchanged", "create", "create"]


def test_two_files_cannot_want_one_resource_each_otherwise(folder):
    (folder / "other.yml").write_text(PIPELINE.replace("cron(0 3", "cron(0 5"))
    with pytest.raises(GoldsmithError, match=r"image-pipeline web is wanted otherwise in .*other.yml"):
        invoke(folder)
    (folder / "other.yml").write_text(PIPELINE)
    assert len(applied(folder)) == 5


def test_a_folder_without_anything_and_a_file_of_no_kind(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(GoldsmithError, match="holds nothing to apply"):
        invoke(tmp_path / "empty")
    (folder / "notes.yml").write_text("a: b\n")
    with pytest.raises(GoldsmithError, match="no pipeline file, no CloudFormation template"):
        invoke(folder / "notes.yml")
    assert len(applied(folder)) == 5


def test_a_template_with_what_surrounds_its_pipeline(folder):
    template = EXAMPLES / "pipelines" / "template.yml"
    assert applied(template, "-p", "Stage=prod") == [
        ("create", "role", "template-BuildRole"),
        ("create", "instance-profile", "template-BuildProfile"),
        ("create", "component", "banner-prod 1.0.0"),
        ("create", "image-recipe", "bannered-prod 1.0.1"),
        ("left out", "AWS::SNS::Topic", "Builds"),
        ("create", "infrastructure-configuration", "bannered-prod"),
        ("create", "distribution-configuration", "bannered-prod"),
        ("create", "image-pipeline", "bannered-prod"),
        ("create", "lifecycle-policy", "bannered-prod"),
    ]
    before = resources()
    assert {verb for verb, _, _ in applied(template, "-p", "Stage=prod")} == {"unchanged", "left out"}
    assert resources() == before
    infrastructure = shown(
        "GetInfrastructureConfiguration",
        "infrastructureConfiguration",
        infrastructureConfigurationArn=f"{ARN}:infrastructure-configuration/bannered-prod",
    )
    assert infrastructure["instanceProfileName"] == "template-BuildProfile"
    assert infrastructure["snsTopicArn"] == "arn:aws:sns:us-east-1:111122223333:template-Builds"
    assert len(applied(template)) == 7
    with pytest.raises(GoldsmithError, match="Stage must be one of dev, prod, but is 'test'"):
        invoke(template, "-p", "Stage=test")
    with pytest.raises(GoldsmithError, match="has no parameter Stag"):
        invoke(template, "-p", "Stag=dev")


SYNTHESISED = {
    "Resources": {
        "Pipeline9F": {
            "Type": "AWS::ImageBuilder::ImagePipeline",
            "Properties": {
                "Name": "synth",
                "ImageRecipeArn": {"Fn::GetAtt": ["Recipe1A", "Arn"]},
                "InfrastructureConfigurationArn": {"Fn::GetAtt": ["Infra2B", "Arn"]},
                "ImageTestsConfiguration": {"ImageTestsEnabled": False, "TimeoutMinutes": 60},
            },
            "Metadata": {"aws:cdk:path": "Stack/Pipeline"},
        },
        "Recipe1A": {
            "Type": "AWS::ImageBuilder::ImageRecipe",
            "Properties": {
                "Name": "synth",
                "Version": "1.0.0",
                "ParentImage": {
                    "Fn::Join": [
                        "",
                        [
                            "arn:",
                            {"Ref": "AWS::Partition"},
                            ":imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x",
                        ],
                    ]
                },
                "Components": [
                    {"ComponentArn": {"Fn::GetAtt": ["Component3C", "Arn"]}},
                    {
                        "ComponentArn": "arn:aws:imagebuilder:us-east-1:aws:component/amazon-cloudwatch-agent-linux/x.x.x"
                    },
                ],
                "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "VolumeType": "gp3"}}],
            },
        },
        "Component3C": {
            "Type": "AWS::ImageBuilder::Component",
            "Properties": {"Name": "synth", "Version": "1.0.0", "Platform": "Linux", "Data": COMPONENT},
        },
        "Infra2B": {
            "Type": "AWS::ImageBuilder::InfrastructureConfiguration",
            "Properties": {
                "Name": "synth",
                "InstanceProfileName": {"Ref": "Profile4D"},
                "SubnetId": {"Ref": "Subnet5E"},
                "SecurityGroupIds": [{"Fn::GetAtt": ["Group6F", "GroupId"]}],
                "Logging": {"S3Logs": {"S3BucketName": {"Ref": "Logs7A"}}},
            },
        },
        "Profile4D": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role8B"}]}},
        "Role8B": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                "Policies": [{"PolicyName": "logs", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}],
            },
        },
        "Subnet5E": {"Type": "AWS::EC2::Subnet", "Properties": {"CidrBlock": {"Fn::Cidr": ["10.0.0.0/16", 1, 8]}}},
        "Group6F": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "builds"}},
        "Logs7A": {"Type": "AWS::S3::Bucket"},
        "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2"}, "Condition": "Available"},
    },
    "Conditions": {
        "Available": {"Fn::Or": [{"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}, {"Fn::Equals": [1, 2]}]}
    },
    "Parameters": {
        "BootstrapVersion": {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": "/cdk-bootstrap/hnb659fds/version",
        }
    },
    "Rules": {"CheckBootstrapVersion": {"Assertions": []}},
}


def test_a_synthesised_template_with_a_network_and_amazons_own_parts(folder):
    file = folder / "stack.template.json"
    file.write_text(json.dumps(SYNTHESISED))
    with pytest.raises(GoldsmithError, match=r"amazon-linux-2023-x86/x.x.x is not here.*--parent debian/12"):
        invoke(file, "--yes")
    with pytest.raises(GoldsmithError, match=r"amazon-cloudwatch-agent-linux/x.x.x is not here.*--skip-missing"):
        invoke(file, "--yes", "--parent", "debian/12")
    given = (file, "--parent", "debian/12", "--skip-missing")
    rows = {(verb, kind) for verb, kind, _ in applied(*given)}
    assert ("left out", "AWS::EC2::Subnet") in rows
    assert ("left out", "AWS::CDK::Metadata") in rows
    assert ("create", "image-pipeline") in rows
    assert {verb for verb, _, _ in applied(*given)} == {"unchanged", "left out"}
    with here() as home:
        arn = f"{ARN}:infrastructure-configuration/synth"
        found = home.call("imagebuilder", "GetInfrastructureConfiguration", infrastructureConfigurationArn=arn)
        subnets = {each["SubnetId"] for each in home.ec2("DescribeSubnets")["Subnets"]}
    configuration = found["infrastructureConfiguration"]
    assert configuration["subnetId"] in subnets
    assert configuration["logging"] == {"s3Logs": {"s3BucketName": "stack.template-logs7a"}}


def test_launch_templates_parameters_and_texts_of_buckets(folder):
    bucket = Home.default().buckets / "111122223333" / "documents"
    bucket.mkdir(parents=True)
    (bucket / "greeter.yml").write_text(COMPONENT)
    file = folder / "template.yml"
    file.write_text(
        """
Resources:
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateName: web
      LaunchTemplateData: {InstanceType: t3.small, EbsOptimized: true, TagSpecifications: [
        {ResourceType: instance, Tags: [{Key: role, Value: web}]}]}
  Newest:
    Type: AWS::SSM::Parameter
    Properties: {Name: /web/template, Type: String, Value: !Sub "${Template}:${Template.LatestVersionNumber}"}
  Component:
    Type: AWS::ImageBuilder::Component
    Properties: {Name: stored, Version: 1.0.0, Platform: Linux, Uri: s3://documents/greeter.yml}
"""
    )
    assert [verb for verb, _, _ in applied(file)] == ["create", "create", "create"]
    assert {verb for verb, _, _ in applied(file)} == {"unchanged"}
    with here() as home:
        value = home.call("ssm", "GetParameter", Name="/web/template")["Parameter"]["Value"]
    assert value.startswith("lt-")
    assert value.endswith(":1")
    edit(file, "t3.small", "t3.large")
    assert [verb for verb, _, _ in applied(file)] == ["new version", "update", "unchanged"]
    (bucket / "greeter.yml").write_text(COMPONENT.replace("hello", "hej"))
    assert applied(file)[2] == ("new build", "component", "stored 1.0.0/2")
    assert {verb for verb, _, _ in applied(file)} == {"unchanged"}


def test_a_component_longer_than_a_request_takes_goes_through_a_bucket(folder):
    long = COMPONENT.replace("Says hello.", "Says hello.\n# " + "x" * 20_000)
    (folder / "greeter.yml").write_text(long)
    assert applied(folder / "greeter.yml") == [("create", "component", "greeter 1.0.0")]
    assert {verb for verb, _, _ in applied(folder / "greeter.yml")} == {"unchanged"}
    arn = f"{ARN}:component/greeter/1.0.0/1"
    assert shown("GetComponent", "component", componentBuildVersionArn=arn)["data"] == long


def test_several_templates_share_parameters(folder):
    template = "Parameters: {%s: {Type: String}}\nResources: {C: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref %s}}}\n"
    (folder / "one.yml").write_text(template % ("One", "One"))
    (folder / "two.yml").write_text(template % ("Two", "Two"))
    rows = json.loads(invoke(folder, "--plan", "--json", "-p", "One=first", "-p", "Two=second"))
    assert [row["reference"].rpartition(":")[2] for row in rows if row["plan"] == "left out"] == ["first", "second"]
    with pytest.raises(GoldsmithError, match="No template has a parameter Three"):
        invoke(folder, "--plan", "-p", "Three=3")


def test_a_recipe_is_left_without_components_where_none_is_here(folder):
    lone = {**SYNTHESISED, "Resources": {"Recipe": json.loads(json.dumps(SYNTHESISED["Resources"]["Recipe1A"]))}}
    del lone["Resources"]["Recipe"]["Properties"]["Components"][0]
    (folder / "lone.json").write_text(json.dumps(lone))
    assert applied(folder / "lone.json", "--parent", "debian/12", "--skip-missing") == [
        ("create", "image-recipe", "synth 1.0.0")
    ]
    recipe = shown("GetImageRecipe", "imageRecipe", imageRecipeArn=f"{ARN}:image-recipe/synth/1.0.0")
    assert recipe["components"] == []
