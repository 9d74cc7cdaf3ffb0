"""DistributeImage: what arrives where, once, and what is said of what does not."""

from __future__ import annotations

import threading

import pytest

from goldsmith.aws.cloud import Cloud
from goldsmith.aws.ec2 import copy_jobs
from goldsmith.aws.imagebuilder.world import CloudWorld
from goldsmith.aws.resuming import resume
from goldsmith.pipelines.distribution.outputs import ami_outputs, built_output
from goldsmith.pipelines.stop import Stop, StoppedError
from goldsmith.pipelines.world import RefusedError
from tests.pipelines.distribution.conftest import AWAY, HOME, STRANGER, plain
from tests.pipelines.distribution.runs import ARN, a_run, distributing

DATE = "2022-07-28T01-14-17.416Z"
DEFAULT = f"Golden {DATE}"


def letters(bench, region, image, account=HOME):
    snapshot = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    with bench.world.catalog(account, region, writes=False) as catalog:
        name = catalog.own("snapshot", snapshot).inner["map"]
    store = bench.world.blocks(region)
    blocks = store.load_map(name)
    return b"".join(store.get(blocks.get(index))[:1] for index in range(len(blocks))).decode()


def launch_permissions(bench, ami, region="us-east-1", account=HOME):
    asked = {"ImageId": ami, "Attribute": "launchPermission"}
    return bench.ask("DescribeImageAttribute", region=region, account=account, **asked)["LaunchPermissions"]


def test_each_region_gets_an_ami_with_its_name_tags_and_blocks(bench):
    wanted = [
        {"region": "us-east-1", "description": "told", "amiTags": {"Built": "{{ imagebuilder:buildVersion }}"}},
        {"region": "us-west-2", "name": "West {{imagebuilder:buildDate:yyyyMMHHss}}", "amiTags": {"CreatedBy": "me"}},
        {"region": "eu-west-1", "description": "Europe"},
    ]
    rows = bench.do("DistributeImage", distributions=wanted)["distributedImages"]
    assert [(row["region"], row["name"], row["accountId"], row["status"], row["step"]) for row in rows] == [
        ("us-east-1", DEFAULT, HOME, "Completed", "Completed"),
        ("us-west-2", "West 2022070117", HOME, "Completed", "Completed"),
        ("eu-west-1", DEFAULT, HOME, "Completed", "Completed"),
    ]
    assert all(row["dateStarted"] <= row["dateStopped"] for row in rows)
    assert rows[0]["amiId"] == bench.ami
    here, west, europe = (bench.images(row["region"])[row["name"]] for row in rows)
    assert [here["Description"], west["Description"], europe["Description"]] == ["told", "", "Europe"]
    reserved = {"CreatedBy": "EC2 Image Builder", "Ec2ImageBuilderArn": ARN}
    assert plain(here["Tags"]) == {"Team": "recipe", "From": "recipe", "Built": "1.2.3/4", **reserved}
    assert plain(west["Tags"]) == reserved
    assert west["ImageId"] == rows[1]["amiId"]
    assert letters(bench, "us-west-2", west) == letters(bench, "eu-west-1", europe) == "abc"
    assert any("to us-west-2" in line and "1.5 MiB of 1.5 MiB are not there" in line for line in bench.said)


def test_only_missing_blocks_travel(bench):
    bench.do("DistributeImage", distributions=[{"region": "us-west-2"}])
    bench.run = a_run(build=5, arn=ARN[:-1] + "5", date_time="2023-01-01T00:00:00Z")
    bench.ami = bench.register("second", "abcd")
    bench.said.clear()
    bench.do("DistributeImage", distributions=[{"region": "us-west-2"}], step_id="step-2")
    assert "0.5 MiB of 2.0 MiB are not there" in bench.said[0]
    assert len(bench.world.blocks("us-west-2").blocks()) == 4


def test_without_inputs_the_attached_configuration_is_done(bench):
    ami = {"name": "Of the configuration {{imagebuilder:buildDate}}"}
    entries = [
        {"region": "eu-west-1", "amiDistributionConfiguration": ami, "launchTemplateConfigurations": []},
        {"region": "us-west-2", "ssmParameterConfigurations": [{"parameterName": "/imagebuilder/x"}]},
    ]
    bench.run = a_run(distribution=distributing(*entries))
    rows = bench.do("DistributeImage")["distributedImages"]
    assert [(row["region"], row["name"]) for row in rows] == [
        ("eu-west-1", f"Of the configuration {DATE}"),
        ("us-west-2", DEFAULT),
    ]


def test_without_any_configuration_the_ami_stays_where_it_is(bench):
    rows = bench.do("DistributeImage")["distributedImages"]
    assert [(row["region"], row["amiId"], row["status"]) for row in rows] == [("us-east-1", bench.ami, "Completed")]


def test_another_name_in_its_own_region_makes_a_copy(bench):
    wanted = [{"region": "us-east-1", "name": "Other {{imagebuilder:buildDate}}"}]
    row = bench.do("DistributeImage", distributions=wanted)["distributedImages"][0]
    assert row["amiId"] != bench.ami
    assert set(bench.images("us-east-1")) == {DEFAULT, f"Other {DATE}"}


def test_a_step_done_again_makes_nothing_again(bench):
    wanted = [{"region": "us-west-2"}, {"region": "eu-west-1"}]
    first = bench.do("DistributeImage", distributions=wanted)["distributedImages"]
    again = bench.do("DistributeImage", distributions=wanted)["distributedImages"]
    retried = bench.do("DistributeImage", distributions=wanted, step_id="step-9", attempt=2)["distributedImages"]
    ids = [[row["amiId"] for row in rows] for rows in (first, again, retried)]
    assert ids[0] == ids[1] == ids[2]
    assert len(bench.images("us-west-2")) == len(bench.images("eu-west-1")) == 1


def test_a_failed_copy_is_replaced_when_it_is_tried_again(bench, monkeypatch):
    whole = copy_jobs.copy_map

    def broken(source, target, name, **more):
        raise OSError("the line is dead")

    monkeypatch.setattr(copy_jobs, "copy_map", broken)
    failed = bench.fail("DistributeImage", distributions=[{"region": "us-west-2"}])
    assert "AMI Copy Reported Failure For ami-" in failed.message
    assert "the line is dead" in failed.message
    monkeypatch.setattr(copy_jobs, "copy_map", whole)
    row = bench.do("DistributeImage", distributions=[{"region": "us-west-2"}], attempt=2)["distributedImages"][0]
    assert {name: image["ImageId"] for name, image in bench.images("us-west-2").items()} == {DEFAULT: row["amiId"]}
    assert letters(bench, "us-west-2", bench.images("us-west-2")[DEFAULT]) == "abc"


def test_one_regions_failure_undoes_no_other(bench):
    wanted = [{"region": "us-west-2"}, {"region": "mars-north-1"}, {"region": "eu-west-1", "kmsKeyId": "alias/k"}]
    failed = bench.fail("DistributeImage", distributions=wanted)
    assert failed.message == (
        "Not all distribution jobs are completed. 1) There is no region mars-north-1 here; there are us-east-1, "
        "us-west-2, eu-west-1 when distributing the image from the source account (ID: 100000000001) to the destination "
        "account (ID: 100000000001) in Region mars-north-1. 2) kmsKeyId alias/k: there is no key management here, and "
        "AMIs are not encrypted when distributing the image from the source account (ID: 100000000001) to the "
        "destination account (ID: 100000000001) in Region eu-west-1."
    )
    assert [(each["region"], each["status"], each["targetAccountId"]) for each in failed.regions] == [
        ("mars-north-1", "FAILED", HOME),
        ("eu-west-1", "FAILED", HOME),
    ]
    assert all("imageConfigurationStep" not in each for each in failed.regions)
    rows = failed.outputs["distributedImages"]
    assert [(row["status"], row["step"]) for row in rows] == [
        ("Completed", "Completed"),
        ("Failed", "CopyAmiRunning"),
        ("Failed", "CopyAmiRunning"),
    ]
    assert list(bench.images("us-west-2")) == [DEFAULT]
    built = built_output(bench.run, bench.ami, name=DEFAULT, description="d")
    assert [(ami["region"], ami["image"], ami["state"]) for ami in ami_outputs([failed.outputs], built=built)] == [
        ("us-east-1", bench.ami, {"status": "AVAILABLE"}),
        ("us-west-2", rows[0]["amiId"], {"status": "AVAILABLE"}),
    ]


def test_a_name_that_another_ami_has_fails(bench):
    bench.do("DistributeImage", distributions=[{"region": "us-west-2", "name": "taken"}])
    bench.run = a_run(arn=ARN[:-1] + "5")
    failed = bench.fail("DistributeImage", distributions=[{"region": "us-west-2", "name": "taken"}], step_id="step-2")
    assert "EC2 Client Error: 'AMI name taken is already in use by AMI ami-" in failed.regions[0]["errorMessage"]


def test_accounts_that_agreed_get_copies_of_their_own_and_keep_no_share(bench):
    bench.agree(AWAY, HOME)
    wanted = [{"region": region, "targetAccountIds": [AWAY]} for region in ("us-east-1", "us-west-2")]
    rows = bench.do("DistributeImage", distributions=wanted)["distributedImages"]
    assert [(row["region"], row["accountId"]) for row in rows] == [
        ("us-east-1", HOME),
        ("us-east-1", AWAY),
        ("us-west-2", AWAY),
    ]
    for row in rows[1:]:
        image = bench.images(row["region"], AWAY)[DEFAULT]
        assert (image["ImageId"], image["OwnerId"]) == (row["amiId"], AWAY)
        assert plain(image["Tags"])["Ec2ImageBuilderArn"] == ARN
        assert letters(bench, row["region"], image, AWAY) == "abc"
    assert bench.images("us-west-2") == {}
    assert launch_permissions(bench, bench.ami) == []
    with pytest.raises(RefusedError, match=r"InvalidAMIID\.NotFound"):
        bench.ask("DescribeImages", account=AWAY, ImageIds=[bench.ami])
    snapshot = bench.images("us-east-1")[DEFAULT]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    asked = {"SnapshotId": snapshot, "Attribute": "createVolumePermission"}
    assert bench.ask("DescribeSnapshotAttribute", **asked)["CreateVolumePermissions"] == []


def test_what_was_shared_before_stays_shared(bench):
    bench.agree(AWAY, HOME)
    bench.ask("ModifyImageAttribute", ImageId=bench.ami, LaunchPermission={"Add": [{"UserId": AWAY}]})
    bench.do("DistributeImage", distributions=[{"region": "us-west-2", "targetAccountIds": [AWAY]}])
    assert launch_permissions(bench, bench.ami) == [{"UserId": AWAY}]


def test_what_a_killed_step_had_shared_is_taken_back_by_the_next_or_the_rollback(bench):
    from goldsmith.pipelines.distribution.lending import _lend
    from goldsmith.pipelines.workflows.actions import distribute_image

    bench.agree(AWAY, HOME)
    source = bench.images("us-east-1")[DEFAULT]
    _lend(bench.step(), source, [AWAY])
    assert launch_permissions(bench, bench.ami) == [{"UserId": AWAY}]
    bench.do("DistributeImage", distributions=[{"region": "us-west-2", "targetAccountIds": [AWAY]}])
    assert launch_permissions(bench, bench.ami) == []
    _lend(bench.step(), source, [AWAY])
    assert distribute_image.roll_back(bench.step(), {}) is True
    assert launch_permissions(bench, bench.ami) == []
    assert distribute_image.roll_back(bench.step(), {}) is False


@pytest.mark.parametrize("agreed_with", [None, STRANGER])
def test_accounts_that_did_not_agree_get_nothing(bench, agreed_with):
    if agreed_with:
        bench.agree(AWAY, agreed_with)
    wanted = [{"region": "us-west-2", "targetAccountIds": [AWAY, HOME, "999999999999"]}]
    failed = bench.fail("DistributeImage", distributions=wanted)
    assert [each["targetAccountId"] for each in failed.regions] == [AWAY, "999999999999"]
    for each in failed.regions:
        assert each["errorMessage"] == (
            "STS Client Error: 'User: arn:aws:sts::100000000001:assumed-role/AWSServiceRoleForImageBuilder/"
            "Ec2ImageBuilderIntegrationService is not authorized to perform: sts:AssumeRole on resource: "
            f"arn:aws:iam::{each['targetAccountId']}:role/EC2ImageBuilderDistributionCrossAccountRole'"
        )
    assert bench.images("us-west-2", AWAY) == {}
    assert list(bench.images("us-west-2")) == [DEFAULT]
    assert launch_permissions(bench, bench.ami) == []


def test_a_cancelled_step_ends_soon(bench, monkeypatch):
    whole, ended = copy_jobs.copy_map, threading.Event()

    def stopped_meanwhile(source, target, name, **more):
        bench.stop.ask()
        assert ended.wait(30)
        return whole(source, target, name, **more)

    monkeypatch.setattr(copy_jobs, "copy_map", stopped_meanwhile)
    with pytest.raises(StoppedError):
        bench.do("DistributeImage", distributions=[{"region": "us-west-2"}])
    ended.set()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("all of them", "The input distributions of the step Distribute is no list."),
        ([{"name": "x"}], "distributions[0].region"),
        ([{"region": "us-west-2"}, "west"], "distributions[1]"),
        ([{"region": "us-west-2", "targetAccountIds": ["acme"]}], "an account's 12 digits"),
        ([{"region": "us-west-2", "amiTags": {"aws:x": "y"}}], "a tag's key"),
    ],
)
def test_inputs_of_another_form_are_refused(bench, wanted, said):
    assert said in bench.fail("DistributeImage", distributions=wanted).message


def test_an_ami_that_is_gone_cannot_be_distributed(bench):
    bench.ask("DeregisterImage", ImageId=bench.ami)
    assert bench.ami in bench.fail("DistributeImage", distributions=[{"region": "us-west-2"}]).message


def test_a_copy_that_a_killed_server_left_is_finished_and_not_made_again(bench):
    """The server ended between the copy's beginning and its first block: the next one resumes both."""
    bench.world.cloud.queue = lambda job: bench.stop.ask()
    with pytest.raises(StoppedError):
        bench.do("DistributeImage", distributions=[{"region": "us-west-2"}])
    (left,) = bench.images("us-west-2").values()
    assert left["State"] == "pending"
    cloud = Cloud(bench.world.home)
    try:
        bench.world, bench.stop = CloudWorld(cloud), Stop()
        resume(cloud)
        row = bench.do("DistributeImage", distributions=[{"region": "us-west-2"}])["distributedImages"][0]
        assert row["amiId"] == left["ImageId"]
        (image,) = bench.images("us-west-2").values()
        assert letters(bench, "us-west-2", image) == "abc"
    finally:
        cloud.close()
