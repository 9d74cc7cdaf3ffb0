"""With whom AMIs are shared."""

from __future__ import annotations

import pytest

from goldsmith.catalog.accounts import set_organization
from tests.aws.ec2.amis import refusal, register, share, shown

ORGANIZATION = "arn:aws:organizations::111122223333:organization/o-exampleorg1"
UNIT = "arn:aws:organizations::111122223333:ou/o-exampleorg1/ou-ab12-11111111"


def join(served, account, organization, *units):
    member = served.credential(account).account
    with served.cloud.database.writing() as connection:
        set_organization(connection, member, organization, units)


@pytest.mark.parametrize(
    ("grant", "seen_by"),
    [
        ({"OrganizationArn": ORGANIZATION}, {"member", "unit-member"}),
        ({"OrganizationalUnitArn": UNIT}, {"unit-member"}),
    ],
)
def test_organisations_and_units(served, grant, seen_by):
    join(served, "member", ORGANIZATION)
    join(served, "unit-member", ORGANIZATION, UNIT)
    image = register(served, "owner")
    client = served.client(account="owner")
    client.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [grant]})
    answer = client.describe_image_attribute(ImageId=image, Attribute="launchPermission")
    assert answer["LaunchPermissions"] == [grant]
    for account in ("member", "unit-member", "outsider"):
        assert (image in shown(served, account)) == (account in seen_by)
        assert (image in shown(served, account, ExecutableUsers=["self"])) == (account in seen_by)
    client.modify_image_attribute(ImageId=image, LaunchPermission={"Remove": [grant]})
    assert image not in shown(served, "unit-member")


def test_a_consumer_gives_up_a_share(served):
    image = register(served, "owner")
    share(served, image, "consumer", account="owner")
    client = served.client(account="consumer")
    client.cancel_image_launch_permission(ImageId=image)
    assert image not in shown(served, "consumer")
    assert refusal(client.cancel_image_launch_permission, ImageId=image) == "InvalidAMIID.NotFound"
    assert refusal(served.client(account="owner").cancel_image_launch_permission, ImageId=image) == "InvalidRequest"


def test_a_public_image_cannot_be_given_up(served):
    image = register(served, "owner")
    share(served, image, account="owner", group="all")
    client = served.client(account="consumer")
    assert refusal(client.cancel_image_launch_permission, ImageId=image) == "InvalidRequest"
    assert image in shown(served, "consumer")
