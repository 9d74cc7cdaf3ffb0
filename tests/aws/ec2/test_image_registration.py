"""AMIs that are registered and deregistered."""

from __future__ import annotations

import pytest

from tests.aws.ec2.amis import refusal, register, share, shown, snapshot

ROOT = "/dev/xvda"


def mapping(identifier, device=ROOT, **more):
    return {"DeviceName": device, "Ebs": {"SnapshotId": identifier, **more}}


def test_defaults_are_those_of_aws(served):
    image = served.client().register_image(
        Name="plain", RootDeviceName=ROOT, BlockDeviceMappings=[mapping(snapshot(served))]
    )["ImageId"]
    told = shown(served, ImageIds=[image])[image]
    assert (told["Architecture"], told["VirtualizationType"]) == ("i386", "paravirtual")
    ebs = told["BlockDeviceMappings"][0]["Ebs"]
    assert (ebs["VolumeSize"], ebs["DeleteOnTermination"], ebs["VolumeType"]) == (8, True, "gp2")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"Name": "a"}, "InvalidParameterValue"),
        ({"Name": "semi;colon"}, "InvalidAMIName.Malformed"),
        ({"BlockDeviceMappings": []}, "InvalidBlockDeviceMapping"),
        ({"RootDeviceName": "/dev/sda1"}, "InvalidBlockDeviceMapping"),
        ({"BlockDeviceMappings": [mapping("snap-0123456789abcdef0")]}, "InvalidSnapshot.NotFound"),
        ({"BlockDeviceMappings": [mapping("snap-x")]}, "InvalidSnapshotID.Malformed"),
        ({"TpmSupport": "v2.0", "BootMode": "legacy-bios"}, "InvalidParameterCombination"),
        ({"UefiData": "not base64!"}, "InvalidParameterValue"),
        ({"Architecture": "vax"}, "InvalidParameterValue"),
        ({"VirtualizationType": "magic"}, "InvalidParameterValue"),
        ({"ImageLocation": "bucket/manifest", "BlockDeviceMappings": []}, "UnsupportedOperation"),
        (
            {"TagSpecifications": [{"ResourceType": "snapshot", "Tags": [{"Key": "a", "Value": "b"}]}]},
            "InvalidParameterValue",
        ),
    ],
)
def test_what_cannot_be_registered(served, asked, code):
    whole = {"Name": "refused", "RootDeviceName": ROOT, "VirtualizationType": "hvm"}
    mappings = [mapping(snapshot(served))]
    assert refusal(served.client().register_image, **{**whole, "BlockDeviceMappings": mappings, **asked}) == code


def test_a_snapshot_must_be_whole_and_fit(served):
    pending, small = snapshot(served, state="pending"), snapshot(served, size=9)
    asked = {"Name": "misfit", "RootDeviceName": ROOT}
    client = served.client()
    assert refusal(client.register_image, **asked, BlockDeviceMappings=[mapping(pending)]) == "IncorrectState"
    refused = refusal(client.register_image, **asked, BlockDeviceMappings=[mapping(small, VolumeSize=8)])
    assert refused == "InvalidBlockDeviceMapping"
    refused = refusal(client.register_image, **asked, BlockDeviceMappings=[mapping(small, Encrypted=True)])
    assert refused == "InvalidParameter"


def test_a_name_is_taken_once_in_an_account_and_region(served):
    register(served, name="taken")
    other = register(served, "other", "taken")
    register(served, name="taken", region="us-west-2")
    mappings = [mapping(snapshot(served))]
    asked = {"Name": "taken", "RootDeviceName": ROOT, "BlockDeviceMappings": mappings}
    assert refusal(served.client().register_image, **asked) == "InvalidAMIName.Duplicate"
    served.client(account="other").deregister_image(ImageId=other)
    register(served, "other", "taken")


def test_snapshots_stay_unless_they_are_to_go(served):
    client, kept = served.client(), snapshot(served)
    image = register(served, BlockDeviceMappings=[mapping(kept)])
    assert refusal(client.delete_snapshot, SnapshotId=kept) == "InvalidSnapshot.InUse"
    assert client.deregister_image(ImageId=image)["DeleteSnapshotResults"] == []
    assert client.describe_snapshots(SnapshotIds=[kept])["Snapshots"]


def test_snapshots_that_something_else_is_made_of_are_skipped(served):
    client = served.client()
    own, common, foreign = snapshot(served), snapshot(served), snapshot(served, "lender")
    grant = {"Add": [{"UserId": served.account_id()}]}
    served.client(account="lender").modify_snapshot_attribute(SnapshotId=foreign, CreateVolumePermission=grant)
    register(served, BlockDeviceMappings=[mapping(common)])
    mappings = [mapping(own), mapping(common, "/dev/sdb"), mapping(foreign, "/dev/sdc")]
    image = register(served, BlockDeviceMappings=mappings)
    answer = client.deregister_image(ImageId=image, DeleteAssociatedSnapshots=True)
    codes = {each["SnapshotId"]: each["ReturnCode"] for each in answer["DeleteSnapshotResults"]}
    assert codes == {own: "success", common: "skipped", foreign: "missing-permissions"}
    assert refusal(client.describe_snapshots, SnapshotIds=[own]) == "InvalidSnapshot.NotFound"
    assert client.describe_snapshots(SnapshotIds=[common, foreign])["Snapshots"]


def test_a_deregistered_image_is_lost_to_all(served):
    image = register(served)
    share(served, image, "friend", group="all")
    served.client().deregister_image(ImageId=image)
    assert image not in shown(served, "friend")
    assert refusal(served.client(account="friend").describe_images, ImageIds=[image]) == "InvalidAMIID.NotFound"
    assert refusal(served.client().enable_image, ImageId=image) == "InvalidAMIID.Unavailable"
