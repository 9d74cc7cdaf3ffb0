"""What is looked at without its document is what would be found with it, and the newest is the last of it."""

from __future__ import annotations

import pytest

from goldsmith.catalog import glancing
from goldsmith.catalog.accounts import create_account
from goldsmith.catalog.catalog import Catalog
from goldsmith.catalog.database import Database
from goldsmith.catalog.glancing import glance, newest
from goldsmith.catalog.resources import Query, Resource

REGION = "us-east-1"


@pytest.fixture
def catalogs(tmp_path):
    database = Database.in_folder(tmp_path)
    database.prepare()
    with database.writing() as connection:
        accounts = [create_account(connection, name) for name in ("one", "two")]
        made = [Catalog(connection, account, REGION) for account in accounts]
        for catalog in made:
            for number in range(5):
                name, state = f"web/1.0.{number % 2}", "AVAILABLE" if number < 3 else "FAILED"
                identifier = f"{catalog.account.name}-{number}"
                catalog.add(Resource(identifier, "image-build", catalog.account.id, REGION, name, state, 1.0, {"a": 1}))
        yield made


def test_a_glance_finds_what_a_look_does_in_any_portions(catalogs, monkeypatch):
    mine, other = catalogs
    other.share(other.own("image-build", "two-0"), add=[mine.account.id])
    monkeypatch.setattr(glancing, "BATCH", 2)
    for query in (
        Query("image-build", prefix="web/"),
        Query("image-build", names=("web/1.0.0",)),
        Query("image-build", prefix="web/", states=("FAILED",)),
        Query("image-build", prefix="nothing/"),
    ):
        looked = list(mine.find(query))
        glanced = list(glance(mine, query))
        assert [(each.id, each.state, each.position) for each in glanced] == [
            (each.id, each.state, each.position) for each in looked
        ]
        assert not any(each.document for each in glanced)
    assert [each.id for each in glance(mine, Query("image-build", names=("web/1.0.0",)))] == [
        "one-0", "one-2", "one-4", "two-0"
    ]  # fmt: skip


def test_the_newest_is_the_last_that_may_be_seen(catalogs):
    mine, other = catalogs
    named = Query("image-build", names=("web/1.0.0",))
    found = newest(mine, named)
    assert (found.id, found.document) == ("one-4", {"a": 1})
    assert newest(mine, Query("image-build", names=("web/1.0.0",), states=("AVAILABLE",))).id == "one-2"
    others = Query("image-build", names=("web/1.0.0",), owners=(other.account.id,))
    assert newest(mine, others) is None
    other.share(other.own("image-build", "two-0"), add=[mine.account.id])
    assert newest(mine, others).id == "two-0"
    assert newest(mine, Query("image-build", names=("nothing",))) is None
