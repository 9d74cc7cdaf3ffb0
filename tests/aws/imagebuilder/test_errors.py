"""Refusals on the wire: their codes, statuses and form, and dry runs."""

from __future__ import annotations

import json
import uuid

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from goldsmith.aws.models import service_model
from goldsmith.aws.operations import imagebuilder
from tests.aws.imagebuilder.documents import COMPONENT, WORKFLOW
from tests.aws.imagebuilder.test_configurations import OUT
from tests.aws.imagebuilder.test_recipes import REPOSITORY, TEMPLATE


@pytest.fixture
def send(served):
    """Sign and send a request as it is; return its status, headers and body."""

    def post(method, path, body=b"", account="acme"):
        key = served.credential(account)
        request = AWSRequest(method, f"{served.url}{path}", data=body)
        SigV4Auth(Credentials(key.key_id, key.secret), "imagebuilder", "us-east-1").add_auth(request)
        answered = URLLib3Session().send(request.prepare())
        return answered.status_code, answered.headers, answered.content

    return post


def test_all_77_operations_are_answered():
    names = service_model("imagebuilder").operation_names
    assert len(names) == 77
    assert [name for name in names if imagebuilder.find(name) is None] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/GetImage?imageBuildVersionArn=nonsense", b"", 400, "InvalidRequestException"),
        ("GET", "/GetImage", b"", 400, "InvalidRequestException"),
        ("GET", "/GetImagePipeline?imagePipelineArn=arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/x", b"", 404, "ResourceNotFoundException"),
        ("POST", "/ListImages", b"{", 400, "InvalidRequestException"),
        ("POST", "/ListImages", b"[]", 400, "InvalidRequestException"),
        ("POST", "/ListImages", b'{"maxResults":"5"}', 400, "InvalidRequestException"),
        ("POST", "/ListImages", b'{"byName":"true"}', 400, "InvalidRequestException"),
        ("POST", "/ListImages", b'{"filters":{}}', 400, "InvalidRequestException"),
        ("POST", "/ListImages", b'{"nextToken":"x"}', 400, "InvalidPaginationTokenException"),
        ("POST", "/ListImages", b"[" * 100_000, 400, "InvalidRequestException"),
        ("POST", "/ListImages", b'{"owner":"\xff"}', 400, "InvalidRequestException"),
        ("PUT", "/CreateComponent", b"{}", 400, "InvalidRequestException"),
        ("POST", "/CreateComponent", b"{}", 404, "UnknownOperationException"),
        ("GET", "/ListImages", b"", 404, "UnknownOperationException"),
        ("GET", "/Nothing", b"", 404, "UnknownOperationException"),
        ("GET", "/tags/arn:aws:imagebuilder:us-east-1:1/2", b"", 404, "UnknownOperationException"),
        ("GET", "/tags/nonsense", b"", 400, "InvalidParameterException"),
        ("PUT", "/CreateComponent", b'{"name":"' + b"x" * (3 << 20) + b'"}', 413, "RequestEntityTooLarge"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_a_wrong_request_is_told_so_in_json(send, method, path, body, status, code):
    got, headers, content = send(method, path, body)
    assert (got, headers["x-amzn-errortype"]) == (status, code)
    assert headers["x-amzn-requestid"]
    assert headers["content-type"] == "application/json"
    assert json.loads(content)["message"]


def test_lists_take_no_body_for_an_empty_one(send):
    for body in (b"", b"{}", b" ", b'{"unknown":[1,{"a":null}],"maxResults":null}'):
        status, _, content = send("POST", "/ListImageRecipes", body)
        assert status == 200
        assert set(json.loads(content)) == {"requestId", "imageRecipeSummaryList"}


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("create_component", {"semanticVersion": "1.0.0", "platform": "Linux", "data": COMPONENT}),
        (
            "create_container_recipe",
            {
                "semanticVersion": "1.0.0",
                "containerType": "DOCKER",
                "parentImage": "debian:12",
                "targetRepository": REPOSITORY,
                "dockerfileTemplateData": TEMPLATE,
            },
        ),
        ("create_distribution_configuration", {"distributions": [OUT]}),
        ("create_image_pipeline", {}),
        ("create_image_recipe", {"semanticVersion": "1.0.x", "parentImage": "debian/12"}),
        ("create_infrastructure_configuration", {"instanceProfileName": "builder"}),
        (
            "create_lifecycle_policy",
            {
                "executionRole": "role",
                "resourceType": "AMI_IMAGE",
                "policyDetails": [{"action": {"type": "DELETE"}, "filter": {"type": "COUNT", "value": 1}}],
                "resourceSelection": {"tagMap": {"a": "b"}},
            },
        ),
        ("create_workflow", {"semanticVersion": "1.0.0", "type": "BUILD", "data": WORKFLOW}),
    ],
)
def test_a_dry_run_tells_and_makes_nothing(builder, parts, refusal, operation, asked):
    create = getattr(builder, operation)
    more = parts(builder, "dry parts") if operation == "create_image_pipeline" else {}
    asked = {"name": "dry", **asked, **more, "clientToken": f"dry-{operation}"}
    with pytest.raises(ClientError) as told:
        create(**asked, dryRun=True)
    error = told.value.response
    assert error["Error"]["Code"] == "DryRunOperationException"
    assert error["Error"]["Message"] == "Request would have succeeded, but dryRun flag is set."
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert refusal(create, **{**asked, "name": "x"}, dryRun=True) == "InvalidRequestException"
    made = create(**asked)
    assert made["clientToken"] == asked["clientToken"]
    assert create(**asked)["clientToken"] == asked["clientToken"]
    assert refusal(create, **asked, description="other") == "IdempotentParameterMismatchException"
    again = {**asked, "clientToken": str(uuid.uuid4()), "semanticVersion": "1.0.1"} if operation == "create_image_recipe" else {**asked, "clientToken": "x"}  # fmt: skip
    assert refusal(create, **again, dryRun=True) == "ResourceAlreadyExistsException"


def test_a_token_is_needed_and_has_64_characters(send):
    asked = {"name": "tokens", "instanceProfileName": "builder"}
    path = "/CreateInfrastructureConfiguration"
    for token in ({}, {"clientToken": ""}, {"clientToken": "x" * 65}, {"clientToken": None}):
        status, headers, content = send("PUT", path, json.dumps({**asked, **token}).encode())
        assert (status, headers["x-amzn-errortype"]) == (400, "InvalidRequestException")
        assert "clientToken" in json.loads(content)["message"]


def test_a_token_is_of_one_account_and_operation(builder, of_account, parts):
    token = "shared-token"
    for client in (builder, of_account("second")):
        made = client.create_infrastructure_configuration(
            name="tokened", instanceProfileName="builder", clientToken=token
        )
        assert (
            made["infrastructureConfigurationArn"].split(":")[4]
            == client.list_infrastructure_configurations(filters=[{"name": "name", "values": ["tokened"]}])[
                "infrastructureConfigurationSummaryList"
            ][0]["arn"].split(":")[4]
        )
    assert builder.create_image_recipe(
        name="tokened", semanticVersion="1.0.0", parentImage="debian/12", clientToken=token
    )["clientToken"] == token  # fmt: skip


def test_a_reader_reads_and_a_stranger_is_refused(of_account, served, refusal):
    reader = of_account("acme", role="reader")
    reader.list_images()
    asked = {"name": "refused", "instanceProfileName": "builder"}
    assert refusal(reader.create_infrastructure_configuration, **asked) == "AccessDeniedException"
    stranger = served.client("imagebuilder", region="mars-north-1")
    assert refusal(stranger.list_images) == "AuthFailure"
