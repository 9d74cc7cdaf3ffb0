"""`goldsmith marketplace` from publishing to subscribing."""

from __future__ import annotations

import json

import pytest

from goldsmith.aws.cloud import Cloud
from goldsmith.catalog.accounts import create_account
from goldsmith.catalog.resources import Resource
from goldsmith.cli import marketplace
from goldsmith.pipelines.home import Home

IMAGE = "ami-0123456789abcdef0"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with two accounts, and an AMI of the first."""
    monkeypatch.setenv("GOLDSMITH_HOME", str(tmp_path))
    cloud = Cloud(Home.default().ready())
    cloud.database.prepare()
    with cloud.database.writing() as connection:
        seller = create_account(connection, "seller")
        create_account(connection, "buyer")
    with cloud.catalog(seller, "us-east-1") as catalog:
        catalog.add(Resource(IMAGE, "image", seller.id, "us-east-1", "web", "available", 1.0, {"ProductCodes": []}))
    cloud.close()


def listed(capsys, account):
    capsys.readouterr()
    marketplace.list_products(account=account, as_json=True)
    return json.loads(capsys.readouterr().out)


def test_a_product_is_offered_and_subscribed_to(home, capsys):
    marketplace.publish([IMAGE], name="Web", price="free", code="", account="", region="", as_json=True)
    (product,) = listed(capsys, "buyer")
    assert (product["name"], product["price"], product["subscribed"]) == ("Web", "free", False)
    assert product["images"] == [["us-east-1", IMAGE]]
    marketplace.subscribe(product["code"], account="buyer", as_json=False)
    assert capsys.readouterr().out == "buyer is subscribed to Web and can launch its AMIs.\n"
    assert listed(capsys, "buyer")[0]["subscribed"] is True
    marketplace.list_products(account="", as_json=False)
    assert capsys.readouterr().out.splitlines()[1].split()[-1] == "own"
    marketplace.unsubscribe(product["code"], account="buyer", as_json=False)
    assert listed(capsys, "buyer")[0]["subscribed"] is False
