"""Resource policies: who else may see a component, a recipe or an image (1.5)."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from goldsmith.aws.imagebuilder.references import matching, parse_arn, version_arn
from goldsmith.aws.imagebuilder.refusals import invalid, not_found
from goldsmith.aws.operations import imagebuilder
from goldsmith.catalog.resources import EVERYBODY
from goldsmith.documents.arns import BUILT_KINDS, Arn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

SHAREABLE = {
    "Component": ("component", "componentArn"),
    "Image": ("image", "imageArn"),
    "ImageRecipe": ("image-recipe", "imageRecipeArn"),
    "ContainerRecipe": ("container-recipe", "containerRecipeArn"),
}
SHARED_AT_ONCE = "What the policy says is shared at once; there is no Resource Access Manager in between."

_PRINCIPAL = re.compile(r"(?:arn:aws[a-z-]*:iam::)?([0-9]{12})(?::.*)?")
_ORGANIZATION = re.compile(r"arn:aws[a-z-]*:organizations::[0-9]{12}:(organization|ou)/.+")


def put_policy(title: str, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Answer Put…Policy: share what the ARN names with the policy's principals, and with nobody else."""
    noun, member = SHAREABLE[title]
    grantees = set(_principals(call, parameters["policy"], noun))
    shared = _named(call, parameters[member], noun, member)
    for each in shared:
        _share(call, each, grantees)
        call.catalog.save(each.knowing(policy=parameters["policy"]))
    if noun in BUILT_KINDS:
        for head in sorted({version_arn(each.id) for each in shared}):
            _share_version(call, noun, head)
    return {member: parameters[member]}


def get_policy(title: str, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Answer Get…Policy."""
    noun, member = SHAREABLE[title]
    named = _named(call, parameters[member], noun, member)
    policy = next((each.inner["policy"] for each in named if "policy" in each.inner), None)
    if policy is None:
        raise not_found(f"the policy of {parameters[member]}")
    return {"policy": policy}


def _named(call: Call, text: str, noun: str, member: str) -> list[Resource]:
    """Return the caller's own resources that an ARN names."""
    arn = parse_arn(call.operation, text, noun, path=member)
    builds = [each for each in matching(call.catalog, arn) if each.account == call.account.id]
    if not builds:
        raise not_found(text)
    return builds


def _share(call: Call, resource: Resource, grantees: set[str]) -> None:
    """Share a resource with those and with nobody else."""
    there = set(call.catalog.grantees(resource))
    call.catalog.share(resource, add=grantees, remove=there - grantees)


def _share_version(call: Call, noun: str, head: str) -> None:
    """Let all who see a build of a version see the version's row in lists."""
    row = call.catalog.own(f"{noun}-version", head)
    if row is not None:
        builds = matching(call.catalog, Arn.parse(head))
        _share(call, row, {each for build in builds for each in call.catalog.grantees(build)})


def _principals(call: Call, policy: str, noun: str) -> Iterator[str]:
    try:
        statements = json.loads(policy)["Statement"]
        statements = statements if isinstance(statements, list) else [statements]
        for statement in statements:
            _require_allowing(statement, noun)
            principals = statement["Principal"]
            named = principals if isinstance(principals, str) else principals["AWS"]
            for each in named if isinstance(named, list) else [named]:
                yield _grantee(each)
    except (ValueError, KeyError, TypeError, RecursionError) as wrong:
        reason = f"{wrong.args[0]} is missing" if isinstance(wrong, KeyError) else str(wrong)
        raise invalid(call.operation, "policy", f"The policy cannot be used: {reason}.") from wrong


def _require_allowing(statement: dict[str, Any], noun: str) -> None:
    if statement["Effect"] != "Allow":
        raise ValueError("a shared resource's policy can only allow")
    actions = statement["Action"]
    allowed = [actions] if isinstance(actions, str) else actions
    for each in allowed:
        if not re.fullmatch(r"imagebuilder:(\*|(Get|List)[A-Za-z]*\*?)", each):
            raise ValueError(f"{each} is nothing that is shared of {noun}; what is shared can be read only")


def _grantee(principal: str) -> str:
    if principal == "*":
        return EVERYBODY
    if found := _PRINCIPAL.fullmatch(principal):
        return found[1]
    if _ORGANIZATION.fullmatch(principal):
        return principal
    raise ValueError(f"{principal} is no principal with whom something can be shared")


for _title in SHAREABLE:
    for _verb, _handler in (("Put", put_policy), ("Get", get_policy)):
        _answer: Any = partial(_handler, _title)
        _answer.__name__ = xform_name(f"{_verb}{_title}Policy")
        imagebuilder.operation(deviation="" if _verb == "Get" else SHARED_AT_ONCE)(_answer)
