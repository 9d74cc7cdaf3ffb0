"""The newest version of each name is marked, so that lists by name find it without looking at all versions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from goldsmith.catalog.resources import Query
from goldsmith.documents.versions import Version

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

NEWEST = "NEWEST"
"""The state of the row of a name's newest version; the rows of others have none."""


def mark_newest(call: Call, row: Resource) -> None:
    """Mark the row of a version that has just come, if it is its name's newest."""
    named = Query(row.kind, prefix=f"{_stem(row)}/", owners=(row.account,), states=(NEWEST,))
    before = next(call.catalog.find(named, batch=2), None)
    if before is not None and (before.id == row.id or _version(before) > _version(row)):
        return
    call.catalog.save(replace(row, state=NEWEST))
    if before is not None:
        call.catalog.save(replace(before, state=""))


def pass_on_newest(call: Call, kind: str, row: Resource) -> None:
    """Mark the newest of the versions of a kind that are left when that of ``row`` has gone."""
    if row.state != NEWEST:
        return
    call.catalog.save(replace(row, state=""))
    left = call.catalog.find(Query(kind, prefix=f"{_stem(row)}/", owners=(row.account,)))
    newest = max(left, key=_version, default=None)
    if newest is not None:
        call.catalog.save(replace(newest, state=NEWEST))


def _stem(row: Resource) -> str:
    return row.name.rpartition("/")[0]


def _version(row: Resource) -> Version:
    return Version.parse(row.name.rpartition("/")[2])
