"""Queries in SQL: by which index what is asked for is found, and that nobody finds what they may not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, false, or_, select, union

from goldsmith.catalog.tables import RESOURCES, SHARES, TAGS, USES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Select

    from goldsmith.catalog.accounts import Account
    from goldsmith.catalog.resources import Query

EVERYBODY = "all"
LISTED = "aws-marketplace"
"""What is listed in the marketplace is shared with this name; everybody sees it, and launching takes a subscription."""

PUBLIC_NAMES = (EVERYBODY, LISTED)

_RESOURCE = RESOURCES.c
_SHARE = SHARES.c


def select_page(query: Query, account: Account, region: str, after: int, limit: int) -> Select[Any]:
    """Select the first ``limit`` resources after a position that ``account`` may see and ``query`` asks for.

    Positions come first, by index alone; documents are read of one page only.
    """
    positions = _positions(query, account, region, after, limit)
    return select(RESOURCES).where(_RESOURCE.position.in_(positions)).order_by(_RESOURCE.position)


def visible(account: Account) -> ColumnElement[bool]:
    """Hold for resources that an account owns, or that are shared with it."""
    return or_(_RESOURCE.account == account.id, _shared(viewers(account)))


def viewers(account: Account) -> tuple[str, ...]:
    """Return the names under which something may be shared with an account."""
    return (*account.grantees, *PUBLIC_NAMES)


def _positions(query: Query, account: Account, region: str, after: int, limit: int) -> Select[Any]:
    if query.ids or query.names or query.prefix or query.patterns or query.tags or query.uses or query.owners:
        found = _narrow(query, account, region).where(_RESOURCE.position > after)
        return found.order_by(_RESOURCE.position).limit(limit)
    streams = [stream.limit(limit).subquery() for stream in _streams(query, account, region, after)]
    together = union(*(select(stream.c.position) for stream in streams)).subquery()
    return select(together.c.position).order_by(together.c.position).limit(limit)


def _narrow(query: Query, account: Account, region: str) -> Select[Any]:
    """Select by what the query tells of the resources themselves."""
    conditions = [_RESOURCE.kind == query.kind, _RESOURCE.region == region, _owned_or_shared(query, account)]
    if query.ids:
        conditions.append(_RESOURCE.id.in_(query.ids))
    if query.names:
        conditions.append(_RESOURCE.name.in_(query.names))
    if query.prefix:
        conditions += [_RESOURCE.name >= query.prefix, _RESOURCE.name < _successor(query.prefix)]
    if query.patterns:
        conditions.append(or_(*(_RESOURCE.name.like(each, escape="\\") for each in query.patterns)))
    if query.states:
        conditions.append(_RESOURCE.state.in_(query.states))
    for key, values in query.tags:
        mine = select(TAGS.c.position).where(TAGS.c.account == account.id, TAGS.c.region == region, TAGS.c.key == key)
        conditions.append(_RESOURCE.position.in_(mine.where(TAGS.c.value.in_(values)) if values else mine))
    if query.uses:
        users = select(USES.c.position).where(USES.c.target.in_(query.uses), USES.c.kind == query.kind)
        conditions.append(_RESOURCE.position.in_(users))
    if query.grantees or query.given:
        conditions.append(
            or_(
                _shared(query.grantees) if query.grantees else false(),
                and_(_RESOURCE.account == account.id, _shared(query.given)) if query.given else false(),
            )
        )
    return select(_RESOURCE.position).where(*conditions)


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
    joined = select(_SHARE.position.label("position")).join(RESOURCES, _RESOURCE.position == _SHARE.position)
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
    return select(1).where(_SHARE.position == _RESOURCE.position, _SHARE.grantee.in_(grantees)).exists()


def _successor(prefix: str) -> str:
    """Return the least text that is greater than all that begin with ``prefix``."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix[-1] < "\ud7ff" else prefix + "\U0010ffff"
