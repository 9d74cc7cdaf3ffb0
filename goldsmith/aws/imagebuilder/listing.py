"""Lists: by owner and filters, in pages, each row with the members that the model has for it."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import jmespath

from goldsmith.aws.imagebuilder.managed import managed, managed_matching
from goldsmith.aws.imagebuilder.newest import NEWEST
from goldsmith.aws.imagebuilder.references import HOUSE, is_here, parse_arn, stem, version_of
from goldsmith.aws.imagebuilder.refusals import contradictory, invalid
from goldsmith.aws.pagination import paginate
from goldsmith.catalog.resources import Query, Resource
from goldsmith.documents.arns import slug_of
from goldsmith.documents.versions import Version, VersionPattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.aws.imagebuilder.kinds import Kind

DEFAULT_PAGE = 25
LARGEST_PAGE = 100


def list_kind(kind: Kind, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Answer a kind's List operation: a row a resource, of built kinds a row a version."""
    owner = parameters.get("owner", "Self")
    if owner != "Self" and owner not in kind.owners:
        raise invalid(call.operation, "owner", f"{kind.title}s are listed by {', '.join(kind.owners or ('Self',))}.")
    wanted = Filters(call, parameters.get("filters") or (), kind.filters)
    by_name = bool(parameters.get("byName"))
    if by_name and any(name == "version" for name, _ in wanted.asked):
        raise contradictory(
            call.operation, f"You cannot list {kind.title}s by name and filter by version in the same request."
        )
    return answer_page(
        call,
        parameters,
        kind.rows,
        lambda after: (each for each in _owned(call, kind, owner, parameters, wanted, after) if wanted.match(each)),
    )


def list_builds(kind: Kind, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Answer a built kind's list of one version's builds; without a version, of all of the caller's."""
    text = parameters.get(kind.version_arn)
    wanted = Filters(call, parameters.get("filters") or (), kind.filters)
    if not text:
        query = Query(kind.stored, owners=(call.account.id,), **wanted.narrowing(kind))
    else:
        arn = parse_arn(call.operation, text, kind.noun, path=kind.version_arn)
        if not is_here(arn, call.region) or arn.account not in {call.account.id, HOUSE}:
            return {kind.builds_rows: []}
        query = replace(_builds_of(arn.version, stem(arn), kind.stored), owners=(call.account.id,))
        if arn.account == HOUSE:
            found = managed_matching(arn, call.region)
            return answer_page(
                call,
                parameters,
                kind.builds_rows,
                lambda after: (
                    each for each in _numbered(found, after or 0, versions=False, by_name=False) if wanted.match(each)
                ),
            )
    return answer_page(
        call,
        parameters,
        kind.builds_rows,
        lambda after: (
            each
            for each in call.catalog.find(query, after=after or 0, batch=batch_of(parameters))
            if wanted.match(each)
        ),
    )


def answer_page(
    call: Call,
    parameters: Mapping[str, Any],
    member: str,
    items: Callable[[int | None], Iterator[Resource]],
    *,
    show: Callable[[Resource], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return one page of resources as rows in the shape of the answer's ``member``."""
    page, following = paginate(
        call, parameters, items, lambda each: each.position, default=DEFAULT_PAGE, most=LARGEST_PAGE
    )
    tags = call.catalog.tags_among([each for each in page if each.position and each.account != "aws"])
    shown = [(show(each) if show else dict(each.document)) | {"tags": tags.get(each.id, {})} for each in page]
    answer: dict[str, Any] = {member: shown}
    if following:
        answer["nextToken"] = following["NextToken"]
    return answer


def batch_of(parameters: Mapping[str, Any]) -> int:
    """Return how many rows to read at once: one more than a page has, where every row is one of the page."""
    if parameters.get("filters"):
        return LARGEST_PAGE + 1
    return min(parameters.get("maxResults") or DEFAULT_PAGE, LARGEST_PAGE) + 1


class Filters:
    """A list's filters: all of them hold, each for any of its values (2.2)."""

    def __init__(self, call: Call, asked: Iterable[Mapping[str, Any]], known: Mapping[str, str]) -> None:
        self.asked: list[tuple[str, list[str]]] = []
        self._known = known
        for each in asked:
            name = each.get("name", "")
            if name not in known:
                raise invalid(
                    call.operation, "filters", f"There is no filter '{name}' here. There are: {', '.join(known)}."
                )
            self.asked.append((name, each.get("values") or []))

    def match(self, resource: Resource) -> bool:
        """Tell whether a resource's row is asked for."""
        return all(self._holds(name, values, resource.document) for name, values in self.asked)

    def narrowing(self, kind: Kind) -> dict[str, Any]:
        """Return what of a query keeps most others out, by the names that a filter asks for; case does not count."""
        if kind.noun == "workflow":
            return {}
        names = next((values for name, values in self.asked if name == "name" and len(values) == 1), [""])
        slug = slug_of(names[0])
        if "*" not in slug:
            exact = {"prefix": f"{slug}/"} if kind.versioned else {"names": (slug,)}
            return exact if slug else {}
        if slug.endswith("*") and not slug.startswith("*"):
            return {"prefix": slug[:-1]}
        return {}

    def _holds(self, name: str, values: Sequence[str], document: Mapping[str, Any]) -> bool:
        found = jmespath.search(self._known[name], document)
        texts = [str(each) for each in (found if isinstance(found, list) else [found]) if each is not None]
        if name == "name":
            return any(_like(text, value) for text in texts for value in values)
        if name == "version":
            return any(_fits(text, value) for text in texts for value in values)
        if name == "supportedOsVersion":
            return any(value.startswith(text) or text.startswith(value) for text in texts for value in values)
        return any(text in values for text in texts)


def _owned(
    call: Call, kind: Kind, owner: str, parameters: Mapping[str, Any], wanted: Filters, after: int | None
) -> Iterator[Resource]:
    by_name = bool(parameters.get("byName"))
    if owner in {"ThirdParty", "AWSMarketplace"}:
        return
    if owner == "Amazon":
        yield from _numbered(managed(kind.noun, call.region), after or 0, versions=kind.built, by_name=by_name)
        return
    query = Query(f"{kind.noun}-version" if kind.built else kind.stored, **wanted.narrowing(kind))
    if owner == "Self":
        own = replace(query, states=(NEWEST,) if by_name else (), owners=(call.account.id,))
        yield from call.catalog.find(own, after=after or 0, batch=batch_of(parameters))
        return
    shared = replace(query, grantees=call.account.grantees)
    start = 0 if by_name else after or 0
    found = (each for each in call.catalog.find(shared, after=start) if each.account != call.account.id)
    yield from (_newest_seen(found, after or 0) if by_name else found)


def _newest_seen(found: Iterable[Resource], after: int) -> Iterator[Resource]:
    """Yield of each name the newest version that others share, in the order in which those versions were made."""

    def name(each: Resource) -> tuple[str, str]:
        return each.account, each.name.rpartition("/")[0]

    together = groupby(sorted(found, key=name), key=name)
    newest = [max(rows, key=lambda each: Version.parse(each.document["version"])) for _, rows in together]
    yield from (each for each in sorted(newest, key=lambda each: each.position) if each.position > after)


def _numbered(resources: Sequence[Resource], after: int, *, versions: bool, by_name: bool) -> Iterator[Resource]:
    """Yield managed resources as rows of a list, with places for pages to begin at."""
    rows = list(resources)
    if by_name:
        together = groupby(rows, key=lambda each: each.name.rpartition("/")[0])
        rows = [max(group, key=version_of) for _, group in together]
    for number, each in enumerate(rows, 1):
        if number > after:
            row = each.having(arn=each.id.rpartition("/")[0]) if versions else each
            yield replace(row, position=number)


def _builds_of(version: VersionPattern | None, name: str, stored: str) -> Query:
    if version is None or version.is_open:
        fixed = "".join(f"{node}." for node in version.fixed) if version else ""
        return Query(stored, prefix=f"{name}/{fixed}")
    return Query(stored, names=(f"{name}/{Version(*version.fixed)}",))


def _like(text: str, wanted: str) -> bool:
    """Hold a name against ``web*``, ``*web*`` or itself, case counted."""
    if wanted.startswith("*") and wanted.endswith("*"):
        return wanted.strip("*") in text
    if wanted.endswith("*"):
        return text.startswith(wanted[:-1])
    return text == wanted


def _fits(text: str, wanted: str) -> bool:
    if "x" not in wanted:
        return text.partition("/")[0] == wanted or text == wanted
    fixed = wanted.split(".x", 1)[0].removeprefix("x")
    return not fixed or text.startswith(f"{fixed}.")
