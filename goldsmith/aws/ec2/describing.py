"""What the Describe operations share: ids, filters and tags become a catalogue's query, its results pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import require_all, require_form
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filters
from goldsmith.aws.pagination import paginate
from goldsmith.aws.tags import show_tags
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

    Item = dict[str, Any]
    Show = Callable[[Call, Sequence[Resource]], list[Item]]

BATCH = 500


@dataclass(frozen=True)
class Listing:
    """How one Describe operation lists a kind.

    ``ids`` is the request's member with ids. ``filters`` maps a filter's name to a JMESPath expression over the
    answer's item. ``columns`` maps the filters that the catalogue can look up itself to the query's "ids", "names",
    "states", "owners" or "uses". ``show`` turns resources into the answer's items, without tags. ``exclusive``
    refuses ids with MaxResults.
    """

    kind: str
    ids: str
    filters: Mapping[str, str]
    show: Show
    columns: Mapping[str, str]
    exclusive: bool = False
    most: int = 1000


def describe(
    call: Call,
    parameters: Mapping[str, Any],
    listing: Listing,
    *,
    owners: tuple[str, ...] | None = None,
    grantees: tuple[str, ...] = (),
    given: tuple[str, ...] = (),
    keep: Callable[[Resource], bool] | None = None,
    tolerate: Callable[[str], bool] | None = None,
) -> tuple[list[Item], dict[str, str]]:
    """Return one page of items, and {"NextToken": …} where there are more.

    ``owners`` are account ids, by default the caller's only; () asks for all that the caller may see. ``grantees`` and
    ``given`` are as in `Query`. ``keep`` leaves resources out before they are shown. Raises AwsError for an id that is
    malformed or not there, unless ``tolerate``.
    """
    ids = tuple(dict.fromkeys(parameters.get(listing.ids) or ()))
    require_form(listing.kind, *ids)
    if ids and listing.exclusive and parameters.get("MaxResults") is not None:
        raise AwsError(
            "InvalidParameterCombination",
            f"The parameter {listing.kind}sSet cannot be used with the parameter maxResults",
        )
    filters = Filters(parameters.get("Filters"), listing.filters)
    mine = (call.account.id,)
    query = Query(listing.kind, ids=ids, owners=mine if owners is None else owners, grantees=grantees, given=given)
    query = narrow(query, filters, listing.columns)
    if ids:
        _require_ids(call, listing.kind, ids, query, tolerate)

    def items(after: Any) -> Iterator[tuple[int, Item]]:
        portion = first_portion(parameters)
        resources = call.catalog.find(query, after=after or 0, batch=portion)
        while batch := list(islice(resources, portion)):
            portion = BATCH
            kept = [each for each in batch if keep is None or keep(each)]
            for resource, item in zip(kept, tagged(call, kept, listing.show), strict=True):
                if filters.match(item):
                    yield resource.position, item

    page, more = paginate(call, parameters, items, lambda found: found[0], most=listing.most)
    return [item for _, item in page], more


def first_portion(parameters: Mapping[str, Any]) -> int:
    """Return how many resources to read at first: a page and one more, that tells whether another page follows."""
    asked = int(parameters.get("MaxResults") or 0)
    return asked + 1 if 0 < asked < BATCH else BATCH


def narrow(query: Query, filters: Filters, columns: Mapping[str, str]) -> Query:
    """Return a query that asks the catalogue for as little as the filters allow."""
    for name, column in columns.items():
        wanted = filters.exact(name)
        if wanted and not getattr(query, column):
            query = replace(query, **{column: wanted})  # type: ignore[arg-type]
        elif column == "names" and (found := filters.named(name)):
            query = replace(query, prefix=found.prefix, patterns=found.like)
    return replace(query, tags=(*query.tags, *filters.exact_tags()))


def tagged(call: Call, resources: Sequence[Resource], show: Show) -> list[Item]:
    """Return resources as items of an answer, each with the caller's tags.

    Where there are none AWS leaves them out; clients that index the key are better off with an empty list.
    """
    tags = call.catalog.tags_among(resources)
    items = show(call, resources)
    return [
        {**item, "Tags": show_tags(tags.get(resource.id, {}))} for resource, item in zip(resources, items, strict=True)
    ]


def _require_ids(
    call: Call, kind: str, ids: tuple[str, ...], query: Query, tolerate: Callable[[str], bool] | None
) -> None:
    there = call.catalog.find(Query(kind, ids=ids, owners=query.owners))
    wanted = [each for each in ids if tolerate is None or not tolerate(each)]
    require_all(kind, wanted, there)
