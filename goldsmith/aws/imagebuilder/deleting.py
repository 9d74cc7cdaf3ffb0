"""Deleting, and who would miss what is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder.creating import retire_version
from goldsmith.aws.imagebuilder.references import IMAGE_BUILD, find, matching, parse_arn, require_own
from goldsmith.aws.imagebuilder.refusals import depended_on, not_found
from goldsmith.catalog.resources import Query
from goldsmith.catalog.uses import unversioned
from goldsmith.documents.arns import BUILT_KINDS, Arn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call
    from goldsmith.aws.imagebuilder.kinds import Kind
    from goldsmith.catalog.resources import Resource

REFER = ("image-recipe", "container-recipe", "image-pipeline", "lifecycle-policy")
"""The kinds whose resources refer to others."""


def delete(kind: Kind, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Answer a kind's Delete operation."""
    text = parameters[kind.arn]
    arn = parse_arn(call.operation, text, kind.noun, path=kind.arn)
    if kind.versioned and (arn.version is None or arn.version.is_open or (kind.built and not arn.version.build)):
        raise not_found(text)
    resource = require_own(call, text, kind.noun, path=kind.arn)
    require_unused(call, resource)
    call.catalog.remove(resource)
    if kind.built:
        retire_version(call, kind.noun, resource)
    return {kind.arn: resource.id}


def require_unused(call: Call, resource: Resource) -> None:
    """Refuse to delete what is shared, or what nothing else could stand for where it is referred to."""
    dependants = list(_dependants(call, resource))
    if grantees := call.catalog.grantees(resource):
        dependants += [f"its share with {each}" for each in grantees]
    if dependants:
        raise depended_on(resource.id, dependants)


def _dependants(call: Call, resource: Resource) -> Iterator[str]:
    base = unversioned(resource.id)
    for kind in REFER:
        for each in call.catalog.find(Query(kind, uses=(base,), owners=(call.account.id,))):
            if any(_needs(call, reference, resource) for reference in _references(each, base)):
                yield each.id


def _references(user: Resource, base: str) -> Iterator[str]:
    document = user.document
    named = [
        *(each["componentArn"] for each in document.get("components") or ()),
        *(each["workflowArn"] for each in document.get("workflows") or ()),
        *(
            document.get(name, "")
            for name in (
                "parentImage",
                "imageRecipeArn",
                "containerRecipeArn",
                "infrastructureConfigurationArn",
                "distributionConfigurationArn",
            )
        ),
    ]
    yield from (each for each in named if each and unversioned(each) == base)


def _needs(call: Call, reference: str, resource: Resource) -> bool:
    """Tell whether a reference is met by this resource and by no other."""
    arn = Arn.parse(reference)
    found = find(call.catalog, arn)
    if found is None or arn.version is None:
        return found is not None and found.id == resource.id
    if not arn.version.is_open and (arn.version.build or arn.kind not in BUILT_KINDS):
        return found.id == resource.id
    fits = matching(call.catalog, arn)
    return [each.id for each in fits if each.kind != IMAGE_BUILD or each.state == "AVAILABLE"] == [resource.id]
