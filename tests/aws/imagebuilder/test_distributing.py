"""DistributeImage: what it takes for a source, and the image that it makes of it."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

from goldsmith.aws.imagebuilder.creating import add_build
from goldsmith.aws.imagebuilder.pinning import pin
from goldsmith.aws.imagebuilder.planning import plan
from goldsmith.aws.imagebuilder.world import CloudWorld
from tests.aws.ec2.amis import register, share

ROLE = "arn:aws:iam::000000000000:role/distributor"


@pytest.fixture
def configuration(served):
    settings = [{"region": "us-west-2", "amiDistributionConfiguration": {"name": "w {{imagebuilder:buildDate}}"}}]
    name = f"everywhere-{uuid.uuid4()}"
    client = served.client("imagebuilder")
    return client.create_distribution_configuration(name=name, distributions=settings, clientToken=name)[
        "distributionConfigurationArn"
    ]


def distribute(served, configuration, source, account="acme", **more):
    asked = {
        "sourceImage": source,
        "distributionConfigurationArn": configuration,
        "executionRole": ROLE,
        "clientToken": str(uuid.uuid4()),
    }
    return served.client("imagebuilder", account=account).distribute_image(**{**asked, **more})


def shown(served, answer):
    return served.client("imagebuilder").get_image(imageBuildVersionArn=answer["imageBuildVersionArn"])["image"]


def refused(served, configuration, source, **more):
    with pytest.raises(ClientError) as refusal:
        distribute(served, configuration, source, **more)
    error = refusal.value.response["Error"]
    return error["Code"], error["Message"]


def record(served, arn):
    with served.cloud.catalog(served.account_id(), "us-east-1") as catalog:
        return catalog.own("image-build", arn)


def test_an_ami_becomes_an_image_that_is_only_distributed(served, configuration):
    ami = register(served, name="Web server (v1) / 2024")
    answer = distribute(served, configuration, ami, tags={"team": "blue"}, clientToken="once")
    arn = answer["imageBuildVersionArn"]
    assert arn == f"arn:aws:imagebuilder:us-east-1:{served.account_id()}:image/web-server-v1-2024/1.0.0/1"
    assert answer["clientToken"] == "once"
    assert (
        distribute(served, configuration, ami, tags={"team": "blue"}, clientToken="once")["imageBuildVersionArn"] == arn
    )
    image = shown(served, answer)
    assert (image["name"], image["version"], image["type"]) == ("Web-server-v1-2024", "1.0.0/1", "AMI")
    assert (image["state"], image["tags"], image["executionRole"]) == ({"status": "PENDING"}, {"team": "blue"}, ROLE)
    assert image["distributionConfiguration"]["arn"] == configuration
    assert "imageRecipe" not in image
    made = record(served, arn)
    world = CloudWorld(served.cloud)
    run = pin(world, made)
    assert (run.parent.kind, run.parent.reference, run.components) == ("ami", ami, ())
    assert run.distribution["arn"] == configuration
    assert [each.stage for each in plan(world, made)] == ["DISTRIBUTION"]
    assert made.inner["given"] == {"ImageId": ami}


@pytest.mark.parametrize(
    "form", ["ssm:/golden/{}", "ssm:{}", "ssm:arn:aws:ssm:us-east-1:{account}:parameter/golden/{}"]
)
def test_a_parameter_tells_the_ami(served, configuration, form):
    ami, unique = register(served), uuid.uuid4().hex
    name = unique if form == "ssm:{}" else f"/golden/{unique}"
    served.client("ssm").put_parameter(Name=name, Value=ami, Type="String")
    answer = distribute(served, configuration, form.format(unique, account=served.account_id()))
    assert record(served, answer["imageBuildVersionArn"]).inner["given"] == {"ImageId": ami}


def an_image(served, ami, *, state="AVAILABLE", region="us-east-1"):
    """Put an image into the catalogue that has put an AMI out."""
    from goldsmith.aws.call import Call
    from goldsmith.aws.models import find_operation

    owner = served.credential()
    amis = [{"region": region, "image": ami, "accountId": owner.account.id}]
    document = {
        "name": "Golden",
        "type": "AMI",
        "platform": "Linux",
        "state": {"status": state},
        "outputResources": {"amis": amis},
        "osVersion": "Debian 12",
    }
    with served.cloud.catalog(owner.account, "us-east-1") as catalog:
        operation = find_operation("imagebuilder", "CreateImage")
        call = Call(operation, owner, "us-east-1", served.cloud, catalog, "", served.cloud.clock())
        return add_build(call, "image", "golden", "2.0.0", document, state=state).id


def test_an_image_tells_its_ami_and_gets_another_build(served, configuration):
    ami = register(served)
    arn = an_image(served, ami)
    answer = distribute(served, configuration, arn)
    head, build = arn.rsplit("/", 1)
    assert answer["imageBuildVersionArn"] == f"{head}/{int(build) + 1}"
    image = shown(served, answer)
    assert (image["name"], image["osVersion"]) == ("Golden", "Debian 12")
    newest = distribute(served, configuration, f"{head.rpartition('/')[0]}/x.x.x")
    assert record(served, newest["imageBuildVersionArn"]).inner["given"] == {"ImageId": ami}


def test_the_ami_of_an_image_is_named_as_that(served, configuration):
    ami = register(served)
    arn = an_image(served, ami)
    tags = [{"Key": "Ec2ImageBuilderArn", "Value": arn}]
    served.client().create_tags(Resources=[ami], Tags=tags)
    assert distribute(served, configuration, ami)["imageBuildVersionArn"].rsplit("/", 1)[0] == arn.rsplit("/", 1)[0]


def test_what_is_not_there_or_cannot_be_distributed_is_refused(served, configuration):
    secret = f"/secret/{uuid.uuid4().hex}"
    served.client("ssm").put_parameter(Name=secret, Value="ami-0123456789abcdef0", Type="SecureString")
    own = register(served, "neighbour")
    away = an_image(served, register(served), region="us-west-2")
    disabled = an_image(served, register(served), state="DISABLED")
    missing = configuration[:-4] + "none"
    assert refused(served, configuration, "ami-0123456789abcdef0")[0] == "ResourceNotFoundException"
    assert refused(served, configuration, own)[0] == "ResourceNotFoundException"
    assert refused(served, configuration, "ssm:/no/such")[0] == "ResourceNotFoundException"
    assert refused(served, missing, register(served))[0] == "ResourceNotFoundException"
    for source, said in (
        (f"ssm:{secret}", "is a secret"),
        ("golden", "sourceImage"),
        (away, "has no AMI in us-east-1"),
        (disabled, "is DISABLED"),
    ):
        code, message = refused(served, configuration, source)
        assert code == "InvalidRequestException"
        assert said in message


def test_an_ami_that_is_shared_can_be_distributed(served, configuration):
    ami = register(served, "neighbour", name="their image")
    share(served, ami, "acme", account="neighbour")
    assert "/their-image/1.0.0/" in distribute(served, configuration, ami)["imageBuildVersionArn"]
