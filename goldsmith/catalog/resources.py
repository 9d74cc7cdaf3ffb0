"""Every resource of every account: what is known of one, and how to ask for some."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from goldsmith.catalog.selecting import EVERYBODY, LISTED
from goldsmith.catalog.tables import RESOURCES
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row


__all__ = [
    "EVERYBODY",
    "LISTED",
    "PUBLIC",
    "Query",
    "Resource",
    "ResourceExistsError",
    "every",
    "lend",
    "new_id",
    "read_row",
]

PUBLIC = "aws"
"""The account of what the house itself offers to all, as parameters under /aws/service."""


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

    def having(self, *, state: str | None = None, **members: Any) -> Resource:
        """Return it with members of its document replaced; None removes one."""
        document = {key: value for key, value in {**self.document, **members}.items() if value is not None}
        return replace(self, document=document, state=self.state if state is None else state)

    def showing(self, members: Mapping[str, Any]) -> Resource:
        """Return it with members of its document replaced, also those that are called name or state."""
        return replace(self, document={**self.document, **members})

    def knowing(self, **facts: Any) -> Resource:
        """Return it with inner facts replaced; None removes one."""
        inner = {key: value for key, value in {**self.inner, **facts}.items() if value is not None}
        return replace(self, inner=inner)


@dataclass(frozen=True)
class Query:
    """Which resources: of these ids, names, states, owners and tags, all of them given; () means any.

    ``prefix`` is a beginning of the name, ``patterns`` are SQL's LIKE patterns of it, escaped by backslashes, whose
    matches may differ in case. ``owners`` may name LISTED beside accounts. ``tags`` pairs a key with possible values,
    () for any. ``grantees`` asks for what is shared with one of those names, ``given`` for what the caller itself has
    shared with one of them; either will do. ``uses`` asks for what is made of those ids (see `goldsmith.catalog.uses`).
    """

    kind: str
    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    prefix: str = ""
    patterns: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()
    grantees: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()


def every(connection: Connection, kind: str, *, states: Sequence[str] = ()) -> Iterator[Resource]:
    """Yield all accounts' resources of a kind in all regions: for the house's own upkeep, never for a caller."""
    statement = select(RESOURCES).where(RESOURCES.c.kind == kind)
    if states:
        statement = statement.where(RESOURCES.c.state.in_(states))
    for row in connection.execute(statement.order_by(RESOURCES.c.position)).all():
        yield read_row(row)


def lend(connection: Connection, kind: str, identifier: str, region: str) -> Resource | None:
    """Return a resource whoever owns it: for what a caller may use only as a part of what it may see."""
    table = RESOURCES.c
    exactly = (table.kind == kind, table.id == identifier, table.region == region)
    row = connection.execute(select(RESOURCES).where(*exactly)).first()
    return read_row(row) if row else None


def new_id(prefix: str) -> str:
    """Return a fresh id in EC2's form: a prefix and 17 hexadecimal digits."""
    return f"{prefix}-{secrets.token_hex(9)[:17]}"


def read_row(row: Row[tuple[Any, ...]]) -> Resource:
    """Return the resource of a row of the table."""
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
