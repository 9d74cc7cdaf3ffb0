"""The catalogue as one caller may see and change it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from goldsmith.catalog.resources import Query, Resource, ResourceExistsError, read_row
from goldsmith.catalog.selecting import EVERYBODY, LISTED, PUBLIC_NAMES, WITHHELD, select_page, visible
from goldsmith.catalog.tables import RESOURCES, SHARES, TAGS, USES
from goldsmith.catalog.uses import used_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Select

    from goldsmith.catalog.accounts import Account

BATCH = 500


class Tagged(NamedTuple):
    """One tag and what it is on."""

    position: int
    id: str
    kind: str
    key: str
    value: str


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
        """Yield what the caller may see, in the order in which it was made, from ``after`` a position on.

        It is read in portions, the first of ``batch`` resources.
        """
        while True:
            rows = self.connection.execute(select_page(query, self.account, self.region, after, batch)).all()
            yield from (read_row(row) for row in rows)
            if len(rows) < batch:
                return
            after, batch = rows[-1].position, BATCH

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
        made = replace(made, position=position[0] if position else 0)
        self._note_uses(made, set())
        if tags:
            self.tag(made, tags)
        return made

    def save(self, resource: Resource) -> Resource:
        """Write a changed resource of the caller's back."""
        self._require_own(resource)
        before = self.connection.execute(select(RESOURCES).where(*self._exactly(resource))).first()
        if before is None:
            return resource
        changed = {
            name: getattr(resource, name)
            for name in ("name", "state", "document", "inner")
            if getattr(resource, name) != getattr(before, name)
        }
        if changed:
            self.connection.execute(update(RESOURCES).where(RESOURCES.c.position == before.position).values(**changed))
            self._note_uses(replace(resource, position=before.position), used_by(read_row(before)))
        return resource

    def remove(self, resource: Resource) -> None:
        """Remove a resource of the caller's, with everybody's tags on it and its shares."""
        self._require_own(resource)
        self._remove(select(RESOURCES.c.position).where(*self._exactly(resource)))

    def remove_named(self, kind: str, name: str) -> None:
        """Remove all of the caller's own of that name at once: parts of a whole, with neither tags nor shares."""
        table = RESOURCES.c
        mine = (table.kind == kind, table.name == name, table.account == self.account.id, table.region == self.region)
        self._remove(select(table.position).where(*mine))

    def rename_kind(self, resource: Resource, kind: str) -> Resource:
        """Make a resource of the caller's one of another kind, with its tags, its shares and what it is made of.

        Nobody who asks for the former kind finds it; renamed back, it is as it was.
        """
        self._require_own(resource)
        position = self._position(resource)
        for table in (RESOURCES, SHARES, TAGS, USES):
            self.connection.execute(update(table).where(table.c.position == position).values(kind=kind))
        return replace(resource, kind=kind)

    def grantees(self, resource: Resource) -> list[str]:
        """Return whom a resource of the caller's is shared with."""
        self._require_own(resource)
        found = self._grantees(self._position(resource))
        return [EVERYBODY if grantee == WITHHELD else grantee for grantee in found]

    def is_public(self, resource: Resource) -> bool:
        """Tell whether everybody may use a resource."""
        return EVERYBODY in self._grantees(self._position(resource))

    def public_among(self, resources: Sequence[Resource]) -> set[str]:
        """Return the ids of those that everybody may see, with one look."""
        return self._shared_among(resources, PUBLIC_NAMES)

    def listed_among(self, resources: Sequence[Resource]) -> set[str]:
        """Return the ids of those that are listed in the marketplace, with one look."""
        return self._shared_among(resources, (LISTED,))

    def granted_among(self, resources: Sequence[Resource]) -> set[str]:
        """Return the ids of those that are shared with the caller by its account or organisation."""
        return self._shared_among(resources, self.account.grantees)

    def share(self, resource: Resource, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Share a resource of the caller's with some and no longer with others; both may repeat what is so."""
        self._require_own(resource)
        remove, position = set(remove), self._position(resource)
        there = set(self._grantees(position))
        rows = [
            {"position": position, "grantee": grantee, "kind": resource.kind, "region": self.region}
            for grantee in sorted(set(add) - there)
        ]
        if rows:
            self.connection.execute(insert(SHARES), rows)
        remove |= {WITHHELD} if EVERYBODY in remove else set()
        if gone := sorted(remove & there):
            self.connection.execute(delete(SHARES).where(SHARES.c.position == position, SHARES.c.grantee.in_(gone)))

    def withhold(self, kind: str, *, withheld: bool) -> None:
        """Take from everybody what the caller shares with everybody of a kind, for as long as it is withheld."""
        before, after = (EVERYBODY, WITHHELD) if withheld else (WITHHELD, EVERYBODY)
        table = RESOURCES.c
        own = select(table.position).where(
            table.kind == kind, table.region == self.region, table.account == self.account.id
        )
        shares = (SHARES.c.kind == kind, SHARES.c.region == self.region, SHARES.c.grantee == before)
        self.connection.execute(update(SHARES).where(*shares, SHARES.c.position.in_(own)).values(grantee=after))

    def refuse_share(self, resource: Resource) -> bool:
        """End a share with the caller's own account, as the one who was given it; tell whether there was one."""
        mine = (SHARES.c.position == self._position(resource), SHARES.c.grantee == self.account.id)
        return bool(self.connection.execute(delete(SHARES).where(*mine)).rowcount)

    def tags(self, resource: Resource) -> dict[str, str]:
        """Return the caller's tags on a resource."""
        return self.tags_among([resource]).get(resource.id, {})

    def tags_among(self, resources: Sequence[Resource]) -> dict[str, dict[str, str]]:
        """Return the caller's tags by resource id, with one look."""
        found: dict[str, dict[str, str]] = {}
        ids = {self._position(resource): resource.id for resource in resources}
        for some in _portions(list(ids)):
            mine = (TAGS.c.position.in_(some), TAGS.c.account == self.account.id)
            for row in self.connection.execute(select(TAGS).where(*mine).order_by(TAGS.c.key)):
                found.setdefault(ids[row.position], {})[row.key] = row.value
        return found

    def tag(self, resource: Resource, tags: Mapping[str, str]) -> None:
        """Put the caller's tags on a resource that it may see, over those of the same keys."""
        self.untag(resource, tags)
        position = self._position(resource)
        rows = [
            {
                "position": position,
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
        mine = (TAGS.c.position == self._position(resource), TAGS.c.account == self.account.id)
        if keys := list(keys):
            self.connection.execute(delete(TAGS).where(*mine, TAGS.c.key.in_(keys)))

    def all_tags(self, *, after: tuple[int, str] = (0, "")) -> Iterator[Tagged]:
        """Yield the caller's tags on what it may see in this region, in the order of position and key."""
        mine = and_(TAGS.c.account == self.account.id, TAGS.c.region == self.region, visible(self.account))
        later = or_(TAGS.c.position > after[0], and_(TAGS.c.position == after[0], TAGS.c.key > after[1]))
        columns = (TAGS.c.position, RESOURCES.c.id, TAGS.c.kind, TAGS.c.key, TAGS.c.value)
        joined = select(*columns).join(RESOURCES, RESOURCES.c.position == TAGS.c.position)
        for row in self.connection.execute(joined.where(mine, later).order_by(TAGS.c.position, TAGS.c.key)):
            yield Tagged(*row)

    def _remove(self, positions: Select[Any]) -> None:
        gone = list(self.connection.execute(positions).scalars())
        for some in _portions(gone):
            for table in (SHARES, TAGS, USES, RESOURCES):
                self.connection.execute(delete(table).where(table.c.position.in_(some)))

    def _note_uses(self, resource: Resource, before: set[str]) -> None:
        after = used_by(resource)
        if gone := sorted(before - after):
            self.connection.execute(delete(USES).where(USES.c.position == resource.position, USES.c.target.in_(gone)))
        facts = {"kind": resource.kind, "region": self.region, "account": self.account.id}
        rows = [{"position": resource.position, "target": target, **facts} for target in sorted(after - before)]
        if rows:
            self.connection.execute(insert(USES), rows)

    def _shared_among(self, resources: Sequence[Resource], grantees: Sequence[str]) -> set[str]:
        found: set[str] = set()
        ids = {self._position(resource): resource.id for resource in resources}
        for some in _portions(list(ids)):
            shared = select(SHARES.c.position).where(SHARES.c.position.in_(some), SHARES.c.grantee.in_(grantees))
            found.update(ids[position] for position in self.connection.execute(shared).scalars())
        return found

    def _grantees(self, position: int) -> list[str]:
        return sorted(self.connection.execute(select(SHARES.c.grantee).where(SHARES.c.position == position)).scalars())

    def _position(self, resource: Resource) -> int:
        """Return a resource's place, which one that was just made by the caller does not know of itself."""
        if resource.position:
            return resource.position
        return int(self.connection.execute(select(RESOURCES.c.position).where(*self._exactly(resource))).scalar_one())

    def _exactly(self, resource: Resource) -> tuple[ColumnElement[bool], ...]:
        table = RESOURCES.c
        return (
            table.kind == resource.kind,
            table.id == resource.id,
            table.account == resource.account,
            table.region == self.region,
        )

    def _require_own(self, resource: Resource) -> None:
        if (resource.account, resource.region) != (self.account.id, self.region):
            raise PermissionError(f"{self.account.id} in {self.region} may not change {resource.kind} {resource.id}")


def _portions(positions: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(positions), BATCH):
        yield positions[start : start + BATCH]
