"""Products: who sees, launches and copies their AMIs."""

from __future__ import annotations

import pytest

from goldsmith.aws.call import Call
from goldsmith.aws.ec2.marketplace import image_facts, record_launch, require_copyable, require_launchable
from goldsmith.aws.errors import AwsError
from goldsmith.aws.models import find_operation
from goldsmith.catalog import marketplace
from goldsmith.catalog.marketplace import MarketplaceError
from tests.aws.ec2.amis import refusal, register, share, shown, where


def view(world, account):
    return world.cloud.catalog(world.credential(account).account, "us-east-1")


def attempt(world, account, function, image):
    """Return what a function says of an image for an account: its id, or the refusal's code."""
    caller = world.credential(account)
    with view(world, account) as catalog:
        operation = find_operation("ec2", "RunInstances")
        call = Call(operation, caller, "us-east-1", world.cloud, catalog, "", world.cloud.clock())
        try:
            return function(call, image).id
        except AwsError as refused:
            return refused.code


@pytest.fixture(scope="module")
def product(served):
    image = register(served, "seller", "product")
    with view(served, "seller") as catalog:
        return marketplace.publish(catalog, [image], "Web server", price="0.02 an hour")


@pytest.fixture(scope="module")
def offered(product):
    return product.images[0][1]


def test_everybody_sees_what_is_offered(served, product, offered):
    image = shown(served, "buyer", Owners=["aws-marketplace"])[offered]
    assert image["ImageOwnerAlias"] == "aws-marketplace"
    assert image["Public"] is True
    assert image["ProductCodes"] == [{"ProductCodeId": product.code, "ProductCodeType": "marketplace"}]
    assert offered in shown(served, "buyer")
    assert list(shown(served, "buyer", Filters=where("product-code", product.code))) == [offered]
    assert list(shown(served, "buyer", Filters=where("owner-alias", "aws-marketplace"))) == [offered]
    assert offered in shown(served, "buyer", ExecutableUsers=["all"])
    assert offered not in shown(served, "buyer", Owners=["amazon"])


def test_launching_takes_a_subscription(served, product, offered):
    assert attempt(served, "buyer", require_launchable, offered) == "OptInRequired"
    assert attempt(served, "seller", require_launchable, offered) == offered
    with view(served, "buyer") as catalog:
        assert marketplace.subscribe(catalog, product.code).subscribed
        marketplace.subscribe(catalog, product.code)
    assert attempt(served, "buyer", require_launchable, offered) == offered
    assert attempt(served, "third", require_launchable, offered) == "OptInRequired"
    with view(served, "buyer") as catalog:
        assert not marketplace.unsubscribe(catalog, product.code).subscribed
    assert attempt(served, "buyer", require_launchable, offered) == "OptInRequired"


def copy(call, image):
    return require_copyable(call, call.catalog, image)


def test_others_can_neither_copy_nor_publish_it(served, offered):
    assert attempt(served, "buyer", copy, offered) == "InvalidRequest"
    assert attempt(served, "seller", copy, offered) == offered
    public = {"Add": [{"Group": "all"}]}
    modify = served.client(account="seller").modify_image_attribute
    assert refusal(modify, ImageId=offered, LaunchPermission=public) == "OperationNotPermitted"
    attribute = served.client(account="seller").describe_image_attribute(ImageId=offered, Attribute="launchPermission")
    assert attribute["LaunchPermissions"] == []


def test_a_reset_of_permissions_does_not_end_the_offer(served, offered):
    served.client(account="seller").reset_image_attribute(ImageId=offered, Attribute="launchPermission")
    assert offered in shown(served, "buyer")


def test_more_images_come_under_the_same_code(served, product):
    more = register(served, "seller")
    with view(served, "seller") as catalog:
        again = marketplace.publish(catalog, [more], "Web server 2", code=product.code)
    assert (again.code, again.name, len(again.images)) == (product.code, "Web server 2", 2)
    with view(served, "buyer") as catalog:
        assert [each.code for each in marketplace.all_products(catalog)] == [product.code]


def test_what_cannot_be_offered(served, product):
    mine = register(served, "seller")
    with view(served, "buyer") as catalog:
        for images, code in (([mine], ""), ([], product.code), (["ami-0123456789abcdef0"], "")):
            with pytest.raises(MarketplaceError):
                marketplace.publish(catalog, images, "Mine", code=code)
        with pytest.raises(MarketplaceError):
            marketplace.subscribe(catalog, "x" * 25)


def test_what_else_cannot_be_launched(served):
    image = register(served, "seller")
    assert attempt(served, "buyer", require_launchable, image) == "InvalidAMIID.NotFound"
    assert attempt(served, "buyer", require_launchable, "ami-0123456789abcdef0") == "InvalidAMIID.NotFound"
    assert attempt(served, "buyer", require_launchable, "i-1") == "InvalidAMIID.Malformed"
    share(served, image, "buyer", account="seller")
    assert attempt(served, "buyer", require_launchable, image) == image
    served.client(account="seller").disable_image(ImageId=image)
    assert attempt(served, "seller", require_launchable, image) == "InvalidAMIID.Unavailable"
    served.client(account="seller").deregister_image(ImageId=image)
    assert attempt(served, "seller", require_launchable, image) == "InvalidAMIID.Unavailable"
    assert attempt(served, "buyer", require_launchable, image) == "InvalidAMIID.NotFound"


def test_what_an_account_does_not_allow_itself_is_not_there(served):
    image = register(served, "seller")
    share(served, image, account="seller", group="all")
    client = served.client(account="strict")
    client.replace_image_criteria_in_allowed_images_settings(ImageCriteria=[{"ImageProviders": ["none"]}])
    client.enable_allowed_images_settings(AllowedImagesSettingsState="enabled")
    assert attempt(served, "strict", require_launchable, image) == "InvalidAMIID.NotFound"
    client.enable_allowed_images_settings(AllowedImagesSettingsState="audit-mode")
    assert attempt(served, "strict", require_launchable, image) == image


def test_a_launch_is_noted_for_the_owner(served):
    image = register(served, "seller")
    share(served, image, "buyer", account="seller")

    def launch(call, identifier):
        found = require_launchable(call, identifier)
        record_launch(call, found)
        assert image_facts(call, [found])[identifier]["OwnerId"] == found.account
        return found

    assert attempt(served, "buyer", launch, image) == image
    assert shown(served, "seller", ImageIds=[image])[image]["LastLaunchedTime"]
