"""RegisterImage and DistributeContainerImage."""

from __future__ import annotations

from tests.pipelines.distribution.conftest import plain
from tests.pipelines.distribution.runs import ARN, a_run


def test_snapshots_become_an_ami_once(bench):
    built = next(iter(bench.images("us-east-1").values()))
    snapshot = built["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    bench.ask("CreateTags", Resources=[snapshot], Tags=[{"Key": "of", "Value": "snapshot"}])
    bench.run = a_run(arn=ARN[:-1] + "5", date_time="2023-01-01T00:00:00Z")
    mapping = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot, "VolumeSize": 2}}
    asked = {"blockDeviceMapping": mapping, "bootMode": "uefi", "tpmSupport": "v2.0", "includeSnapshotTags": True}
    made = bench.do("RegisterImage", **asked)["imageId"]
    assert bench.do("RegisterImage", **asked)["imageId"] == made
    image = bench.images("us-east-1")["Golden 2023-01-01T00-00-00.000Z"]
    assert (image["ImageId"], image["BootMode"], image["TpmSupport"]) == (made, "uefi", "v2.0")
    assert (image["Description"], image["RootDeviceName"], image["Architecture"]) == (
        "From the recipe",
        "/dev/xvda",
        "x86_64",
    )
    assert image["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 2
    tags = plain(image["Tags"])
    assert (tags["of"], tags["Ec2ImageBuilderArn"]) == ("snapshot", bench.run.arn)


def test_what_ec2_refuses_fails_the_step(bench):
    bench.run = a_run(arn=ARN[:-1] + "5", date_time="2023-01-01T00:00:00Z")
    assert "EC2 Client Error" in bench.fail("RegisterImage").message
    assert "no list of maps" in bench.fail("RegisterImage", blockDeviceMapping="x").message


def test_a_container_host_that_is_not_there_is_named(bench):
    failed = bench.fail("DistributeContainerImage", instanceId="i-1")
    assert "names the instance i-1, which this build does not have" in failed.message
