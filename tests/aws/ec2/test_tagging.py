"""Tags of any resource, each account's own."""

from __future__ import annotations

import pytest

from tests.aws.ec2.amis import refusal, register, share, shown, snapshot, where


def pairs(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


def tags_of(served, resource, account="acme"):
    client = served.client(account=account)
    return pairs(client.describe_tags(Filters=where("resource-id", resource))["Tags"])


def put(served, *resources, account="acme", **tags):
    asked = [{"Key": key, "Value": value} for key, value in tags.items()]
    served.client(account=account).create_tags(Resources=list(resources), Tags=asked)


def test_tags_are_put_over_those_of_the_same_key(served):
    image, other = register(served), snapshot(served)
    put(served, image, other, a="1", b="2")
    put(served, image, a="3", empty="")
    assert tags_of(served, image) == {"a": "3", "b": "2", "empty": ""}
    assert tags_of(served, other) == {"a": "1", "b": "2"}
    assert pairs(shown(served, ImageIds=[image])[image]["Tags"]) == {"a": "3", "b": "2", "empty": ""}


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ([{"Key": "a"}], {"b": "2", "empty": ""}),
        ([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "other"}], {"b": "2", "empty": ""}),
        ([{"Key": "a", "Value": ""}, {"Key": "empty", "Value": ""}], {"a": "1", "b": "2"}),
        ([{"Key": "missing"}], {"a": "1", "b": "2", "empty": ""}),
        ([], {}),
    ],
)
def test_tags_are_taken_off_by_key_and_value(served, asked, left):
    image = register(served)
    put(served, image, a="1", b="2", empty="")
    served.client().delete_tags(Resources=[image], Tags=asked)
    assert tags_of(served, image) == left


def test_one_wrong_resource_leaves_all_as_they_are(served):
    image = register(served)
    create = served.client().create_tags
    for wrong, code in (
        ("ami-0123456789abcdef0", "InvalidAMIID.NotFound"),
        ("snap-0123456789abcdef0", "InvalidSnapshot.NotFound"),
        ("nonsense", "InvalidID"),
        ("ami-nonsense", "InvalidID"),
        (register(served, "other"), "InvalidAMIID.NotFound"),
    ):
        assert refusal(create, Resources=[image, wrong], Tags=[{"Key": "a", "Value": "b"}]) == code
    assert tags_of(served, image) == {}


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "aws:x", "Value": "1"}], "InvalidParameterValue"),
        ([{"Key": "k" * 129, "Value": "1"}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "v" * 257}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}], "InvalidParameterValue"),
        ([{"Key": f"k{number}", "Value": ""} for number in range(51)], "TagLimitExceeded"),
    ],
)
def test_tags_that_cannot_be(served, tags, code):
    assert refusal(served.client().create_tags, Resources=[register(served)], Tags=tags) == code


def test_each_account_has_its_own_on_what_is_shared(served):
    image = register(served, "owner")
    share(served, image, "friend", account="owner")
    put(served, image, account="owner", whose="owner")
    put(served, image, account="friend", mine="friend")
    assert tags_of(served, image, "owner") == {"whose": "owner"}
    assert tags_of(served, image, "friend") == {"mine": "friend"}
    assert pairs(shown(served, "friend")[image]["Tags"]) == {"mine": "friend"}
    assert image in shown(served, "friend", Filters=where("tag:mine", "friend"))
    assert image not in shown(served, "friend", Filters=where("tag:whose", "owner"))
    served.client(account="owner").reset_image_attribute(ImageId=image, Attribute="launchPermission")
    assert tags_of(served, image, "friend") == {}


def test_filters_and_pages(served):
    images = [register(served, "filterer") for _ in range(4)]
    put(served, *images, account="filterer", team="blue", number="7")
    client = served.client(account="filterer")
    for filters, count in (
        (where("key", "team"), 4),
        (where("value", "blue"), 4),
        (where("tag:team", "blue"), 4),
        (where("tag:team", "red"), 0),
        (where("resource-type", "image"), 8),
        (where("resource-type", "volume"), 0),
        (where("resource-id", images[0], images[1]), 4),
    ):
        assert len(client.describe_tags(Filters=filters)["Tags"]) == count
    pages = list(client.get_paginator("describe_tags").paginate(PaginationConfig={"PageSize": 5}))
    found = [(tag["ResourceId"], tag["Key"]) for page in pages for tag in page["Tags"]]
    assert len(pages) == 2
    assert found == [(image, key) for image in images for key in ("number", "team")]
    assert refusal(client.describe_tags, MaxResults=4) == "InvalidParameterValue"
