"""Many resources looked at without reading their documents, to choose one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.catalog.resources import Resource, read_row
from goldsmith.catalog.selecting import select_newest, select_page
from goldsmith.catalog.tables import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Query

BATCH = 10_000
"""Resources that are read at once."""

_COLUMNS = tuple(
    RESOURCES.c[name] for name in ("id", "kind", "account", "region", "name", "state", "created", "position")
)


def glance(catalog: Catalog, query: Query) -> Iterator[Resource]:
    """Yield what the caller may see, in the order in which it was made, with neither document nor inner facts."""
    after = 0
    while True:
        page = select_page(query, catalog.account, catalog.region, after, BATCH)
        rows = catalog.connection.execute(page.with_only_columns(*_COLUMNS)).mappings().all()
        yield from (Resource(**row) for row in rows)
        if len(rows) < BATCH:
            return
        after = rows[-1]["position"]


def newest(catalog: Catalog, query: Query) -> Resource | None:
    """Return the last that was made of what the caller may see."""
    row = catalog.connection.execute(select_newest(query, catalog.account, catalog.region)).first()
    return read_row(row) if row else None
