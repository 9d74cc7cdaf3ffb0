"""Every resource of every account, as one caller may see and change them."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from goldsmith.catalog.tables import RESOURCES, SHARES, TAGS
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from goldsmith.catalog.accounts import Account

EVERYBODY = "all"
PUBLIC = "aws"
"""The account of what the house itself offers to all, as parameters under /aws/service."""

BATCH = 500


class ResourceExistsError(GoldsmithError):
    """There is already a resource of that id or name."""


@dataclass(frozen=True)
class Resource:
    """One resource: ``document`` is AWS's shape of it, ``inner`` what only we know. ``created`` is in seconds."""

    id: str
    kind: str
    account: str
    region: str
    name: str = ""
    state: str = ""
    created: float = 0.0
    document: Mapping[str, Any] = field(default_factory=dict)
    inner: Mapping[str, Any] = field(default_factory=dict)
    position: int = 0

    def having(self, *, state: str | None = None, name: str | None = None, **members: Any) -> Resource:
        """Return it with members of its document replaced; None removes one."""
        document = {key: value for key, value in {**self.document, **members}.items() if value is not None}
        return replace(
            self,
            document=document,
            state=self.state if state is None else state,
            name=self.name if name is None else name,
        )

    def knowing(self, **facts: Any) -> Resource:
        """Return it with inner facts replaced; None removes one."""
        inner = {key: value for key, value in {**self.inner, **facts}.items() if value is not None}
        return replace(self, inner=inner)


@dataclass(frozen=True)
class Query:
    """Which resources: of these ids, names, states, owners and tags, all of them given; () means any.

    ``prefix`` is a beginning of the name; ``tags`` pairs a key with possible values, () for any. ``grantees`` asks
    for what is shared with one of those names.
    """

    kind: str
    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    prefix: str = ""
    states: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()
    grantees: tuple[str, ...] = ()


class Catalog:
    """The resources of one region as ``account`` sees them: its own, and what others share with it.

    Nothing else can be reached through it: that one account never learns of another's private things rests here.
    """

    def __init__(self, connection: Connection, account: Account, region: str) -> None:
        self.connection = connection
        self.account = account
        self.region = region

    def elsewhere(self, region: str) -> Catalog:
        """Return the same caller's view of another region."""
        return Catalog(self.connection, self.account, region)

    def get(self, kind: str, identifier: str) -> Resource | None:
        """Return a resource that the caller may see."""
        return next(self.find(Query(kind, ids=(identifier,))), None)

    def own(self, kind: str, identifier: str) -> Resource | None:
        """Return a resource of the caller's own."""
        return next(self.find(Query(kind, ids=(identifier,), owners=(self.account.id,))), None)

    def named(self, kind: str, name: str) -> Resource | None:
        """Return the caller's own resource of that name."""
        return next(self.find(Query(kind, names=(name,), owners=(self.account.id,))), None)

    def find(self, query: Query, *, after: int = 0, batch: int = BATCH) -> Iterator[Resource]:
        """Yield what the caller may see, in the order in which it was made, from ``after`` a position on."""
        while True:
            statement = self._select(query).where(RESOURCES.c.position > after)
            rows = self.connection.execute(statement.order_by(RESOURCES.c.position).limit(batch)).all()
            yield from (_resource(row) for row in rows)
            if len(rows) < batch:
                return
            after = rows[-1].position

    def count(self, kind: str) -> int:
        """Return how many the caller owns."""
        own = and_(RESOURCES.c.kind == kind, RESOURCES.c.region == self.region, RESOURCES.c.account == self.account.id)
        return self.connection.execute(select(func.count()).where(own)).scalar_one()

    def add(self, resource: Resource, tags: Mapping[str, str] | None = None) -> Resource:
        """Add a resource of the caller's. Raises ResourceExistsError when its id is taken."""
        self._require_own(resource)
        made = replace(resource, created=resource.created or time.time())
        values = {name: getattr(made, name) for name in RESOURCES.c.keys() if name != "position"}  # noqa: SIM118
        try:
            with self.connection.begin_nested():
                position = self.connection.execute(insert(RESOURCES).values(**values)).inserted_primary_key
        except IntegrityError as taken:
            raise ResourceExistsError(f"There is already a {made.kind} {made.id}.") from taken
        if tags:
            self.tag(made, tags)
        return replace(made, position=position[0] if position else 0)

    def save(self, resource: Resource) -> Resource:
        """Write a changed resource of the caller's back."""
        self._require_own(resource)
        self.connection.execute(
            update(RESOURCES)
            .where(*self._exactly(resource))
            .values(name=resource.name, state=resource.state, document=resource.document, inner=resource.inner)
        )
        return resource

    def remove(self, resource: Resource) -> None:
        """Remove a resource of the caller's, with everybody's tags on it and its shares."""
        self._require_own(resource)
        self.connection.execute(delete(RESOURCES).where(*self._exactly(resource)))
        self.connection.execute(delete(SHARES).where(SHARES.c.resource == resource.id))
        self.connection.execute(delete(TAGS).where(TAGS.c.resource == resource.id, TAGS.c.region == self.region))

    def remove_named(self, kind: str, name: str) -> None:
        """Remove all of the caller's own of that name at once: parts of a whole, with neither tags nor shares."""
        table = RESOURCES.c
        mine = (table.kind == kind, table.name == name, table.account == self.account.id, table.region == self.region)
        self.connection.execute(delete(RESOURCES).where(*mine))

    def grantees(self, resource: Resource) -> list[str]:
        """Return whom a resource of the caller's is shared with."""
        self._require_own(resource)
        return self._grantees(resource.id)

    def is_public(self, resource: Resource) -> bool:
        """Tell whether everybody may use a resource."""
        return EVERYBODY in self._grantees(resource.id)

    def public_among(self, resources: Sequence[Resource]) -> set[str]:
        """Return the ids of those that everybody may use, with one look."""
        return self._shared_among(resources, (EVERYBODY,))

    def granted_among(self, resources: Sequence[Resource]) -> set[str]:
        """Return the ids of those that are shared with the caller by its account or organisation."""
        return self._shared_among(resources, self.account.grantees)

    def share(self, resource: Resource, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Share a resource of the caller's with some and no longer with others; both may repeat what is so."""
        self._require_own(resource)
        there = set(self._grantees(resource.id))
        for grantee in sorted(set(add) - there):
            self.connection.execute(
                insert(SHARES).values(resource=resource.id, grantee=grantee, kind=resource.kind, region=self.region)
            )
        if gone := sorted(set(remove) & there):
            self.connection.execute(delete(SHARES).where(SHARES.c.resource == resource.id, SHARES.c.grantee.in_(gone)))

    def refuse_share(self, resource: Resource) -> bool:
        """End a share with the caller's own account, as the one who was given it; tell whether there was one."""
        mine = (SHARES.c.resource == resource.id, SHARES.c.grantee == self.account.id)
        return bool(self.connection.execute(delete(SHARES).where(*mine)).rowcount)

    def tags(self, resource: Resource) -> dict[str, str]:
        """Return the caller's tags on a resource."""
        return self.tags_among([resource]).get(resource.id, {})

    def tags_among(self, resources: Sequence[Resource]) -> dict[str, dict[str, str]]:
        """Return the caller's tags by resource id, with one look."""
        found: dict[str, dict[str, str]] = {}
        for some in _portions([resource.id for resource in resources]):
            mine = (TAGS.c.resource.in_(some), TAGS.c.account == self.account.id, TAGS.c.region == self.region)
            for row in self.connection.execute(select(TAGS).where(*mine).order_by(TAGS.c.key)):
                found.setdefault(row.resource, {})[row.key] = row.value
        return found

    def tag(self, resource: Resource, tags: Mapping[str, str]) -> None:
        """Put the caller's tags on a resource that it may see, over those of the same keys."""
        self.untag(resource, tags)
        rows = [
            {
                "resource": resource.id,
                "account": self.account.id,
                "key": key,
                "value": value,
                "kind": resource.kind,
                "region": self.region,
            }
            for key, value in tags.items()
        ]
        if rows:
            self.connection.execute(insert(TAGS), rows)

    def untag(self, resource: Resource, keys: Iterable[str]) -> None:
        """Take the caller's tags of those keys off a resource."""
        mine = (TAGS.c.resource == resource.id, TAGS.c.account == self.account.id, TAGS.c.region == self.region)
        if keys := list(keys):
            self.connection.execute(delete(TAGS).where(*mine, TAGS.c.key.in_(keys)))

    def all_tags(self, *, after: tuple[str, str] = ("", "")) -> Iterator[Row[tuple[Any, ...]]]:
        """Yield the caller's tags in this region: resource, key, value, kind; in the order of resource and key."""
        mine = and_(TAGS.c.account == self.account.id, TAGS.c.region == self.region)
        later = or_(TAGS.c.resource > after[0], and_(TAGS.c.resource == after[0], TAGS.c.key > after[1]))
        yield from self.connection.execute(select(TAGS).where(mine, later).order_by(TAGS.c.resource, TAGS.c.key))

    def _select(self, query: Query) -> Select[Any]:
        table = RESOURCES.c
        conditions: list[ColumnElement[bool]] = [
            table.kind == query.kind,
            table.region == self.region,
            self._visible(query),
        ]
        if query.ids:
            conditions.append(table.id.in_(query.ids))
        if query.names:
            conditions.append(table.name.in_(query.names))
        if query.prefix:
            conditions += [table.name >= query.prefix, table.name < _successor(query.prefix)]
        if query.states:
            conditions.append(table.state.in_(query.states))
        for key, values in query.tags:
            tagged = select(TAGS.c.resource).where(
                TAGS.c.account == self.account.id, TAGS.c.region == self.region, TAGS.c.key == key
            )
            conditions.append(table.id.in_(tagged.where(TAGS.c.value.in_(values)) if values else tagged))
        if query.grantees:
            conditions.append(table.id.in_(self._shared_with(query.kind, query.grantees)))
        return select(RESOURCES).where(*conditions)

    def _visible(self, query: Query) -> ColumnElement[bool]:
        """Limit to what the caller owns and what is shared with it, of the owners asked for."""
        mine = RESOURCES.c.account == self.account.id
        shared = RESOURCES.c.id.in_(self._shared_with(query.kind, (*self.account.grantees, EVERYBODY)))
        if not query.owners:
            return or_(mine, shared)
        others = [owner for owner in query.owners if owner != self.account.id]
        theirs = and_(RESOURCES.c.account.in_(others), shared)
        if self.account.id not in query.owners:
            return theirs
        return or_(mine, theirs) if others else mine

    def _shared_with(self, kind: str, grantees: Iterable[str]) -> Select[Any]:
        return select(SHARES.c.resource).where(
            SHARES.c.kind == kind, SHARES.c.region == self.region, SHARES.c.grantee.in_(list(grantees))
        )

    def _shared_among(self, resources: Sequence[Resource], grantees: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for some in _portions([resource.id for resource in resources]):
            shared = select(SHARES.c.resource).where(SHARES.c.resource.in_(some), SHARES.c.grantee.in_(grantees))
            found.update(self.connection.execute(shared).scalars())
        return found

    def _grantees(self, identifier: str) -> list[str]:
        return sorted(
            self.connection.execute(select(SHARES.c.grantee).where(SHARES.c.resource == identifier)).scalars()
        )

    def _exactly(self, resource: Resource) -> tuple[ColumnElement[bool], ...]:
        table = RESOURCES.c
        return (
            table.kind == resource.kind,
            table.id == resource.id,
            table.account == self.account.id,
            table.region == self.region,
        )

    def _require_own(self, resource: Resource) -> None:
        if (resource.account, resource.region) != (self.account.id, self.region):
            raise PermissionError(f"{self.account.id} in {self.region} may not change {resource.kind} {resource.id}")


def every(connection: Connection, kind: str, *, states: Sequence[str] = ()) -> Iterator[Resource]:
    """Yield all accounts' resources of a kind in all regions: for the house's own upkeep, never for a caller."""
    statement = select(RESOURCES).where(RESOURCES.c.kind == kind)
    if states:
        statement = statement.where(RESOURCES.c.state.in_(states))
    for row in connection.execute(statement.order_by(RESOURCES.c.position)).all():
        yield _resource(row)


def new_id(prefix: str) -> str:
    """Return a fresh id in EC2's form: a prefix and 17 hexadecimal digits."""
    return f"{prefix}-{secrets.token_hex(9)[:17]}"


def _resource(row: Row[tuple[Any, ...]]) -> Resource:
    return Resource(
        id=row.id,
        kind=row.kind,
        account=row.account,
        region=row.region,
        name=row.name,
        state=row.state,
        created=row.created,
        document=row.document,
        inner=row.inner,
        position=row.position,
    )


def _successor(prefix: str) -> str:
    """Return the least text that is greater than all that begin with ``prefix``."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix[-1] < "\ud7ff" else prefix + "\U0010ffff"


def _portions(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
