"""DistributeImage from its call to its end: the engine, the managed workflow, three regions, and a retry."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid

import pytest

from goldsmith.aws.imagebuilder.service import ImageBuilder

ROLE = "arn:aws:iam::000000000000:role/distributor"
BLOCK = 524288


@pytest.fixture
def building(fresh):
    with ImageBuilder(fresh.cloud):
        yield fresh


def an_ami(served):
    ebs = served.client("ebs")
    snapshot = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    for place, letter in enumerate((b"a", b"b")):
        block = letter * BLOCK
        ebs.put_snapshot_block(
            SnapshotId=snapshot,
            BlockIndex=place,
            BlockData=block,
            DataLength=BLOCK,
            Checksum=base64.b64encode(hashlib.sha256(block).digest()).decode(),
            ChecksumAlgorithm="SHA256",
        )
    ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=2)
    mapping = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}
    return served.client().register_image(
        Name="web",
        Architecture="x86_64",
        VirtualizationType="hvm",
        RootDeviceName="/dev/xvda",
        BlockDeviceMappings=[mapping],
    )["ImageId"]


def configure(client, *distributions):
    asked = {"name": f"c-{uuid.uuid4()}", "distributions": list(distributions), "clientToken": str(uuid.uuid4())}
    return client.create_distribution_configuration(**asked)["distributionConfigurationArn"]


def ended(client, arn):
    end = time.monotonic() + 90
    while time.monotonic() < end:
        image = client.get_image(imageBuildVersionArn=arn)["image"]
        if image["state"]["status"] in {"AVAILABLE", "FAILED", "CANCELLED"}:
            return image
        time.sleep(0.1)
    raise AssertionError(image["state"])


def test_an_ami_goes_everywhere_and_what_failed_is_done_when_it_is_retried(building):
    client, west = building.client("imagebuilder"), building.client(region="us-west-2")
    ami = an_ami(building)
    data = {"InstanceType": "t3.micro"}
    template = west.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)["LaunchTemplate"]
    taken = building.client(region="eu-west-1")
    configuration = configure(
        client,
        {"region": "us-east-1", "ssmParameterConfigurations": [{"parameterName": "/imagebuilder/web"}]},
        {
            "region": "us-west-2",
            "amiDistributionConfiguration": {
                "name": "west {{imagebuilder:buildDate}}",
                "launchPermission": {"userIds": ["999999999999"]},
            },
            "launchTemplateConfigurations": [{"launchTemplateId": template["LaunchTemplateId"]}],
        },
        {"region": "eu-west-1", "amiDistributionConfiguration": {"targetAccountIds": [building.account_id("other")]}},
    )
    arn = client.distribute_image(
        sourceImage=ami,
        distributionConfigurationArn=configuration,
        executionRole=ROLE,
        clientToken=str(uuid.uuid4()),
    )["imageBuildVersionArn"]
    failed = ended(client, arn)
    assert failed["state"]["status"] == "FAILED"
    context = failed["state"]["failureContext"]
    assert (context["imageStatus"], context["failedStep"]) == ("DISTRIBUTING", "DistributeImages")
    failures = context["distributionFailure"]["regionFailures"]
    assert [(each["region"], each["targetAccountId"]) for each in failures] == [
        ("eu-west-1", building.account_id("other"))
    ]
    assert "sts:AssumeRole" in failures[0]["errorMessage"]
    assert "Not all distribution jobs are completed" in context["distributionFailure"]["errorMessage"]
    assert [each["region"] for each in failed["outputResources"]["amis"]] == ["us-east-1", "us-west-2"]

    policy = (
        '{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "'
        + building.account_id()
        + '"}}}'
    )
    building.client("iam", account="other").create_role(
        RoleName="EC2ImageBuilderDistributionCrossAccountRole", AssumeRolePolicyDocument=policy
    )
    client.retry_image(imageBuildVersionArn=arn, clientToken=str(uuid.uuid4()))
    image = ended(client, arn)
    assert image["state"] == {"status": "AVAILABLE"}
    amis = {each["region"]: each for each in image["outputResources"]["amis"]}
    assert len(image["outputResources"]["amis"]) == 3
    assert amis["us-east-1"]["image"] == ami
    assert amis["us-west-2"]["image"] == failed["outputResources"]["amis"][1]["image"]
    theirs = building.client(region="eu-west-1", account="other")
    assert theirs.describe_images(Owners=["self"])["Images"][0]["ImageId"] == amis["eu-west-1"]["image"]
    assert taken.describe_images(Owners=["self"])["Images"] == []
    versions = west.describe_launch_template_versions(
        LaunchTemplateId=template["LaunchTemplateId"], Versions=["$Default"]
    )
    assert versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]["ImageId"] == amis["us-west-2"]["image"]
    parameter = building.client("ssm").get_parameter(Name="/imagebuilder/web")["Parameter"]
    assert parameter["Value"] == ami
    executions = client.list_workflow_executions(imageBuildVersionArn=arn)["workflowExecutions"]
    assert sorted((each["type"], each["status"]) for each in executions) == [
        ("DISTRIBUTION", "COMPLETED"),
        ("DISTRIBUTION", "ROLLBACK_COMPLETED"),
    ]


def test_what_fails_after_the_copies_fails_in_integration_and_the_amis_are_there(building):
    client = building.client("imagebuilder")
    missing = [{"launchTemplateId": "lt-00000000000000000"}]
    configuration = configure(client, {"region": "us-west-2", "launchTemplateConfigurations": missing})
    arn = client.distribute_image(
        sourceImage=an_ami(building),
        distributionConfigurationArn=configuration,
        executionRole=ROLE,
        clientToken=str(uuid.uuid4()),
    )["imageBuildVersionArn"]
    image = ended(client, arn)
    context = image["state"]["failureContext"]
    assert (image["state"]["status"], context["imageStatus"]) == ("FAILED", "INTEGRATING")
    failure = context["distributionFailure"]["regionFailures"][0]
    assert (failure["region"], failure["imageConfigurationStep"]) == ("us-west-2", "UPDATE_LAUNCH_TEMPLATES")
    (ami,) = image["outputResources"]["amis"]
    west = building.client(region="us-west-2")
    assert west.describe_images(ImageIds=[ami["image"]])["Images"][0]["State"] == "available"
