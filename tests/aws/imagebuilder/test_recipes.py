"""Recipes: their versions counted, what they name there and fitting, and kept while a pipeline names them."""

from __future__ import annotations

import base64

import pytest
from botocore.exceptions import ClientError

from tests.aws.imagebuilder.documents import COMPONENT

TEMPLATE = "FROM {{{ imagebuilder:parentImage }}}\n{{{ imagebuilder:environments }}}\n{{{ imagebuilder:components }}}\n"
REPOSITORY = {"service": "ECR", "repositoryName": "web"}


def make(builder, name, version="1.0.0", **more):
    more.setdefault("parentImage", "debian/12")
    return builder.create_image_recipe(name=name, semanticVersion=version, **more)["imageRecipeArn"]


def container(builder, name, version="1.0.0", **more):
    asked = {"parentImage": "debian:12", "dockerfileTemplateData": TEMPLATE, **more}
    return builder.create_container_recipe(
        name=name, semanticVersion=version, containerType="DOCKER", targetRepository=REPOSITORY, **asked
    )["containerRecipeArn"]


def component(builder, name, **more):
    asked = {"semanticVersion": "1.0.0", "platform": "Linux", "data": COMPONENT, **more}
    return builder.create_component(name=name, **asked)["componentBuildVersionArn"]


def told(method, *arguments, **asked):
    """Return the code and the words of a refusal."""
    with pytest.raises(ClientError) as refused:
        method(*arguments, **asked)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_open_version_is_the_next_one(builder):
    made = [make(builder, "counted", version) for version in ("1.0.x", "1.0.x", "1.x.x", "x.x.x", "1.0.x", "2.x.x")]
    assert [arn.rpartition("/")[2] for arn in made] == ["1.0.1", "1.0.2", "1.1.0", "2.0.0", "1.0.3", "2.1.0"]
    got = builder.get_image_recipe(imageRecipeArn=made[0].replace("1.0.1", "1.x.x"))
    assert got["imageRecipe"]["version"] == "1.1.0"
    assert got["latestVersionReferences"] == {
        "latestVersionArn": made[0].replace("1.0.1", "x.x.x"),
        "latestMajorVersionArn": made[0].replace("1.0.1", "1.x.x"),
        "latestMinorVersionArn": made[0].replace("1.0.1", "1.1.x"),
        "latestPatchVersionArn": made[0].replace("1.0.1", "1.1.0"),
    }


def test_what_is_not_said_of_a_recipe_is_left_out(builder):
    recipe = builder.get_image_recipe(imageRecipeArn=make(builder, "bare"))["imageRecipe"]
    assert set(recipe) == {
        "arn", "type", "name", "platform", "owner", "version", "components", "parentImage", "blockDeviceMappings",
        "dateCreated", "tags", "workingDirectory",
    }  # fmt: skip
    assert (recipe["type"], recipe["platform"], recipe["workingDirectory"]) == ("AMI", "Linux", "/tmp")
    assert recipe["tags"] == {}


def test_all_of_a_recipe_comes_back(builder):
    said = {
        "description": "all of it",
        "components": [{"componentArn": component(builder, "whole"), "parameters": [{"name": "Whom", "value": ["x"]}]}],
        "blockDeviceMappings": [
            {"deviceName": "/dev/xvda", "ebs": {"volumeSize": 8, "volumeType": "gp3", "throughput": 125, "iops": 3000}},
            {"deviceName": "/dev/xvdb", "noDevice": ""},
        ],
        "workingDirectory": "/var/tmp",
        "additionalInstanceConfiguration": {
            "systemsManagerAgent": {"uninstallAfterBuild": False},
            "userDataOverride": base64.b64encode(b"#!/bin/sh\n").decode(),
        },
        "amiTags": {"team": "web"},
        "amiWatermarks": ["golden", "web-team"],
    }
    recipe = builder.get_image_recipe(imageRecipeArn=make(builder, "whole recipe", tags={"a": "b"}, **said))
    assert {name: recipe["imageRecipe"][name] for name in said} == said
    assert recipe["imageRecipe"]["tags"] == {"a": "b"}


@pytest.mark.parametrize("version", ["x.0.1", "1.x.3", "1.0", "1.0.0/1", "1.0.1073741824", "01.x.1", "v1.0.0", "1.0.X"])
def test_a_version_of_no_form_is_refused(builder, refusal, version):
    asked = {"name": "formless", "semanticVersion": version, "parentImage": "debian/12"}
    assert refusal(builder.create_image_recipe, **asked) == "InvalidVersionNumberException"


def test_the_last_number_has_no_next(builder, refusal):
    make(builder, "at the end", "1.0.1073741823")
    asked = {"name": "at the end", "semanticVersion": "1.0.x", "parentImage": "debian/12"}
    assert refusal(builder.create_image_recipe, **asked) == "InvalidVersionNumberException"


def test_names_that_make_one_arn_are_one_name(builder):
    first = make(builder, "Web_Server 1")
    assert first.endswith("image-recipe/web-server-1/1.0.0")
    code, said = told(make, builder, "web server-1")
    assert code == "ResourceAlreadyExistsException"
    assert said == f"The following resource 'ImageRecipe' already exists: '{first}'."


@pytest.mark.parametrize("name", ["ab", " abc", "abc ", "a" * 129, "a/b/c", "a.b", "äöü", "abc\n", "a:b"])
def test_a_name_of_no_form_is_refused(builder, refusal, name):
    asked = {"name": name, "semanticVersion": "1.0.0", "parentImage": "debian/12"}
    assert refusal(builder.create_image_recipe, **asked) == "InvalidRequestException"


@pytest.mark.parametrize("name", ["abc", "a" * 128, "_a_", "-b-", "0 0", "A  B"])
def test_names_at_the_edges_are_names(builder, name):
    make(builder, name)
    rows = builder.list_image_recipes(filters=[{"name": "name", "values": [name]}])["imageRecipeSummaryList"]
    assert [row["name"] for row in rows] == [name]


@pytest.mark.parametrize(
    ("parent", "words"),
    [
        ("ami-0123456789abcdef0", "The image id '[ami-0123456789abcdef0]' does not exist"),
        ("arn:aws:imagebuilder:us-east-1:aws:image/windows-server-2022/x.x.x", "does not exist"),
        ("arn:aws:imagebuilder:us-east-1:aws:component/nginx/x.x.x", "a parent is an image"),
        ("arn:aws:imagebuilder:us-west-2:aws:image/debian-12-x86/x.x.x", "does not exist"),
        ("arn:aws-cn:imagebuilder:us-east-1:aws:image/debian-12-x86/x.x.x", "does not exist"),
        ("./disk.qcow2", "for its command line"),
        ("/etc/shadow.tar", "for its command line"),
        ("debian/bookworm", "Did you mean debian/12?"),
        ("nothing/at/all", "no parent image"),
    ],
)
def test_a_parent_that_is_not_there_is_refused(builder, parent, words):
    code, said = told(make, builder, "orphan", parentImage=parent)
    assert code == "InvalidRequestException"
    assert said.startswith("The value supplied for parameter 'parentImage' is not valid.")
    assert words in said


def test_parents_that_are_there_are_taken(builder):
    image = "arn:aws:imagebuilder:us-east-1:aws:image/debian-12-x86"
    for number, parent in enumerate((f"{image}/x.x.x", f"{image}/12.x.x", f"{image}/12.0.0/1", "ssm:/golden/ami")):
        make(builder, f"child {number}", parentImage=parent)


def test_components_must_fit_their_parent(builder):
    windows = component(builder, "for windows", platform="Windows")
    code, said = told(make, builder, "unfit", components=[{"componentArn": windows}])
    assert code == "InvalidRequestException"
    assert "components[0].componentArn" in said
    assert "Component ARN does not match the Parent Image Platform" in said
    other = component(builder, "for another", supportedOsVersions=["Amazon Linux"])
    assert "does not support the Parent Image OS Version" in told(make, builder, "unfit", components=[{"componentArn": other}])[1]  # fmt: skip
    fitting = component(builder, "for debian", supportedOsVersions=["Debian"])
    make(builder, "fitting", components=[{"componentArn": fitting}])
    code, said = told(make, builder, "twice", components=[{"componentArn": fitting}, {"componentArn": fitting}])
    assert "at most once" in said


def test_a_component_s_parameters_are_those_that_it_has(builder):
    plain = component(builder, "with parameters")
    asked = [{"componentArn": plain, "parameters": [{"name": "Whose", "value": ["x"]}]}]
    assert "has no parameter 'Whose'. It has: Whom." in told(make, builder, "asks", components=asked)[1]
    demanding = component(builder, "demanding", data=COMPONENT.replace("default: world, ", ""))
    assert "needs a value for Whom" in told(make, builder, "asks", components=[{"componentArn": demanding}])[1]


def test_a_recipe_has_twenty_components_and_an_operator_may_say_another_number(fresh, refusal):
    builder = fresh.client("imagebuilder")
    made = [{"componentArn": component(builder, f"part {number}")} for number in range(21)]
    make(builder, "full", components=made[:20])
    asked = {"name": "over-full", "semanticVersion": "1.0.0", "parentImage": "debian/12", "components": made}
    code, said = told(builder.create_image_recipe, **asked)
    assert code == "ServiceQuotaExceededException"
    assert "components of a recipe: 20" in said
    quotas = {"components-of-a-recipe": 21, "image-recipe": 2}
    fresh.cloud.settings = fresh.cloud.settings.model_copy(update={"quotas": quotas})
    builder.create_image_recipe(**asked)
    code, said = told(make, builder, "one more")
    assert code == "ServiceQuotaExceededException"
    assert "ImageRecipes: 2" in said


@pytest.mark.parametrize(
    "wrong",
    [
        {"blockDeviceMappings": [{"ebs": {"iops": 99}}]},
        {"blockDeviceMappings": [{"ebs": {"volumeSize": 0}}]},
        {"blockDeviceMappings": [{"ebs": {"volumeSize": 16001}}]},
        {"blockDeviceMappings": [{"ebs": {"throughput": 124}}]},
        {"blockDeviceMappings": [{"ebs": {"volumeType": "gp4"}}]},
        {"blockDeviceMappings": [{"noDevice": "yes"}]},
        {"amiWatermarks": ["ab"]},
        {"amiWatermarks": ["watermark"] * 6},
        {"amiWatermarks": []},
        {"additionalInstanceConfiguration": {"userDataOverride": "not base64!"}},
        {"additionalInstanceConfiguration": {"userDataOverride": "AAAA" * 5462}},
        {"amiTags": {"CreatedBy": "me"}},
        {"amiTags": {"Ec2ImageBuilderArn": "me"}},
        {"amiTags": {"aws:mine": "me"}},
        {"tags": {"aws:mine": "me"}},
        {"tags": {"k" * 129: "v"}},
        {"tags": {"k": "v" * 257}},
        {"tags": {f"k{number}": "v" for number in range(51)}},
        {"tags": {"": "v"}},
        {"components": []},
        {"description": ""},
        {"workingDirectory": "relative"},
        {"parentImage": ""},
    ],
    ids=str,
)
def test_members_out_of_bounds_are_refused(builder, refusal, wrong):
    asked = {"name": "bounds", "semanticVersion": "1.0.0", "parentImage": "debian/12", **wrong}
    assert refusal(builder.create_image_recipe, **asked) == "InvalidRequestException"


def test_a_recipe_is_kept_while_a_pipeline_names_it(builder, parts):
    made = parts(builder, "needed")
    for version in ("x.x.x", "1.0.0"):
        arn = made["imageRecipeArn"].replace("1.0.0", version)
        pipeline = builder.create_image_pipeline(name="needs it", **{**made, "imageRecipeArn": arn})["imagePipelineArn"]
        code, said = told(builder.delete_image_recipe, imageRecipeArn=made["imageRecipeArn"])
        assert code == "ResourceDependencyException"
        assert said == (
            f"Resource dependency error: The resource ARN '{made['imageRecipeArn']}' has other resources depended on "
            f"it. They are: {pipeline}."
        )
        builder.delete_image_pipeline(imagePipelineArn=pipeline)
    assert builder.delete_image_recipe(imageRecipeArn=made["imageRecipeArn"])["imageRecipeArn"]


def test_an_open_arn_deletes_nothing(builder, refusal):
    arn = make(builder, "left alone")
    for wild in ("x.x.x", "1.x.x", "1.0.x"):
        code = refusal(builder.delete_image_recipe, imageRecipeArn=arn.replace("1.0.0", wild))
        assert code in {"ResourceNotFoundException", "InvalidRequestException"}
    builder.delete_image_recipe(imageRecipeArn=arn)


def test_a_container_recipe_is_told_in_full(builder):
    made = container(
        builder,
        "container",
        components=[{"componentArn": component(builder, "in a container")}],
        instanceConfiguration={"image": "ami-0123456789abcdef0", "blockDeviceMappings": [{"ebs": {"volumeSize": 8}}]},
        description="web",
    )
    recipe = builder.get_container_recipe(containerRecipeArn=made)["containerRecipe"]
    assert recipe["dockerfileTemplateData"] == TEMPLATE
    assert recipe["encrypted"] is True
    assert recipe["containerType"] == "DOCKER"
    assert recipe["targetRepository"] == REPOSITORY
    rows = builder.list_container_recipes(filters=[{"name": "containerType", "values": ["DOCKER"]}])
    assert [each["arn"] for each in rows["containerRecipeSummaryList"]] == [made]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dockerfileTemplateUri": "s3://a/b"}, "either dockerfileTemplateData or"),
        ({"dockerfileTemplateData": None}, "You must specify either dockerfileTemplateData or a dockerfileTemplateUri"),
        ({"dockerfileTemplateData": None, "dockerfileTemplateUri": "https://a/b"}, "Invalid S3 URI"),
        ({"dockerfileTemplateData": "FROM debian"}, "imagebuilder:parentImage"),
        ({"platformOverride": "macOS"}, "Container recipes don't currently support the macOS platform"),
        ({"platformOverride": "Windows"}, "built on this Linux host"),
        (
            {
                "parentImage": "arn:aws:imagebuilder:us-east-1:aws:image/debian-12-x86/x.x.x",
                "platformOverride": "Linux",
            },
            "You cannot specify a platform override when using an Image Builder Image as your parent",
        ),
        ({"parentImage": "arn:aws:imagebuilder:us-east-1:aws:image/debian-12-x86/x.x.x"}, "is no container image"),
        ({"parentImage": "arn:aws:imagebuilder:us-east-1:aws:image/nothing/x.x.x"}, "does not exist"),
        ({"parentImage": "arn:aws:iam::aws:policy/x"}, "not an ARN of Image Builder"),
        ({"targetRepository": {"service": "DOCKER_HUB", "repositoryName": "x"}}, "enum value set"),
    ],
    ids=str,
)
def test_a_container_recipe_that_could_not_be_built_is_refused(builder, wrong, words):
    asked = {
        "name": "refused",
        "semanticVersion": "1.0.0",
        "containerType": "DOCKER",
        "parentImage": "debian:12",
        "targetRepository": REPOSITORY,
        "dockerfileTemplateData": TEMPLATE,
        **wrong,
    }
    code, said = told(builder.create_container_recipe, **{name: value for name, value in asked.items() if value})
    assert code == "InvalidRequestException"
    assert words in said


def test_placeholders_of_components_are_needed_and_in_order(builder):
    used = [{"componentArn": component(builder, "placed")}]
    lines = TEMPLATE.splitlines(keepends=True)
    for template in ("".join(lines[:2]), lines[0] + lines[2], lines[0] + lines[2] + lines[1]):
        assert told(container, builder, "x", components=used, dockerfileTemplateData=template)[0] == "InvalidRequestException"  # fmt: skip
    container(builder, "without any", dockerfileTemplateData=lines[0])
