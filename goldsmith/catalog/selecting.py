"""Queries in SQL: by which index what is asked for is found, and that nobody finds what they may not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select, union

from goldsmith.catalog.tables import RESOURCES, SHARES, TAGS, USES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Select

    from goldsmith.catalog.accounts import Account
    from goldsmith.catalog.resources import Query

EVERYBODY = "all"
LISTED = "aws-marketplace"
"""What is listed in the marketplace is shared with this name; everybody sees it, and launching takes a subscription."""

PUBLIC_NAMES = (EVERYBODY, LISTED)
WITHHELD = "all, withheld"
"""What stands for EVERYBODY while a resource may not be public: nobody has that name."""

_RESOURCE = RESOURCES.c
_SHARE = SHARES.c


def select_page(query: Query, account: Account, region: str, after: int, limit: int) -> Select[Any]:
    """Select the first ``limit`` resources after a position that ``account`` may see and ``query`` asks for.

    Positions come first, by index alone; documents are read of one page only.
    """
    positions = _positions(query, account, region, after, limit)
    return select(RESOURCES).where(_RESOURCE.position.in_(positions)).order_by(_RESOURCE.position)


def select_newest(query: Query, account: Account, region: str) -> Select[Any]:
    """Select the last resource that ``account`` may see and ``query`` asks for by more than its kind."""
    found = _narrow(query, account, region, 0).order_by(None).subquery()
    return select(RESOURCES).where(_RESOURCE.position == select(func.max(found.c.position)).scalar_subquery())


def visible(account: Account) -> ColumnElement[bool]:
    """Hold for resources that an account owns, or that are shared with it."""
    return or_(_RESOURCE.account == account.id, _shared(viewers(account)))


def viewers(account: Account) -> tuple[str, ...]:
    """Return the names under which something may be shared with an account."""
    return (*account.grantees, *PUBLIC_NAMES)


def _positions(query: Query, account: Account, region: str, after: int, limit: int) -> Select[Any]:
    if query.ids or query.names or query.prefix or query.patterns or query.tags or query.uses or query.owners:
        return _narrow(query, account, region, after).limit(limit)
    streams = [stream.limit(limit).subquery() for stream in _streams(query, account, region, after)]
    together = union(*(select(stream.c.position) for stream in streams)).subquery()
    return select(together.c.position).order_by(together.c.position).limit(limit)


def _narrow(query: Query, account: Account, region: str, after: int) -> Select[Any]:
    """Select by what the query tells of the resources themselves, from their tags or parts on where it names them."""
    place: ColumnElement[int] = _RESOURCE.position
    found = select(place)
    if query.uses:
        # An index has them in the order of what they are made of; a sum, by which to order, is in none.
        found = select(place).group_by(place).join_from(USES, RESOURCES, USES.c.position == place)
        found = found.where(USES.c.target.in_(query.uses), USES.c.kind == query.kind, USES.c.region == region)
        place = place + 0
    elif query.ids or query.names or query.prefix or query.patterns:
        place = place + 0
    elif query.tags:
        place = TAGS.c.position
        found = select(place).join_from(TAGS, RESOURCES, _RESOURCE.position == place)
        found = found.where(*_tagged(account, region, *query.tags[0]))
    conditions = [_RESOURCE.kind == query.kind, _RESOURCE.region == region, *_named(query)]
    if query.states:
        conditions.append(_RESOURCE.state.in_(query.states))
    for key, values in query.tags:
        tag = select(1).where(TAGS.c.position == _RESOURCE.position, *_tagged(account, region, key, values))
        conditions.append(tag.correlate(RESOURCES).exists())
    conditions.append(_owned_or_shared(query, account))
    if query.grantees:
        granted = _shared(query.grantees)
        conditions.append(or_(granted, _given(query, account)) if query.given else granted)
    elif query.given:
        conditions.append(_given(query, account))
    return found.where(*conditions, place > after).order_by(place)


def _named(query: Query) -> Iterator[ColumnElement[bool]]:
    if query.ids:
        yield _RESOURCE.id.in_(query.ids)
    if query.names:
        yield _RESOURCE.name.in_(query.names)
    if query.prefix:
        yield _RESOURCE.name >= query.prefix
        yield _RESOURCE.name < _successor(query.prefix)
    if query.patterns:
        yield or_(*(_RESOURCE.name.like(each, escape="\\") for each in query.patterns))


def _tagged(account: Account, region: str, key: str, values: Sequence[str]) -> Iterator[ColumnElement[bool]]:
    yield TAGS.c.account == account.id
    yield TAGS.c.region == region
    yield TAGS.c.key == key
    if values:
        yield TAGS.c.value.in_(values)


def _given(query: Query, account: Account) -> ColumnElement[bool]:
    return and_(_RESOURCE.account == account.id, _shared(query.given))


def _streams(query: Query, account: Account, region: str, after: int) -> Iterable[Select[Any]]:
    """Yield selects that together find what a query asks for which names nothing but relations to the caller."""
    here = [_RESOURCE.kind == query.kind, _RESOURCE.region == region]
    if query.states:
        here.append(_RESOURCE.state.in_(query.states))
    asked = query.grantees or query.given
    if not asked:
        mine = select(_RESOURCE.position).where(*here, _RESOURCE.account == account.id, _RESOURCE.position > after)
        yield mine.order_by(_RESOURCE.position)
    may_see = viewers(account)
    for grantee in query.grantees if asked else may_see:
        condition = [] if grantee in may_see else [visible(account)]
        yield _shared_stream(query.kind, region, grantee, after, [*here, *condition])
    for grantee in query.given:
        yield _shared_stream(query.kind, region, grantee, after, [*here, _RESOURCE.account == account.id])


def _shared_stream(
    kind: str, region: str, grantee: str, after: int, conditions: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    shares = (_SHARE.kind == kind, _SHARE.region == region, _SHARE.grantee == grantee, _SHARE.position > after)
    joined = select(_SHARE.position).join(RESOURCES, _RESOURCE.position == _SHARE.position)
    return joined.where(*shares, *conditions).order_by(_SHARE.position)


def _owned_or_shared(query: Query, account: Account) -> ColumnElement[bool]:
    """Limit to what the caller owns and what is shared with it, of the owners asked for."""
    if not query.owners:
        return visible(account)
    accounts = [owner for owner in query.owners if owner not in {account.id, LISTED}]
    choices: list[ColumnElement[bool]] = []
    if account.id in query.owners:
        choices.append(_RESOURCE.account == account.id)
    if accounts:
        choices.append(and_(_RESOURCE.account.in_(accounts), _shared(viewers(account))))
    if LISTED in query.owners:
        choices.append(_shared((LISTED,)))
    return or_(*choices)


def _shared(grantees: Sequence[str]) -> ColumnElement[bool]:
    share = select(1).where(_SHARE.position == _RESOURCE.position, _SHARE.grantee.in_(grantees))
    return share.correlate(RESOURCES).exists()


def _successor(prefix: str) -> str:
    """Return the least text that is greater than all that begin with ``prefix``."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix[-1] < "\ud7ff" else prefix + "\U0010ffff"
