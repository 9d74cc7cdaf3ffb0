"""Parameters that hold images' ids: whose they are, and what "resolve:ssm:" makes of them."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from goldsmith.aws.call import Call
from goldsmith.aws.errors import AwsError
from goldsmith.aws.models import find_operation
from goldsmith.aws.ssm.image_references import publish_parameter, resolve_image
from goldsmith.catalog.catalog import Catalog
from goldsmith.catalog.resources import Resource, new_id

PUBLIC = "/aws/service/goldsmith/web/latest/image_id"
ONE, TWO = "ami-0123456789abcdef1", "ami-0123456789abcdef2"


@contextmanager
def calling(served, account: str = "acme"):
    caller = served.credential(account)
    with served.cloud.database.reading() as connection:
        catalog = Catalog(connection, caller.account, "us-east-1")
        operation = find_operation("ec2", "RunInstances")
        yield Call(operation, caller, "us-east-1", served.cloud, catalog, "-", served.cloud.clock())


@pytest.fixture(scope="module")
def published(served):
    for image in (ONE, TWO, TWO):
        publish_parameter(served.cloud, "us-east-1", PUBLIC, image)


@pytest.mark.usefixtures("published")
def test_every_account_reads_what_the_house_publishes(served):
    for account in ("acme", "other"):
        ssm = served.client("ssm", account=account)
        assert ssm.get_parameter(Name=PUBLIC)["Parameter"]["Value"] == TWO
        assert ssm.get_parameter(Name=f"{PUBLIC}:1")["Parameter"]["Value"] == ONE
        assert len(ssm.get_parameter_history(Name=PUBLIC)["Parameters"]) == 2
        found = ssm.get_parameters_by_path(Path="/aws/service/goldsmith", Recursive=True)["Parameters"]
        assert [each["Name"] for each in found] == [PUBLIC]
        assert PUBLIC not in [each["Name"] for each in ssm.describe_parameters()["Parameters"]]


@pytest.mark.usefixtures("published")
def test_nobody_else_changes_it(served, refusal):
    ssm = served.client("ssm")
    assert refusal(ssm.put_parameter, Name=PUBLIC, Value=ONE, Overwrite=True) == "AccessDeniedException"
    assert refusal(ssm.delete_parameter, Name=PUBLIC) == "ParameterNotFound"
    assert refusal(ssm.label_parameter_version, Name=PUBLIC, Labels=["mine"]) == "ParameterNotFound"
    tag = {"ResourceType": "Parameter", "ResourceId": PUBLIC, "Tags": [{"Key": "a", "Value": "b"}]}
    assert refusal(ssm.add_tags_to_resource, **tag) == "InvalidResourceId"


@pytest.mark.usefixtures("published")
def test_references_become_images(served):
    ssm = served.client("ssm")
    ssm.put_parameter(Name="/golden/web", Value=ONE, Type="String")
    ssm.put_parameter(Name="/golden/web", Value=TWO, Overwrite=True)
    ssm.label_parameter_version(Name="/golden/web", ParameterVersion=1, Labels=["prod"])
    arn = ssm.get_parameter(Name="/golden/web")["Parameter"]["ARN"]
    with calling(served) as call:
        for reference, image in (
            ("/golden/web", TWO),
            ("/golden/web:1", ONE),
            ("/golden/web:prod", ONE),
            (f"{arn}:2", TWO),
            (PUBLIC, TWO),
        ):
            assert resolve_image(call, f"resolve:ssm:{reference}") == image


@pytest.mark.parametrize("kind", ["String", "SecureString"])
def test_what_holds_no_image_is_refused(served, kind):
    served.client("ssm").put_parameter(Name=f"/no/{kind}", Value="just text", Type=kind)
    with calling(served) as call, pytest.raises(AwsError, match=r"InvalidAMIID\.Malformed"):
        resolve_image(call, f"resolve:ssm:/no/{kind}")


def test_what_is_not_there_is_named(served):
    with calling(served) as call, pytest.raises(AwsError, match=r"InvalidParameterValue: .*/no/such"):
        resolve_image(call, "resolve:ssm:/no/such")


def test_an_image_parameter_takes_images_that_the_caller_may_use(served, refusal):
    owner = served.credential("other").account
    with served.cloud.catalog(owner, "us-east-1") as catalog:
        image = catalog.add(Resource(new_id("ami"), "image", owner.id, "us-east-1", "theirs", "available"))
    asked = {"Name": "/golden/checked", "Value": image.id, "Type": "String", "DataType": "aws:ec2:image"}
    ssm = served.client("ssm")
    assert refusal(ssm.put_parameter, **asked) == "ValidationException"
    with served.cloud.catalog(owner, "us-east-1") as catalog:
        catalog.share(image, add=(served.account_id(),))
    assert ssm.put_parameter(**asked)["Version"] == 1


def test_only_the_houses_own_names_are_published(served):
    with pytest.raises(ValueError, match="no public parameter"):
        publish_parameter(served.cloud, "us-east-1", "/golden/web", ONE)
