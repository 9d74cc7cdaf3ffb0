"""Image Builder's resources against what is there: one manner for configurations, one for recipes, one for builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.buckets import BucketError, open_bucket
from goldsmith.aws.imagebuilder.kinds import KINDS, Kind
from goldsmith.aws.models import find_operation
from goldsmith.cli.applying.change import Change, Step
from goldsmith.cli.applying.differences import differences
from goldsmith.cli.applying.kept import keep_document
from goldsmith.cli.here import RefusedError
from goldsmith.cli.output import UsageError
from goldsmith.documents.arns import slug_of
from goldsmith.documents.templates.scope import Identity
from goldsmith.documents.versions import Version, VersionPattern

if TYPE_CHECKING:
    from goldsmith.cli.here import Here

SERVICE = "imagebuilder"
BY_NOUN: dict[str, Kind] = {kind.noun: kind for kind in KINDS}
TEXTS = {"uri": "data", "dockerfileTemplateUri": "dockerfileTemplateData"}
"""Members that name an object of a bucket, and the one that shows its text."""

LONGEST_TEXT = 16_000
"""Characters of a document in a request (1.9)."""

LONGEST_OBJECT = 1 << 20
"""Bytes of an object that are compared; the API takes less."""

NOT_COMPARED = {
    *("name", "semanticVersion", "tags", "clientToken", "dryRun", "uri", "dockerfileTemplateUri"),
    *("platformOverride", "imageOsVersionOverride"),
}
"""What no Get operation shows, or what is the same by name."""


def plan_resource(here: Here, noun: str, parameters: dict[str, Any]) -> Change:
    """Return what makes a resource as its Create operation's parameters say. Raises GoldsmithError."""
    kind = BY_NOUN[noun]
    if kind.built:
        return _plan_build(here, kind, parameters)
    return _plan_recipe(here, kind, parameters) if kind.versioned else _plan_configuration(here, kind, parameters)


def show(here: Here, kind: Kind, arn: str) -> dict[str, Any] | None:
    """Return a resource as its Get operation shows it, None where there is none."""
    try:
        answer: dict[str, Any] = here.call(SERVICE, f"Get{kind.title}", **{kind.arn: arn})[kind.member]
    except RefusedError as refused:
        if refused.code == "ResourceNotFoundException":
            return None
        raise
    return answer


def identity_of(arn: str, noun: str) -> Identity:
    """Return what Ref and GetAtt give of a resource of Image Builder (CloudFormation's "Return values")."""
    attributes = {"Arn": arn}
    if noun in {"component", "workflow", "image-recipe", "container-recipe", "image"}:
        head, version = _split(arn)
        major, minor, _ = version.split("/")[0].split(".")
        attributes |= {
            "LatestVersion.Arn": f"{head}/x.x.x",
            "LatestVersion.Major": f"{head}/{major}.x.x",
            "LatestVersion.Minor": f"{head}/{major}.{minor}.x",
            "LatestVersion.Patch": f"{head}/{version.split('/')[0]}",
        }
    return Identity(arn, attributes)


def _plan_configuration(here: Here, kind: Kind, parameters: dict[str, Any]) -> Change:
    name = parameters["name"]
    arn = _arn(here, kind.noun, slug_of(name))
    current = show(here, kind, arn)
    identity = identity_of(arn, kind.noun)
    if current is None:
        return Change("create", kind.noun, name, identity, (Step(SERVICE, f"Create{kind.title}", parameters),))
    if "status" not in parameters and "status" in current:
        parameters = {**parameters, "status": current["status"]}
    found = differences(parameters, current, _members(kind))
    replaced = {key: value for key, value in parameters.items() if key not in {"name", "tags"}}
    update = Step(SERVICE, f"Update{kind.title}", {kind.arn: arn, **replaced})
    return _with_tags(arn, kind, name, parameters, current, (update,) if found else (), found)


def _plan_recipe(here: Here, kind: Kind, parameters: dict[str, Any]) -> Change:
    name, pattern = parameters["name"], VersionPattern.parse(parameters["semanticVersion"])
    slug = slug_of(name)
    create = Step(SERVICE, f"Create{kind.title}", parameters)
    versions = _versions(here, kind, name, slug)
    latest = pattern.resolve(versions)
    following = identity_of(_arn(here, kind.noun, f"{slug}/{pattern.next(versions)}"), kind.noun)
    if latest is None:
        return Change("create", kind.noun, f"{name} {pattern.next(versions)}", following, (create,))
    arn = _arn(here, kind.noun, f"{slug}/{latest}")
    current = show(here, kind, arn) or {}
    found = differences(_with_text(here, parameters), current, _members(kind))
    if found and pattern.is_open:
        return Change("new version", kind.noun, f"{name} {pattern.next(versions)}", following, (create,), found)
    if found:
        mend = (
            f"{name} {latest} is there with other contents, and a recipe's version never changes: raise it, or write "
            f"{latest.major}.{latest.minor}.x to have it counted"
        )
        return Change("conflict", kind.noun, f"{name} {latest}", identity_of(arn, kind.noun), (), (mend, *found))
    return _with_tags(arn, kind, f"{name} {latest}", parameters, current, (), ())


def _plan_build(here: Here, kind: Kind, parameters: dict[str, Any]) -> Change:
    name, version = parameters["name"], parameters["semanticVersion"]
    tail = f"{parameters['type'].lower()}/" if kind.noun == "workflow" else ""
    head = _arn(here, kind.noun, f"{tail}{slug_of(name)}/{version}")
    current = show(here, kind, head)
    create = _creation(kind, parameters)
    said = f"{name} {version}"
    if current is None:
        return Change("create", kind.noun, said, identity_of(f"{head}/1", kind.noun), create)
    found = differences(_with_text(here, parameters), current, _members(kind))
    if found:
        number = int(current["arn"].rpartition("/")[2]) + 1
        arn = f"{head}/{number}"
        return Change("new build", kind.noun, f"{said}/{number}", identity_of(arn, kind.noun), create, found)
    return _with_tags(current["arn"], kind, said, parameters, current, (), ())


def _creation(kind: Kind, parameters: dict[str, Any]) -> tuple[Step, ...]:
    """Return what makes a build; a text too long for a request is put into a bucket, as the API has it."""
    text = parameters.get("data", "")
    operation = f"Create{kind.title}"
    if len(text) <= LONGEST_TEXT:
        return (Step(SERVICE, operation, parameters),)
    keep, address = keep_document(text)
    rest = {name: value for name, value in parameters.items() if name != "data"}
    return (keep, Step(SERVICE, operation, {**rest, "uri": address}))


def _with_tags(
    arn: str,
    kind: Kind,
    name: str,
    parameters: dict[str, Any],
    current: dict[str, Any],
    steps: tuple[Step, ...],
    found: tuple[str, ...],
) -> Change:
    """Return the change of a resource that is there, its wanted tags included; others that it has stay."""
    there = current.get("tags") or {}
    missing = {key: value for key, value in (parameters.get("tags") or {}).items() if there.get(key) != value}
    if missing:
        steps = (*steps, Step(SERVICE, "TagResource", {"resourceArn": arn, "tags": missing}))
        found = (*found, *(f"tags.{key}: {there.get(key, 'none')} → {value}" for key, value in missing.items()))
    return Change("update" if steps else "unchanged", kind.noun, name, identity_of(arn, kind.noun), steps, found)


def _versions(here: Here, kind: Kind, name: str, slug: str) -> list[Version]:
    rows = here.pages(SERVICE, kind.listing, kind.rows, filters=[{"name": "name", "values": [name]}])
    splits = [_split(row["arn"]) for row in rows]
    return [Version.parse(version) for head, version in splits if head.endswith(f"/{slug}")]


def _with_text(here: Here, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with the text of what they name in a bucket, as the Get operation shows it."""
    for address, member in TEXTS.items():
        if address in parameters:
            return {**parameters, member: _read_object(here, parameters[address])}
    return parameters


def _read_object(here: Here, address: str) -> str:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    try:
        with open_bucket(here.cloud, here.account.id, bucket).read(key) as content:
            return content.read(LONGEST_OBJECT).decode()
    except (BucketError, UnicodeDecodeError) as missing:
        raise UsageError(f"{address} cannot be read: {missing}") from missing


def _members(kind: Kind) -> set[str]:
    operation = find_operation(SERVICE, f"Create{kind.title}")
    if operation is None or operation.model.input_shape is None:
        raise LookupError(kind.title)
    return set(operation.model.input_shape.members) - NOT_COMPARED


def _arn(here: Here, noun: str, tail: str) -> str:
    return f"arn:aws:imagebuilder:{here.region}:{here.account.id}:{noun}/{tail}"


def _split(arn: str) -> tuple[str, str]:
    """Return a versioned ARN's part before the version, and the version with its build, if any."""
    parts = arn.split("/")
    cut = next(index for index, part in enumerate(parts) if part.count(".") == 2 and index > 1)  # noqa: PLR2004  # a.b.c
    return "/".join(parts[:cut]), "/".join(parts[cut:])
