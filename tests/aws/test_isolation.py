"""No account learns of another's private things, whatever it asks: they might as well not be."""

from __future__ import annotations

import os
import random
import re
import secrets
import shutil
import uuid
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from goldsmith.aws.dispatch import Dispatcher
from goldsmith.catalog.accounts import Account, Credential
from goldsmith.catalog.tables import ACCOUNTS, RESOURCES, SHARES, TAGS, USES
from tests.aws.asking import HINTS, Maker, UndoingDatabase, answer, answered_operations, fitting, kind_for
from tests.aws.furnishing import OTHERS, OWNER, SECRET, a_snapshot, an_image, furnished, open_cloud

ORGANIZATION = "arn:aws:organizations::111122223333:organization/o-exampleorg1"
UNIT = "arn:aws:organizations::111122223333:ou/o-exampleorg1/ou-ab12-11111111"
GRANTEES = (*OTHERS, ORGANIZATION, UNIT, "all", "aws-marketplace")
DRAWN = re.compile(rb"<keyMaterial>.*?</keyMaterial>|<keyFingerprint>[^<]*<", re.DOTALL)
"""What no seed decides: a key pair's private half."""


@dataclass
class World:
    """A cloud on a home, and what its accounts may see by the rules as they are written, not as they are coded."""

    cloud: object
    organizations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shares: dict[int, set[str]] = field(default_factory=dict)
    rows: list = field(default_factory=list)

    def caller(self, account: str) -> Credential:
        organization, *units = (*self.organizations.get(account, ()), "")[:2]
        return Credential(
            "AKIAEXAMPLE", "", Account(account, account, organization, tuple(filter(None, units))), "u", "admin"
        )

    def sees(self, account: str, row) -> bool:
        names = {account, "all", "aws-marketplace", *self.organizations.get(account, ())}
        return row.account == account or bool(self.shares.get(row.position, set()) & names)

    def hidden(self, account: str):
        """Return what an account may not see, nor is told of as a part of what it sees or as the source of its own."""
        sources = {row.document.get("SourceImageId") for row in self.rows if row.account == account}
        parts = {
            mapping.get("Ebs", {}).get("SnapshotId")
            for row in self.rows
            if row.kind == "image" and self.sees(account, row)
            for mapping in row.document.get("BlockDeviceMappings", ())
        }
        return [row for row in self.rows if not self.sees(account, row) and row.id not in parts | sources]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A home whose owner has one of everything that can be made here."""
    path = tmp_path_factory.mktemp("template")
    furnished(path).close()
    return path


@dataclass(frozen=True)
class Plan:
    """What a world is made of: who is in the organisation, and with whom which of the images and snapshots are shared."""

    members: dict[str, tuple[str, ...]]
    images: list[tuple[str, frozenset[str], int]]
    snapshots: list[tuple[str, frozenset[str]]]
    viewer: str
    seed: int


accounts = st.sampled_from((OWNER, *OTHERS))
shared = st.frozensets(st.sampled_from(GRANTEES), max_size=2)
plans = st.builds(
    Plan,
    members=st.dictionaries(accounts, st.sampled_from([(ORGANIZATION,), (ORGANIZATION, UNIT)])),
    images=st.lists(st.tuples(accounts, shared, st.integers(0, 3)), min_size=1, max_size=5),
    snapshots=st.lists(st.tuples(accounts, shared), min_size=1, max_size=4),
    viewer=st.sampled_from(OTHERS),
    seed=st.integers(0, 2**32),
)


def build(template, path, plan) -> World:
    """Make a plan's world of a copy of the template."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(template, path)
    cloud = open_cloud(path)
    snapshots = [f"snap-{number:017x}" for number in range(1, len(plan.snapshots) + 1)]
    for identifier, (account, grantees) in zip(snapshots, plan.snapshots, strict=True):
        with cloud.catalog(account, "us-east-1") as catalog:
            catalog.share(catalog.add(a_snapshot(identifier, account), {SECRET: identifier}), add=grantees)
    for number, (account, grantees, source) in enumerate(plan.images, 1):
        made_of = {"SourceImageId": f"ami-{source:017x}", "SourceImageRegion": "us-east-1"} if source else {}
        with cloud.catalog(account, "us-east-1") as catalog:
            image = an_image(f"ami-{number:017x}", snapshots[number % len(snapshots)], account, **made_of)
            catalog.share(catalog.add(image, {SECRET: image.id}), add=grantees)
    with cloud.database.writing() as connection:
        for account, (organization, *units) in plan.members.items():
            member = update(ACCOUNTS).where(ACCOUNTS.c.id == account)
            connection.execute(member.values(organization=organization, organizational_units=units))
        world = World(cloud, dict(plan.members))
        world.rows = connection.execute(select(RESOURCES)).all()
        for position, grantee in connection.execute(select(SHARES.c.position, SHARES.c.grantee)):
            world.shares.setdefault(position, set()).add(grantee)
    assert cloud.vault
    cloud.database.close()
    cloud.database = UndoingDatabase(cloud.database.url)
    return world


def facts(connection, row):
    """Return all that the catalogue knows of a resource."""
    tables = (RESOURCES, SHARES, TAGS)
    return [connection.execute(select(table).where(table.c.position == row.position)).all() for table in tables]


def fits(row, operation):
    """Tell whether a member of an operation names things of a resource's kind."""
    shape = operation.model.input_shape
    return shape is not None and any(kind_for(member) == row.kind for member in shape.members)


def a_text(draw, row, name):
    """Return a member's text: mostly what tells of a resource."""
    return HINTS[name] if name in HINTS else fitting(name, draw.choice((row.id, row.id, row.name or row.id)))


def keep_facts(row, kept, connection):
    """Keep what the catalogue knows of a resource at the end of a transaction."""
    kept.append(facts(connection, row))


def without(row):
    """Return what takes a resource out of the catalogue."""

    def remove(connection):
        for table in (SHARES, TAGS, USES, RESOURCES):
            connection.execute(delete(table).where(table.c.position == row.position))

    return remove


QUICK = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""A failure tells its operation and parameters; a smaller world would tell no more."""


class Seeded:
    """Draws the same each time it is begun anew."""

    def __init__(self, monkeypatch):
        self.random = random.Random()  # noqa: S311 - drawn alike is what is wanted
        monkeypatch.setattr(secrets, "token_hex", lambda size=32: self.random.randbytes(size).hex())
        monkeypatch.setattr(secrets, "token_bytes", lambda size=32: self.random.randbytes(size))
        monkeypatch.setattr(secrets, "choice", self.random.choice)
        monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(bytes=self.random.randbytes(16)))
        monkeypatch.setattr(os, "urandom", self.random.randbytes)

    def begin(self):
        self.random.seed(1)


def ask(world, seeded, caller, operation, parameters, before=None, after=None):
    """Return an answer of a world of which nothing remains."""
    seeded.begin()
    world.cloud.database.before, world.cloud.database.after = before, after
    status, body = answer(Dispatcher(world.cloud), caller, operation, parameters)
    world.cloud.database.before = world.cloud.database.after = None
    return status, DRAWN.sub(b"", body)


@settings(QUICK, max_examples=3)
@given(plan=plans)
def test_what_an_account_may_not_see_might_as_well_not_be(template, tmp_path, monkeypatch, plan):
    seeded = Seeded(monkeypatch)
    world = build(template, tmp_path / "home", plan)
    draw = random.Random(plan.seed)  # noqa: S311 - a test draws
    caller = world.caller(plan.viewer)
    hidden = world.hidden(plan.viewer)
    faults = []
    for operation in answered_operations():
        row = draw.choice([row for row in hidden if fits(row, operation)] or hidden)
        maker = Maker(draw, partial(a_text, draw, row))
        parameters = maker.parameters(operation)
        with world.cloud.database.reading() as connection:
            before = facts(connection, row)
        kept = []
        there = ask(world, seeded, caller, operation, parameters, after=partial(keep_facts, row, kept))
        gone = ask(world, seeded, caller, operation, parameters, before=without(row))
        if there != gone or any(each != before for each in kept):
            faults.append((operation.service, operation.name, parameters, row.kind, there, gone))
    assert not faults


@settings(QUICK, max_examples=2)
@given(plan=plans)
def test_no_list_tells_of_what_is_hidden(template, tmp_path, monkeypatch, plan):
    seeded = Seeded(monkeypatch)
    world = build(template, tmp_path / "home", plan)
    caller = world.caller(plan.viewer)
    hidden = world.hidden(plan.viewer)
    for operation in answered_operations():
        if not operation.name.startswith(("Describe", "List", "Get")):
            continue
        shape = operation.model.input_shape
        if shape is not None and shape.required_members:
            continue
        status, body = ask(world, seeded, caller, operation, {})
        text = body.decode()
        for row in hidden:
            assert row.id not in text, f"{operation.name} tells of {row.kind} {row.id}: {status}"
            assert SECRET not in row.name or row.name not in text, f"{operation.name} names {row.kind} {row.name}"
        # Tags are an account's own, on what others share with it, too.
        own = set(re.findall(rf"<key>{SECRET}</key><value>([^<]*)</value>", text))
        mine = {row.id for row in world.rows if row.account == plan.viewer} | {SECRET}
        assert own <= mine, f"{operation.name} shows another's tags"
