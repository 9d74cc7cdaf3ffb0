"""Which AMIs whom is shown."""

from __future__ import annotations

import pytest

from tests.aws.ec2.amis import refusal, register, share, shown, snapshot, where

MISSING = "ami-0123456789abcdef0"


@pytest.fixture(scope="module")
def shelf(served):
    """AMIs of an account: private, public, shared with a friend."""
    private = register(served, "owner", "shelf-private", Description="a private one")
    public = register(served, "owner", "shelf-public", Description="")
    shared = register(served, "owner", "shelf-shared")
    share(served, public, account="owner", group="all")
    share(served, shared, "friend", account="owner")
    return {"private": private, "public": public, "shared": shared}


def test_an_image_has_all_that_clients_read(served, shelf):
    image = shown(served, "owner", ImageIds=[shelf["private"]])[shelf["private"]]
    assert image["ImageLocation"] == f"{served.account_id('owner')}/shelf-private"
    assert image["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is False
    assert image["ProductCodes"] == []
    assert image["Tags"] == []
    assert image["CreationDate"].endswith("Z")
    assert (image["Public"], image["State"], image["Hypervisor"]) == (False, "available", "xen")
    assert shown(served, "owner", ImageIds=[shelf["public"]])[shelf["public"]]["Description"] == ""


def test_everybody_sees_what_is_public_and_friends_what_is_shared(served, shelf):
    def names(account, **asked):
        return {image["Name"] for image in shown(served, account, **asked).values()}

    owner = served.account_id("owner")
    assert names("owner", Owners=["self"]) == {"shelf-private", "shelf-public", "shelf-shared"}
    assert names("friend", Owners=[owner]) == {"shelf-public", "shelf-shared"}
    assert names("stranger", Owners=[owner]) == {"shelf-public"}
    assert names("friend", Owners=["self"]) == set()
    assert {"shelf-public", "shelf-shared"} <= names("friend")
    assert "shelf-shared" not in names("stranger")


def test_executable_users(served, shelf):
    friend = served.account_id("friend")

    def ids(account, *users, **asked):
        return set(shown(served, account, ExecutableUsers=list(users), **asked)) & set(shelf.values())

    assert ids("friend", "self") == {shelf["shared"]}
    assert ids("friend", friend) == {shelf["shared"]}
    assert ids("friend", "all") == {shelf["public"]}
    assert ids("friend", "all", "self") == {shelf["public"], shelf["shared"]}
    # Of another account one learns only what one has shared with it oneself.
    assert ids("owner", friend) == {shelf["shared"]}
    assert ids("stranger", friend) == set()
    assert ids("stranger", "self") == set()
    assert ids("friend", "self", Owners=["self"]) == set()


def test_ids_that_are_not_there_look_like_those_that_may_not_be_seen(served, shelf):
    stranger = served.client(account="stranger").describe_images
    assert refusal(stranger, ImageIds=[MISSING]) == "InvalidAMIID.NotFound"
    assert refusal(stranger, ImageIds=[shelf["private"]]) == "InvalidAMIID.NotFound"
    assert refusal(stranger, ImageIds=["ami-x"]) == "InvalidAMIID.Malformed"
    assert refusal(stranger, Owners=["somebody"]) == "InvalidUserID.Malformed"


def test_a_deregistered_image_is_an_empty_list(served):
    client = served.client()
    image = register(served)
    client.deregister_image(ImageId=image)
    assert client.describe_images(ImageIds=[image])["Images"] == []
    assert image not in shown(served, Owners=["self"])
    assert refusal(client.deregister_image, ImageId=image) == "InvalidAMIID.Unavailable"


def test_wildcards(served):
    for name in ("wild-a1", "wild-a2", "wild-b1", "Wild-a1", "wild*a1"[:4] + "_x"):
        register(served, "wild", name)

    def names(*patterns):
        found = shown(served, "wild", Owners=["self"], Filters=where("name", *patterns))
        return sorted(image["Name"] for image in found.values())

    assert names("wild-a?") == ["wild-a1", "wild-a2"]
    assert names("*1") == ["Wild-a1", "wild-a1", "wild-b1"]
    assert names("wild-b*", "wild_x") == ["wild-b1", "wild_x"]
    assert names("wild_*") == ["wild_x"]
    assert names(r"wild-\*") == []
    assert names("wild") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("architecture", "x86_64"),
        ("block-device-mapping.device-name", "/dev/xvda"),
        ("block-device-mapping.volume-size", "8"),
        ("block-device-mapping.delete-on-termination", "true"),
        ("block-device-mapping.encrypted", "false"),
        ("boot-mode", "uefi"),
        ("creation-date", "20*"),
        ("description", "filter?d*"),
        ("ena-support", "true"),
        ("hypervisor", "xen"),
        ("image-type", "machine"),
        ("is-public", "false"),
        ("name", "filtered"),
        ("root-device-name", "/dev/xvda"),
        ("root-device-type", "ebs"),
        ("state", "available"),
        ("tag:Team", "blue"),
        ("tag-key", "Team"),
        ("virtualization-type", "hvm"),
    ],
)
def test_filters(served, name, value):
    if not shown(served, "filterer", Owners=["self"]):
        tags = [{"ResourceType": "image", "Tags": [{"Key": "Team", "Value": "blue"}]}]
        more = {"BootMode": "uefi", "EnaSupport": True, "TagSpecifications": tags}
        register(served, "filterer", "filtered", Description="filtered image", **more)
        mapping = {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot(served, "filterer", size=9)}}
        other = {"Architecture": "arm64", "RootDeviceName": "/dev/sda1", "BlockDeviceMappings": [mapping]}
        register(served, "filterer", "other", **other)
    names = {image["Name"] for image in shown(served, "filterer", Owners=["self"], Filters=where(name, value)).values()}
    alike = {"block-device-mapping.delete-on-termination", "block-device-mapping.encrypted", "creation-date"}
    alike |= {"hypervisor", "image-type", "is-public", "root-device-type", "state", "virtualization-type"}
    assert names == ({"filtered", "other"} if name in alike else {"filtered"})
    assert not shown(served, "filterer", Owners=["self"], Filters=where(name, "nothing such"))


def test_filters_by_snapshot_and_by_public(served, shelf):
    image = shown(served, "owner", ImageIds=[shelf["public"]])[shelf["public"]]
    snapshot_id = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    found = shown(served, "owner", Filters=where("block-device-mapping.snapshot-id", snapshot_id, "snap-00000000"))
    assert list(found) == [shelf["public"]]
    public = set(shown(served, "stranger", Filters=where("is-public", "true")))
    assert public & set(shelf.values()) == {shelf["public"]}
    assert refusal(served.client().describe_images, Filters=where("nonsense", "x")) == "InvalidParameterValue"


def test_pages_hold_everything_once(served):
    made = [register(served, "pager") for _ in range(7)]
    client = served.client(account="pager")
    pages = list(client.get_paginator("describe_images").paginate(Owners=["self"], PaginationConfig={"PageSize": 3}))
    assert [[image["ImageId"] for image in page["Images"]] for page in pages] == [made[:3], made[3:6], made[6:]]
    token = pages[0]["NextToken"]
    assert refusal(client.describe_images, MaxResults=3, NextToken=token) == "InvalidNextToken"
    assert refusal(
        served.client(account="stranger").describe_images, Owners=["self"], MaxResults=3, NextToken=token
    ) == ("InvalidNextToken")


def test_pages_of_all_that_one_may_see_hold_everything_once(served, shelf):
    mine = register(served, "friend")
    client = served.client(account="friend")
    pages = client.get_paginator("describe_images").paginate(PaginationConfig={"PageSize": 2})
    ids = [image["ImageId"] for page in pages for image in page["Images"]]
    assert len(ids) == len(set(ids))
    assert set(ids) & {mine, *shelf.values()} == {mine, shelf["public"], shelf["shared"]}
