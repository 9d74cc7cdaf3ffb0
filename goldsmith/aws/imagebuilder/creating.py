"""How resources are made: of one name once, of one version once, or of one version in builds that are counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.newest import mark_newest, pass_on_newest
from goldsmith.aws.imagebuilder.references import STORED, latest_references, version_of
from goldsmith.aws.imagebuilder.refusals import exists, invalid, over_quota
from goldsmith.catalog.resources import Query, Resource
from goldsmith.documents.arns import slug_of
from goldsmith.documents.versions import VersionError, VersionPattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.aws.imagebuilder.kinds import Kind

RETIRED = "retired-"
"""What stands before the kind of a version whose builds were all deleted: its count of builds is not begun anew."""

VERSION_ROW = {
    "component": ("name", "description", "platform", "supportedOsVersions", "type", "owner", "dateCreated", "status"),
    "workflow": ("name", "description", "type", "owner", "dateCreated"),
    "image": (
        "name",
        "type",
        "platform",
        "osVersion",
        "owner",
        "dateCreated",
        "buildType",
        "imageSource",
    ),
}
"""The members that a version's row has of its newest build."""


def iso(seconds: float) -> str:
    """Return a time as Image Builder writes it: ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def create(kind: Kind, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a resource of a kind; return what its Create operation answers."""
    document = described(kind, call, parameters)
    if kind.built:
        tail = f"{parameters['type'].lower()}/" if kind.noun == "workflow" else ""
        made = add_build(
            call,
            kind.noun,
            f"{tail}{slug_of(parameters['name'])}",
            _version(call, parameters),
            {"name": parameters["name"], **document},
            quota=(kind.title, kind.quota),
            tags=parameters.get("tags"),
        )
        return {kind.arn: made.id, "latestVersionReferences": latest_references(made.id, built=True)}
    slug = slug_of(parameters["name"])
    tail, members = slug, {"name": parameters["name"]}
    if kind.versioned:
        version = _next_version(call, kind, slug, parameters["semanticVersion"])
        tail, members = f"{slug}/{version}", {**members, "version": version}
    arn = f"arn:aws:imagebuilder:{call.region}:{call.account.id}:{kind.noun}/{tail}"
    if call.catalog.own(kind.stored, arn) is not None:
        raise exists(kind.title, arn)
    require_room(call, kind.noun, kind.title, kind.quota)
    shown = {"arn": arn, **members, **document, "dateCreated": iso(call.now)}
    if kind.updates:
        shown["dateUpdated"] = shown["dateCreated"]
    state = str(document.get("status", ""))
    record = Resource(arn, kind.stored, call.account.id, call.region, tail, state, call.now, shown)
    call.catalog.add(kind.settle(record, call.now), parameters.get("tags"))
    references = {"latestVersionReferences": latest_references(arn, built=False)} if kind.versioned else {}
    return {kind.arn: arn, **references}


def described(kind: Kind, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the document that a request describes, or refuse the request."""
    if kind.describe is None:
        raise LookupError(f"a {kind.noun} is not made by a request alone")
    return kind.describe(call, parameters)


def add_build(
    call: Call,
    noun: str,
    stem: str,
    version: str,
    document: Mapping[str, Any],
    *,
    quota: tuple[str, int] | None = None,
    tags: Mapping[str, str] | None = None,
    state: str = "",
    inner: Mapping[str, Any] | None = None,
) -> Resource:
    """Make the next build of a version, whose first build makes the version.

    Raises AwsError when the newest build has the very same text. ``stem`` is the name under which the catalogue has
    all versions: a slug, for workflows with their type before it.
    """
    head = f"arn:aws:imagebuilder:{call.region}:{call.account.id}:{noun}/{stem}/{version}"
    counted = call.catalog.own(f"{noun}-version", head)
    retired = None if counted else call.catalog.own(f"{RETIRED}{noun}-version", head)
    if counted is not None and "data" in document:
        _require_other(call, noun, counted, document)
    if counted is None and quota:
        require_room(call, noun, quota[0], quota[1])
    if retired is not None:
        counted = call.catalog.rename_kind(retired, f"{noun}-version")
    number = int(counted.inner["builds"]) + 1 if counted else 1
    arn = f"{head}/{number}"
    shown_version = f"{version}/{number}" if noun == "image" else version
    shown = {"arn": arn, **document, "version": shown_version, "dateCreated": iso(call.now)}
    row = {name: shown[name] for name in VERSION_ROW[noun] if name in shown} | {"arn": head, "version": version}
    if noun == "image":
        row["owner"] = call.account.id
    name = f"{stem}/{version}"
    if counted is None:
        counts = Resource(
            head, f"{noun}-version", call.account.id, call.region, name, "", call.now, row, {"builds": number}
        )
        mark_newest(call, call.catalog.add(counts))
    else:
        mark_newest(call, call.catalog.save(counted.showing(row).knowing(builds=number)))
    kind = STORED.get(noun, noun)
    record = Resource(arn, kind, call.account.id, call.region, name, state, call.now, shown, dict(inner or {}))
    return call.catalog.add(record, tags)


def retire_version(call: Call, noun: str, build: Resource) -> None:
    """Take a version out of sight when its last build has gone."""
    head = build.id.rpartition("/")[0]
    left = call.catalog.find(Query(build.kind, names=(build.name,), owners=(build.account,)), batch=1)
    counted = call.catalog.own(f"{noun}-version", head)
    if counted is not None and next(left, None) is None:
        retired = call.catalog.rename_kind(counted, f"{RETIRED}{noun}-version")
        pass_on_newest(call, f"{noun}-version", retired)


def require_room(call: Call, noun: str, title: str, default: int) -> None:
    """Refuse one more of a kind than there may be."""
    most = call.cloud.settings.quotas.get(noun, default)
    counted = f"{noun}-version" if noun in VERSION_ROW else STORED.get(noun, noun)
    if call.catalog.count(counted) >= most:
        raise over_quota(f"{title}s", most)


def _require_other(call: Call, noun: str, counted: Resource, document: Mapping[str, Any]) -> None:
    builds = call.catalog.find(Query(noun, names=(counted.name,), owners=(call.account.id,)))
    newest = max(builds, key=version_of, default=None)
    same = ("data", "description", "platform", "supportedOsVersions", "type", "changeDescription")
    if newest is not None and all(newest.document.get(each) == document.get(each) for each in same):
        raise exists(noun.capitalize(), newest.id)


def _version(call: Call, parameters: Mapping[str, Any]) -> str:
    text = parameters["semanticVersion"]
    try:
        pattern = VersionPattern.parse(text)
    except VersionError as wrong:
        raise invalid(call.operation, "semanticVersion", f"{wrong.message} {wrong.mend}") from wrong
    if pattern.is_open or pattern.build:
        raise invalid(
            call.operation, "semanticVersion", r"semanticVersion must match pattern ^[0-9]+\.[0-9]+\.[0-9]+$."
        )
    return str(pattern)


def _next_version(call: Call, kind: Kind, slug: str, text: str) -> str:
    try:
        pattern = VersionPattern.parse(text)
    except VersionError as wrong:
        raise invalid(
            call.operation,
            "semanticVersion",
            f"The supplied semantic version does not follow the required format. {wrong.message} {wrong.mend}",
        ) from wrong
    if pattern.build:
        raise invalid(call.operation, "semanticVersion", "A recipe's version has no build.")
    if not pattern.is_open:
        return str(pattern)
    own = call.catalog.find(Query(kind.stored, prefix=f"{slug}/", owners=(call.account.id,)))
    try:
        return str(pattern.next(version_of(each) for each in own))
    except VersionError as wrong:
        raise AwsError("InvalidVersionNumberException", f"{wrong.message} {wrong.mend}") from wrong
