"""Tags: of every kind of resource, merged, taken off, and bounded."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from tests.aws.imagebuilder.documents import WORKFLOW
from tests.aws.imagebuilder.test_configurations import distribution
from tests.aws.imagebuilder.test_recipes import container, told


@pytest.fixture(scope="module")
def tagged(served):
    """One ARN of each kind."""
    builder = served.client("imagebuilder")
    infrastructure = builder.create_infrastructure_configuration(name="tagged", instanceProfileName="builder")
    recipe = builder.create_image_recipe(name="tagged", semanticVersion="1.0.0", parentImage="debian/12")
    parts = {name: made[name] for made in (infrastructure, recipe) for name in made if name.endswith("Arn")}
    workflow = builder.create_workflow(name="tagged", semanticVersion="1.0.0", type="BUILD", data=WORKFLOW)
    policy = builder.create_lifecycle_policy(
        name="tagged",
        executionRole="role",
        resourceType="AMI_IMAGE",
        policyDetails=[{"action": {"type": "DELETE"}, "filter": {"type": "COUNT", "value": 1}}],
        resourceSelection={"tagMap": {"a": "b"}},
    )
    return {
        **parts,
        "distribution": distribution(builder, "tagged"),
        "container": container(builder, "tagged"),
        "workflow": workflow["workflowBuildVersionArn"],
        "policy": policy["lifecyclePolicyArn"],
        "pipeline": builder.create_image_pipeline(name="tagged", **parts)["imagePipelineArn"],
        "image": builder.create_image(**parts)["imageBuildVersionArn"],
    }


def test_every_kind_is_tagged(builder, tagged):
    for arn in tagged.values():
        assert builder.list_tags_for_resource(resourceArn=arn)["tags"] == {}
        assert builder.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})["ResponseMetadata"]["HTTPStatusCode"] == 200  # fmt: skip
        builder.tag_resource(resourceArn=arn, tags={"b": "3", "c d/e:f@g": ""})
        assert builder.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "1", "b": "3", "c d/e:f@g": ""}
        builder.untag_resource(resourceArn=arn, tagKeys=["a", "c d/e:f@g", "never there"])
        assert builder.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "3"}
        builder.untag_resource(resourceArn=arn, tagKeys=["b"])


@pytest.mark.parametrize(
    "tags",
    [{"aws:x": "y"}, {"": "y"}, {"k" * 129: "v"}, {"k": "v" * 257}, {"k?": "v"}, {f"k{n}": "" for n in range(51)}],
    ids=lambda tags: str(tags)[:40],
)
def test_tags_out_of_bounds_are_refused(builder, tagged, refusal, tags):
    asked = {"resourceArn": tagged["pipeline"], "tags": tags}
    assert refusal(builder.tag_resource, **asked) == "InvalidParameterException"


def test_a_resource_has_fifty_tags(builder, tagged):
    arn = tagged["distribution"]
    builder.tag_resource(resourceArn=arn, tags={f"k{number}": "v" for number in range(50)})
    builder.tag_resource(resourceArn=arn, tags={"k0": "another"})
    code, said = told(builder.tag_resource, resourceArn=arn, tags={"one more": "v"})
    assert code == "InvalidParameterException"
    assert "50" in said
    builder.untag_resource(resourceArn=arn, tagKeys=[f"k{number}" for number in range(50)])
    assert builder.list_tags_for_resource(resourceArn=arn)["tags"] == {}
    too_many = {"resourceArn": arn, "tagKeys": [f"k{number}" for number in range(51)]}
    assert told(builder.untag_resource, **too_many)[0] == "InvalidParameterException"


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("nonsense", "InvalidParameterException"),
        ("arn:aws:ec2:us-east-1:123456789012:image/ami-1", "InvalidParameterException"),
        ("arn:aws:imagebuilder:us-east-1:123456789012:image/x/x.1.x", "InvalidParameterException"),
        ("arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/x", "ResourceNotFoundException"),
        ("arn:aws:imagebuilder:us-east-1:aws:component/nginx/x.x.x", "ResourceNotFoundException"),
        ("arn:aws:imagebuilder:eu-west-1:123456789012:component/x/1.0.0/1", "ResourceNotFoundException"),
    ],
)
def test_what_cannot_be_tagged_is_refused(builder, arn, code):
    for method, more in (
        (builder.list_tags_for_resource, {}),
        (builder.tag_resource, {"tags": {"a": "b"}}),
        (builder.untag_resource, {"tagKeys": ["a"]}),
    ):
        assert told(method, resourceArn=arn, **more)[0] == code


def test_another_s_resources_are_not_tagged(of_account, tagged):
    other = of_account("other")
    for arn in tagged.values():
        assert told(other.tag_resource, resourceArn=arn, tags={"a": "b"})[0] == "ResourceNotFoundException"
        assert told(other.list_tags_for_resource, resourceArn=arn)[0] == "ResourceNotFoundException"


def test_the_wire_has_the_arn_as_one_part_of_the_path_and_keys_repeated(served, builder, tagged):
    arn = tagged["image"]
    builder.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2", "c": "3"})
    key = served.credential()
    url = f"{served.url}/tags/{quote(arn, safe='')}?tagKeys=a&tagKeys=b"
    assert "%2F" in url
    request = AWSRequest("DELETE", url)
    SigV4Auth(Credentials(key.key_id, key.secret), "imagebuilder", "us-east-1").add_auth(request)
    answered = URLLib3Session().send(request.prepare())
    assert (answered.status_code, answered.content) == (200, b"{}")
    assert builder.list_tags_for_resource(resourceArn=arn)["tags"] == {"c": "3"}
    builder.untag_resource(resourceArn=arn, tagKeys=["c"])
