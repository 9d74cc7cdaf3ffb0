"""A distribution to AWS's own regions: its AMIs are there block for block, once, and nobody else's are reached."""

from __future__ import annotations

import boto3
import pytest
from moto.server import ThreadedMotoServer

from goldsmith.aws.settings import Settings, SettingsError
from goldsmith.blocks.block_map import BLOCK
from goldsmith.pipelines.stop import StoppedError
from goldsmith.publish.aws import waiting
from tests.pipelines.distribution.conftest import AWAY, HOME, plain
from tests.pipelines.distribution.runs import ARN, a_run
from tests.publish.aws.fuller_moto import fill_in

DATE = "2022-07-28T01-14-17.416Z"
AWS, COPIED = "aws-us-east-1", "ap-south-1"


@pytest.fixture(scope="module")
def server():
    fill_in()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        server.start()
        yield "http://{}:{}".format(*server.get_host_and_port())
        server.stop()


@pytest.fixture
def settings(server):
    boto3.client("ec2", "us-east-1", endpoint_url=server).describe_regions()
    return f"""
regions: {{us-east-1: {{}}, us-west-2: {{}}}}
aws:
  {AWS}: {{region: us-east-1, accounts: ["{HOME}"], endpoint: "{server}"}}
  {COPIED}: {{accounts: ["{HOME}"], endpoint: "{server}"}}
"""


@pytest.fixture
def at_aws(server):
    """Clients of AWS itself by service and region."""
    made = []

    def client(service, region="us-east-1"):
        made.append(boto3.client(service, region, endpoint_url=server))
        return made[-1]

    yield client
    for each in made:
        each.close()


def wanted(name, **more):
    return [{"region": AWS, "name": f"{name} {{{{ imagebuilder:buildDate }}}}", **more}]


def its_blocks(at_aws, image):
    """Return the letters of the snapshot that was sent: moto's AMIs show one of their own making."""
    tag = {"Name": "tag:goldsmith:content", "Values": [plain(image["Tags"])["goldsmith:content"]]}
    found = at_aws("ec2").describe_snapshots(OwnerIds=["self"], Filters=[tag])["Snapshots"]
    [snapshot] = [each["SnapshotId"] for each in found if each["Description"].startswith("The disk of ")]
    ebs = at_aws("ebs")
    blocks = sorted(ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"], key=lambda each: each["BlockIndex"])
    read = [ebs.get_snapshot_block(SnapshotId=snapshot, **each)["BlockData"].read() for each in blocks]
    assert all(data == data[:1] * BLOCK for data in read)
    return b"".join(data[:1] for data in read).decode()


def image_of(at_aws, name, region="us-east-1"):
    found = at_aws("ec2", region).describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": [name]}])
    [image] = found["Images"]
    return image


def test_the_first_region_gets_the_blocks_and_aws_copies_to_the_next(bench, at_aws):
    copied = {"region": COPIED, "name": "Copied {{ imagebuilder:buildDate }}", "amiTags": {"Where": "Asia"}}
    here, west, first, second = bench.do(
        "DistributeImage",
        distributions=[{"region": "us-east-1"}, {"region": "us-west-2"}, *wanted("Direct", description="told"), copied],
    )["distributedImages"]
    assert [row["region"] for row in (here, west, first, second)] == ["us-east-1", "us-west-2", AWS, COPIED]
    direct = image_of(at_aws, f"Direct {DATE}")
    assert (direct["ImageId"], direct["Description"]) == (first["amiId"], "told")
    assert its_blocks(at_aws, direct) == "abc"
    assert plain(direct["Tags"])["Ec2ImageBuilderArn"] == ARN
    asia = image_of(at_aws, f"Copied {DATE}", COPIED)
    assert asia["ImageId"] == second["amiId"]
    assert plain(asia["Tags"])["Where"] == "Asia"
    assert any("a copy of" in line and direct["ImageId"] in line for line in bench.said)
    again = bench.do("DistributeImage", step_id="step-2", distributions=[*wanted("Direct", description="told"), copied])
    assert [row["amiId"] for row in again["distributedImages"]] == [first["amiId"], second["amiId"]]
    assert bench.said[-1].endswith(f"to {COPIED} at AWS as {second['amiId']}.")


def test_permissions_templates_and_parameters_are_aws_s_own(bench, at_aws):
    ec2 = at_aws("ec2")
    made = ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"InstanceType": "t3.small"})
    template = made["LaunchTemplate"]["LaunchTemplateId"]
    rows = bench.do("DistributeImage", distributions=wanted("Known"))["distributedImages"]
    ami = rows[-1]["amiId"]
    permission = {"userIds": [AWAY]}
    bench.do(
        "ModifyImageAttributes",
        distributedImages=rows,
        attributes=[{"region": AWS, "launchPermission": permission}],
    )
    granted = ec2.describe_image_attribute(ImageId=ami, Attribute="launchPermission")["LaunchPermissions"]
    assert granted == [{"UserId": AWAY}]
    configurations = [
        {
            "region": AWS,
            "launchTemplateConfigurations": [{"launchTemplateId": template}],
            "ssmParameterConfigurations": [{"parameterName": "/imagebuilder/web", "dataType": "text"}],
        }
    ]
    for step in ("step-2", "step-3"):
        bench.do("ApplyImageConfigurations", step_id=step, distributedImages=rows, configurations=configurations)
    versions = ec2.describe_launch_template_versions(LaunchTemplateId=template)["LaunchTemplateVersions"]
    latest = max(versions, key=lambda each: each["VersionNumber"])
    assert (len(versions), latest["DefaultVersion"], latest["LaunchTemplateData"]["ImageId"]) == (2, True, ami)
    parameter = at_aws("ssm").get_parameter(Name="/imagebuilder/web")["Parameter"]
    assert (parameter["Value"], parameter["Version"]) == (ami, 1)


def test_an_ami_at_aws_that_the_image_did_not_make_is_out_of_reach(bench, at_aws):
    [snapshot] = at_aws("ec2").describe_snapshots(OwnerIds=["self"])["Snapshots"][:1]
    mapping = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot["SnapshotId"]}}
    foreign = at_aws("ec2").register_image(Name="somebody's", BlockDeviceMappings=[mapping])["ImageId"]
    row = {"region": AWS, "accountId": HOME, "amiId": foreign}
    permission = [{"region": AWS, "launchPermission": {"userGroups": ["all"]}}]
    failure = bench.fail("ModifyImageAttributes", distributedImages=[row], attributes=permission)
    assert f"{foreign} of account {HOME} is no AMI of {ARN}" in failure.message


def test_an_account_that_cloud_yml_does_not_name_has_no_such_region(bench):
    stranger = bench.register("theirs", "xyz", account=AWAY)
    run = a_run(account=AWAY)
    bench.ami = stranger
    failure = bench.fail("DistributeImage", run=run, distributions=wanted("Theirs"))
    assert f"There is no region {AWS} here" in failure.message


def test_one_of_other_accounts_is_refused_with_a_mend(bench):
    failure = bench.fail("DistributeImage", distributions=wanted("Other", targetAccountIds=[AWAY]))
    assert "is a region of AWS's own" in failure.message
    assert failure.regions[0]["region"] == AWS


def test_where_the_first_region_fails_the_next_gets_the_blocks_itself(bench, at_aws):
    taken = bench.do("DistributeImage", distributions=wanted("Taken"))["distributedImages"][-1]["amiId"]
    bench.ami = bench.register("another disk", "xyz")
    copied = {"region": COPIED, "name": "Alone {{ imagebuilder:buildDate }}"}
    failure = bench.fail("DistributeImage", step_id="step-2", distributions=[*wanted("Taken"), copied])
    assert [each["region"] for each in failure.regions] == [AWS]
    assert taken in failure.message
    assert image_of(at_aws, f"Alone {DATE}", COPIED)["State"] == "available"


def test_a_cancelled_build_sends_no_more(bench):
    bench.stop.ask()
    with pytest.raises(StoppedError):
        bench.do("DistributeImage", distributions=wanted("Never"))


def test_a_build_that_is_cancelled_while_aws_copies_waits_no_longer(bench, monkeypatch):
    real = waiting._await

    def pending(clients, named, look, most):
        def never():
            bench.stop.ask()
            return {**look(), "State": "pending"}

        return real(clients, named, never, most)

    monkeypatch.setattr(waiting, "_await", pending)
    with pytest.raises(StoppedError):
        bench.do("DistributeImage", distributions=wanted("Waiting"))


def test_a_name_that_is_a_region_of_both_kinds_is_refused(tmp_path):
    (tmp_path / "cloud.yml").write_text('regions: {us-east-1: {}}\naws: {us-east-1: {accounts: ["100000000001"]}}\n')
    with pytest.raises(SettingsError, match="aws-us-east-1"):
        Settings.load(tmp_path)
