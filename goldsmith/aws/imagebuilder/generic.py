"""The operations that all kinds share, made from their declarations."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from goldsmith.aws.imagebuilder.creating import create, described, iso
from goldsmith.aws.imagebuilder.deleting import delete
from goldsmith.aws.imagebuilder.kinds import KINDS, Kind
from goldsmith.aws.imagebuilder.listing import list_builds, list_kind
from goldsmith.aws.imagebuilder.references import latest_references, require, require_own
from goldsmith.aws.operations import imagebuilder

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.aws.call import Call

DEVIATIONS = {
    "CreateInfrastructureConfiguration": "Components are built in a sandbox, or in a machine where resourceTags has "
    "goldsmith:builder=machine; the instance profile need not be there before an instance is launched with it. SNS "
    "messages go to the event log and webhooks.",
    "CreateDistributionConfiguration": "The regions are those of cloud.yml. Keys, licenses and fast launch fail "
    "in their region when they are applied.",
    "CreateImagePipeline": "A schedule that waits for dependency updates also builds when the archives have "
    "newer packages than the last image.",
    "CreateComponent": "Everything is kept unencrypted; kmsKeyId is kept as text.",
    "CreateContainerRecipe": "Windows and macOS are refused: containers are built on a Linux host.",
    "CreateImageRecipe": "parentImage may also be debian/11, debian/12 or debian/13, made from Debian's archives.",
}


def get(kind: Kind, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Answer a kind's Get operation."""
    resource = require(call, parameters[kind.arn], kind.noun, path=kind.arn)
    tags = call.catalog.tags(resource) if resource.account != "aws" else {}
    answer: dict[str, Any] = {kind.member: {**resource.document, "tags": tags}}
    if kind.versioned:
        answer["latestVersionReferences"] = latest_references(resource.id, built=kind.built)
    return answer


def update(kind: Kind, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Answer a kind's Update operation: everything is replaced but the name and what only the house knows."""
    resource = require_own(call, parameters[kind.arn], kind.noun, path=kind.arn)
    document = described(kind, call, parameters)
    kept = kind.keeps(call, resource.document, document) if kind.keeps else {}
    unchanging = {name: resource.document[name] for name in ("arn", "name", "dateCreated")}
    document = {**unchanging, **document, **kept, "dateUpdated": iso(call.now)}
    updated = replace(resource, document=document, state=str(document.get("status", "")))
    call.catalog.save(kind.settle(updated, call.now))
    return {kind.arn: resource.id}


def _register(name: str, handler: Callable[[Call, dict[str, Any]], dict[str, Any]]) -> None:
    def answer(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
        return handler(call, parameters)

    answer.__name__ = xform_name(name)
    imagebuilder.operation(deviation=DEVIATIONS.get(name, ""))(answer)


for _kind in KINDS:
    _register(f"Create{_kind.title}", partial(create, _kind))
    _register(f"Get{_kind.title}", partial(get, _kind))
    _register(f"Delete{_kind.title}", partial(delete, _kind))
    _register(_kind.listing, partial(list_kind, _kind))
    if _kind.updates:
        _register(f"Update{_kind.title}", partial(update, _kind))
    if _kind.built:
        _register(_kind.builds_listing, partial(list_builds, _kind))
