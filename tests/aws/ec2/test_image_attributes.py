"""Attributes of AMIs, in every form in which clients give them."""

from __future__ import annotations

import pytest

from tests.aws.ec2.amis import refusal, register, share, shown


@pytest.fixture(scope="module")
def image(served):
    return register(served, "owner", "attributed", Description="before")


def attribute(served, image, name, account="owner"):
    return served.client(account=account).describe_image_attribute(ImageId=image, Attribute=name)


@pytest.mark.parametrize(
    "form",
    [
        {"Attribute": "description", "Value": "after"},
        {"Description": {"Value": "after"}},
        {"Attribute": "Description", "Description": {"Value": "after"}},
        {"Attribute": "DESCRIPTION", "Value": "after"},
    ],
)
def test_a_description_is_changed_in_every_form(served, image, form):
    client = served.client(account="owner")
    client.modify_image_attribute(ImageId=image, Description={"Value": "before"})
    client.modify_image_attribute(ImageId=image, **form)
    assert attribute(served, image, "description")["Description"] == {"Value": "after"}
    assert shown(served, "owner", ImageIds=[image])[image]["Description"] == "after"


def test_a_description_can_be_emptied(served, image):
    served.client(account="owner").modify_image_attribute(ImageId=image, Description={"Value": ""})
    assert shown(served, "owner", ImageIds=[image])[image]["Description"] == ""


@pytest.mark.parametrize(
    ("add", "remove"),
    [
        (
            lambda user: {"LaunchPermission": {"Add": [{"UserId": user}]}},
            lambda user: {"LaunchPermission": {"Remove": [{"UserId": user}]}},
        ),
        (
            lambda user: {"Attribute": "launchPermission", "OperationType": "add", "UserIds": [user]},
            lambda user: {"Attribute": "launchPermission", "OperationType": "remove", "UserIds": [user]},
        ),
        (
            lambda user: {"Attribute": "LaunchPermission", "LaunchPermission": {"Add": [{"UserId": user}]}},
            lambda user: {"UserIds": [user], "LaunchPermission": {"Remove": [{"UserId": user}]}},
        ),
        (
            lambda user: {"UserIds": [user], "LaunchPermission": {"Add": [{"UserId": user}]}},
            lambda user: {"LaunchPermission": {"Remove": [{"UserId": user}, {"UserId": user}]}},
        ),
    ],
)
def test_launch_permissions_come_and_go_in_every_form(served, image, add, remove):
    friend = served.account_id("friend")
    client = served.client(account="owner")
    for _ in range(2):
        client.modify_image_attribute(ImageId=image, **add(friend))
        assert attribute(served, image, "launchPermission")["LaunchPermissions"] == [{"UserId": friend}]
    for _ in range(2):
        client.modify_image_attribute(ImageId=image, **remove(friend))
        assert attribute(served, image, "launchPermission")["LaunchPermissions"] == []


def test_what_cannot_be_modified(served, image):
    modify = served.client(account="owner").modify_image_attribute
    both = {"Description": {"Value": "x"}, "LaunchPermission": {"Add": [{"Group": "all"}]}}
    assert refusal(modify, ImageId=image) == "InvalidParameterCombination"
    assert refusal(modify, ImageId=image, **both) == "InvalidParameterCombination"
    assert refusal(modify, ImageId=image, Attribute="kernel", Value="x") == "InvalidRequest"
    assert refusal(modify, ImageId=image, ProductCodes=["abc"]) == "UnsupportedOperation"
    assert refusal(modify, ImageId=image, UserIds=["1" * 12]) == "MissingParameter"
    assert refusal(modify, ImageId=image, Description={"Value": "x" * 256}) == "InvalidParameterValue"
    assert refusal(modify, ImageId=image, ImdsSupport={"Value": "v1.0"}) == "InvalidParameterValue"


def test_a_bad_grantee_changes_nothing(served, image):
    good, bad = {"UserId": served.account_id("friend")}, {"UserId": "12"}
    modify = served.client(account="owner").modify_image_attribute
    assert refusal(modify, ImageId=image, LaunchPermission={"Add": [good, bad]}) == "InvalidAMIAttributeItemValue"
    assert attribute(served, image, "launchPermission")["LaunchPermissions"] == []


def test_attributes_of_one_value(served):
    image = register(served, "owner", BootMode="uefi", TpmSupport="v2.0", ImdsSupport="v2.0", UefiData="AAAA")
    for name, member, value in (
        ("bootMode", "BootMode", "uefi"),
        ("tpmSupport", "TpmSupport", "v2.0"),
        ("imdsSupport", "ImdsSupport", "v2.0"),
        ("uefiData", "UefiData", "AAAA"),
        ("deregistrationProtection", "DeregistrationProtection", "disabled"),
    ):
        answer = attribute(served, image, name)
        assert (answer["ImageId"], answer[member]) == (image, {"Value": value})
    assert attribute(served, image, "productCodes")["ProductCodes"] == []
    assert attribute(served, image, "kernel")["KernelId"] == {}


def test_attributes_that_are_not_told(served, image):
    describe = served.client(account="owner").describe_image_attribute
    assert refusal(describe, ImageId=image, Attribute="blockDeviceMapping") == "AuthFailure"
    assert refusal(describe, ImageId=image, Attribute="nonsense") == "InvalidRequest"


def test_only_the_owner_asks_and_changes(served):
    image = register(served, "owner")
    for account, code in (("stranger", "InvalidAMIID.NotFound"), ("friend", "AuthFailure")):
        share(served, image, "friend", account="owner")
        client = served.client(account=account)
        assert refusal(client.describe_image_attribute, ImageId=image, Attribute="description") == code
        assert refusal(client.modify_image_attribute, ImageId=image, Description={"Value": "mine"}) == code
        assert refusal(client.reset_image_attribute, ImageId=image, Attribute="launchPermission") == code
        assert refusal(client.deregister_image, ImageId=image) == code


def test_a_reset_shares_with_nobody(served):
    image = register(served, "owner")
    share(served, image, "friend", account="owner", group="all")
    served.client(account="owner").reset_image_attribute(ImageId=image, Attribute="launchPermission")
    assert attribute(served, image, "launchPermission")["LaunchPermissions"] == []
    assert image not in shown(served, "friend")
