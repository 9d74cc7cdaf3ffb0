"""The catalogue: found by every way, in order, in portions, and only what may be seen."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from goldsmith.catalog.accounts import Account
from goldsmith.catalog.catalog import Catalog
from goldsmith.catalog.database import Database
from goldsmith.catalog.resources import EVERYBODY, LISTED, Query, Resource, ResourceExistsError
from goldsmith.catalog.tables import SHARES, TAGS, USES

ORGANIZATION = "arn:aws:organizations::1:organization/o-a"
MINE = Account("1" * 12, "mine", ORGANIZATION)
FRIEND = Account("2" * 12, "friend")
STRANGER = Account("3" * 12, "stranger", ORGANIZATION)
HERE = "us-east-1"
NAMES = ("web", "web_1", "web%1", "Web", "db")


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    database = Database.in_folder(tmp_path_factory.mktemp("catalog"))
    database.prepare()
    yield database
    database.close()


@pytest.fixture
def view(database):
    """Views of accounts in a transaction that is undone."""
    with database.engine.connect().execution_options(goldsmith_writes=True) as connection:
        transaction = connection.begin()
        yield lambda account, region=HERE: Catalog(connection, account, region)
        transaction.rollback()


def image(catalog, identifier, name="", **more):
    document = {"BlockDeviceMappings": [{"Ebs": {"SnapshotId": each}} for each in more.pop("parts", ())]}
    made = Resource(identifier, "image", catalog.account.id, catalog.region, name, "available", 1.0, document)
    return catalog.add(made, more.get("tags"))


def ids(catalog, **asked):
    return [each.id for each in catalog.find(Query("image", **asked))]


grants = st.lists(st.sampled_from([FRIEND.id, STRANGER.id, ORGANIZATION, EVERYBODY, LISTED]), max_size=2, unique=True)
rows = st.lists(
    st.tuples(
        st.sampled_from([MINE, FRIEND, STRANGER]),
        st.sampled_from(NAMES),
        grants,
        st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"]), max_size=2),
        st.lists(st.sampled_from(["snap-1", "snap-2"]), max_size=2, unique=True),
    ),
    max_size=12,
)
accounts = st.sampled_from([MINE.id, FRIEND.id, STRANGER.id, LISTED])
names = st.sampled_from([FRIEND.id, ORGANIZATION, EVERYBODY, LISTED])
queries = st.fixed_dictionaries(
    {},
    optional={
        "ids": st.lists(st.integers(0, 12).map(lambda number: f"ami-{number}"), min_size=1, max_size=3).map(tuple),
        "names": st.lists(st.sampled_from(NAMES), min_size=1, max_size=2).map(tuple),
        "patterns": st.sampled_from([("web%",), (r"web\_%", "db"), ("%1",)]),
        "prefix": st.sampled_from(["web", "d"]),
        "states": st.sampled_from([("available",), ("failed",)]),
        "owners": st.lists(accounts, min_size=1, max_size=2).map(tuple),
        "tags": st.sampled_from([(("a", ("1",)),), (("a", ()),), (("a", ("1", "2")), ("b", ("1",)))]),
        "grantees": st.lists(names, min_size=1, max_size=2).map(tuple),
        "given": st.sampled_from([(FRIEND.id,), (STRANGER.id,)]),
        "uses": st.sampled_from([("snap-1",), ("snap-1", "snap-2")]),
    },
)


def like(pattern):
    """Return the expression of a pattern of LIKE, which does not tell capitals from small letters in SQLite."""
    parts = re.split(r"(\\.|%|_)", pattern)
    meaning = {"%": ".*", "_": "."}
    text = "".join(meaning.get(part) or re.escape(part.removeprefix("\\")) for part in parts)
    return re.compile(text, re.DOTALL | re.IGNORECASE)


def expected(world, viewer, asked):
    """Say what a query finds, plainly."""
    may = {*viewer.grantees, EVERYBODY, LISTED}
    found = []
    for identifier, (owner, name, shared, tags, parts) in world:
        mine = owner == viewer
        seen = mine or bool(may & set(shared))
        owners = asked.get("owners")
        by_owner = not owners or owner.id in owners or (LISTED in owners and LISTED in shared)
        own_tags = tags if mine else {}
        by_grant = not (asked.get("grantees") or asked.get("given")) or (
            bool(set(asked.get("grantees", ())) & set(shared))
            or (mine and bool(set(asked.get("given", ())) & set(shared)))
        )
        fits = (
            identifier in asked.get("ids", (identifier,)),
            name in asked.get("names", (name,)),
            name.startswith(asked.get("prefix", "")),
            not asked.get("patterns") or any(like(each).fullmatch(name) for each in asked["patterns"]),
            "available" in asked.get("states", ("available",)),
            all(key in own_tags and (not some or own_tags[key] in some) for key, some in asked.get("tags", ())),
            not asked.get("uses") or bool(set(asked["uses"]) & set(parts)),
        )
        if seen and by_owner and by_grant and all(fits):
            found.append(identifier)
    return found


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=rows, viewer=st.sampled_from([MINE, FRIEND, STRANGER]), asked=queries, batch=st.sampled_from([1, 2, 500]))
def test_queries_find_what_may_be_seen_and_is_asked_for(database, made, viewer, asked, batch):
    with database.engine.connect().execution_options(goldsmith_writes=True) as connection:
        transaction = connection.begin()
        world = []
        for number, row in enumerate(made):
            owner, name, shared, tags, parts = row
            catalog = Catalog(connection, owner, HERE)
            catalog.share(image(catalog, f"ami-{number}", name, tags=tags, parts=parts), add=shared)
            world.append((f"ami-{number}", row))
        # Another region has the same ids, and nothing of them is seen here.
        elsewhere = Catalog(connection, viewer, "eu-west-1")
        image(elsewhere, "ami-0", "web", tags={"a": "1"}, parts=["snap-1"])
        found = Catalog(connection, viewer, HERE).find(Query("image", **asked), batch=batch)
        assert [each.id for each in found] == expected(world, viewer, asked)
        transaction.rollback()


def test_a_place_to_go_on_from(view):
    mine = view(MINE)
    made = [image(mine, f"ami-{number}") for number in range(5)]
    later = mine.find(Query("image", owners=(MINE.id,)), after=made[2].position)
    assert [each.id for each in later] == ["ami-3", "ami-4"]
    assert [each.id for each in mine.find(Query("image"), after=made[3].position, batch=1)] == ["ami-4"]


def test_an_id_is_taken_once_in_a_region(view):
    mine = view(MINE)
    image(mine, "ami-1")
    with pytest.raises(ResourceExistsError):
        image(mine, "ami-1")
    image(view(MINE, "eu-west-1"), "ami-1")


def test_nobody_changes_what_is_anothers(view):
    there = image(view(MINE), "ami-1")
    other = view(FRIEND)
    for change in (other.save, other.remove, other.grantees, other.share):
        with pytest.raises(PermissionError):
            change(there)


def test_what_it_is_made_of_follows_the_document(view):
    mine = view(MINE)
    made = image(mine, "ami-1", parts=["snap-1"])
    assert ids(mine, uses=("snap-1",)) == ["ami-1"]
    changed = mine.save(made.having(BlockDeviceMappings=[{"Ebs": {"SnapshotId": "snap-2"}}]))
    assert ids(mine, uses=("snap-1",)) == []
    assert ids(mine, uses=("snap-1", "snap-2")) == ["ami-1"]
    mine.remove(changed)
    assert ids(mine, uses=("snap-2",)) == []


def test_what_is_removed_leaves_nothing(view):
    mine = view(MINE)
    made = image(mine, "ami-1", tags={"a": "1"}, parts=["snap-1"])
    mine.share(made, add=(FRIEND.id,))
    view(FRIEND).tag(made, {"b": "2"})
    mine.remove(made)
    for table in (SHARES, TAGS, USES):
        assert not mine.connection.execute(select(table).where(table.c.position == made.position)).all()


def test_a_resource_of_another_kind_is_as_it_was_when_it_comes_back(view):
    mine, friend = view(MINE), view(FRIEND)
    made = image(mine, "ami-1", "web", tags={"a": "1"}, parts=["snap-1"])
    mine.share(made, add=(FRIEND.id,))
    gone = mine.rename_kind(made, "recycled-image")
    assert ids(mine) == ids(friend) == []
    assert [each.id for each in mine.find(Query("recycled-image", uses=("snap-1",)))] == ["ami-1"]
    back = mine.rename_kind(gone, "image")
    assert back == made
    assert ids(friend, grantees=(FRIEND.id,)) == ["ami-1"]
    assert mine.tags(back) == {"a": "1"}


def test_what_is_withheld_from_everybody(view):
    mine, friend = view(MINE), view(FRIEND)
    public, shared = image(mine, "ami-1"), image(mine, "ami-2")
    mine.share(public, add=(EVERYBODY,))
    mine.share(shared, add=(FRIEND.id,))
    mine.withhold("image", withheld=True)
    assert ids(friend) == ["ami-2"]
    assert mine.grantees(public) == [EVERYBODY]
    mine.withhold("image", withheld=False)
    assert ids(friend) == ["ami-1", "ami-2"]
    mine.withhold("image", withheld=True)
    mine.share(public, remove=(EVERYBODY,))
    mine.withhold("image", withheld=False)
    assert ids(friend) == ["ami-2"]


def test_tags_are_listed_only_of_what_is_seen(view):
    mine, friend = view(MINE), view(FRIEND)
    made = image(mine, "ami-1", tags={"a": "1", "b": "2"})
    mine.share(made, add=(FRIEND.id,))
    friend.tag(made, {"c": "3"})
    assert [(tag.id, tag.key, tag.value) for tag in mine.all_tags()] == [("ami-1", "a", "1"), ("ami-1", "b", "2")]
    assert [tag.key for tag in mine.all_tags(after=(made.position, "a"))] == ["b"]
    assert [tag.key for tag in friend.all_tags()] == ["c"]
    mine.share(made, remove=(FRIEND.id,))
    assert list(friend.all_tags()) == []
