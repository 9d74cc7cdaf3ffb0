"""From an ARN to the resource that it names for a caller: a whole one, a version's newest build, or a wildcard's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from goldsmith.aws.imagebuilder.managed import find_managed
from goldsmith.aws.imagebuilder.refusals import invalid, not_found
from goldsmith.catalog.glancing import glance, newest
from goldsmith.catalog.resources import Query, Resource
from goldsmith.documents.arns import BUILT_KINDS, Arn, ArnError
from goldsmith.documents.versions import Version, VersionPattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call
    from goldsmith.aws.models import Operation
    from goldsmith.catalog.catalog import Catalog

HOUSE = "aws"
"""Where an account stands in ARNs of what the house itself offers."""

PARTITION = "aws"

IMAGE_BUILD = "image-build"
STORED = {"image": IMAGE_BUILD}
"""The kinds that the catalogue names otherwise than ARNs do: an "image" there is an AMI."""


def parse_arn(operation: Operation, text: str, *nouns: str, path: str) -> Arn:
    """Return the ARN of one of those kinds that a request gives at ``path``; refuse any other text."""
    try:
        arn = Arn.parse(text)
    except ArnError as wrong:
        raise invalid(operation, path, f"{wrong.message} {wrong.mend}".strip()) from wrong
    if arn.kind not in nouns:
        raise invalid(operation, path, f"It is the ARN of a {arn.kind}, not of a {' or '.join(nouns)}.")
    return arn


def find(catalog: Catalog, arn: Arn, *, states: tuple[str, ...] = ()) -> Resource | None:
    """Return what an ARN names for the catalogue's caller, the highest version and build of an open one.

    Of images only those in ``states`` count where the ARN names no build.
    """
    if not is_here(arn, catalog.region):
        return None
    if arn.account == HOUSE:
        return find_managed(arn, catalog.region)
    kind = STORED.get(arn.kind, arn.kind)
    if arn.version is None or (not arn.version.is_open and (arn.version.build or arn.kind not in BUILT_KINDS)):
        found = catalog.get(kind, str(arn))
        return found if found is not None and found.account == arn.account else None
    fitting = _fitting(arn, states)
    if not arn.version.is_open:
        return newest(catalog, replace(fitting, owners=(arn.account,)))
    fits = (each for each in glance(catalog, fitting) if _fits(arn, each))
    chosen = max(fits, key=version_of, default=None)
    return catalog.get(chosen.kind, chosen.id) if chosen else None


def require(call: Call, text: str, *nouns: str, path: str, states: tuple[str, ...] = ()) -> Resource:
    """Return what a request's ARN names; refuse one that names nothing that the caller may see."""
    arn = parse_arn(call.operation, text, *nouns, path=path)
    found = find(call.catalog, arn, states=states)
    if found is None:
        raise not_found(text)
    return found


def require_own(call: Call, text: str, *nouns: str, path: str) -> Resource:
    """Return the caller's own resource that a request's ARN names."""
    found = require(call, text, *nouns, path=path)
    if found.account != call.account.id:
        raise not_found(text)
    return found


def matching(catalog: Catalog, arn: Arn) -> Iterator[Resource]:
    """Yield all builds (of recipes: versions) that a versioned ARN, open or not, fits."""
    if not is_here(arn, catalog.region):
        return
    yield from (each for each in catalog.find(_fitting(arn)) if _fits(arn, each))


def is_here(arn: Arn, region: str) -> bool:
    """Tell whether an ARN can name anything in a region of this cloud."""
    return (arn.partition, arn.region) == (PARTITION, region)


def stem(arn: Arn) -> str:
    """Return the name under which the catalogue has all versions of a resource."""
    return f"{arn.workflow_type}/{arn.slug}" if arn.workflow_type else arn.slug


def version_of(resource: Resource) -> Version:
    """Return the version, with its build if it has one, that a resource's ARN says."""
    parts = resource.id.split(":", 5)[5].split("/")
    tail = parts[3:] if parts[0] == "workflow" else parts[2:]
    return Version.parse("/".join(tail))


def version_arn(arn: str) -> str:
    """Return a build version's ARN without the build."""
    return arn.rpartition("/")[0]


def latest_references(arn: str, *, built: bool) -> dict[str, str]:
    """Return latestVersionReferences of a resource's ARN (1.3)."""
    stripped = version_arn(arn) if built else arn
    head, _, version = stripped.rpartition("/")
    major, minor, _ = version.split(".")
    account, tail = arn.split(":", 5)[4:]
    if account == HOUSE and tail.startswith("workflow/"):
        return {"latestVersionArn": f"{head}/x.x.x"}
    return {
        "latestVersionArn": f"{head}/x.x.x",
        "latestMajorVersionArn": f"{head}/{major}.x.x",
        "latestMinorVersionArn": f"{head}/{major}.{minor}.x",
        "latestPatchVersionArn": f"{head}/{version}",
    }


def _fitting(arn: Arn, states: tuple[str, ...] = ()) -> Query:
    """Return the query for what a versioned ARN may fit, of every account."""
    version, name, kind = arn.version or VersionPattern(()), stem(arn), STORED.get(arn.kind, arn.kind)
    if version.is_open:
        return Query(kind, prefix=f"{name}/{_beginning(version)}", states=states)
    return Query(kind, names=(f"{name}/{Version(*version.fixed)}",), states=states)


def _fits(arn: Arn, resource: Resource) -> bool:
    version = arn.version or VersionPattern(())
    return resource.account == arn.account and version.matches(version_of(resource))


def _beginning(version: VersionPattern) -> str:
    return "".join(f"{node}." for node in version.fixed)
