"""Whether another account lets lifecycle actions be done to its AMIs: by a role, as on AWS.

The role's name and trust policy are those of the user guide, "image-lifecycle-prerequisites": it trusts the service,
on the condition that it acts for the image's account. A role that trusts that account itself will do as well.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.distribution.agreement import trusts
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.world import World

ROLE = "Ec2ImageBuilderCrossAccountLifecycleAccess"
SERVICE = "imagebuilder.amazonaws.com"


class NoAccessError(GoldsmithError):
    """An account has not agreed to lifecycle actions of another."""


def require_lifecycle_access(world: World, account: str, region: str, source: str) -> None:
    """Raise NoAccessError unless ``account`` has the role, and it trusts the service acting for ``source``."""
    try:
        role = world.call(account, region, "iam", "GetRole", RoleName=ROLE)["Role"]
        policy = unquote(role["AssumeRolePolicyDocument"])
    except RefusedError:
        policy = ""
    if not (trusts_service(policy, source) or trusts(policy, source)):
        raise NoAccessError(
            f"The account {account} has no role {ROLE} that trusts {SERVICE} for {source}.",
            mend="Make the role there; its trust policy has the condition aws:SourceAccount.",
        )


def trusts_service(policy: str, source: str) -> bool:
    """Tell whether a trust policy lets Image Builder act for an account: by aws:SourceAccount, which has to be there.

    Of other conditions only one on aws:SourceArn is known, which every image's ARN fits.
    """
    try:
        statements = _listed(json.loads(policy).get("Statement"))
        concerned = [each for each in statements if _is_for_service(each)]
        if any(each.get("Effect") == "Deny" for each in concerned):
            return False
        return any(each.get("Effect") == "Allow" and _names(each.get("Condition"), source) for each in concerned)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return False


def _is_for_service(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = _listed(principal.get("Service")) if isinstance(principal, dict) else []
    actions = {"*", "sts:*", "sts:AssumeRole"}
    return SERVICE in services and any(action in actions for action in _listed(statement.get("Action")))


def _names(condition: Any, source: str) -> bool:
    """Tell whether conditions hold for an account's images."""
    keys = {(kind, key): _listed(value) for kind, keys in (condition or {}).items() for key, value in keys.items()}
    accounts = keys.pop(("StringEquals", "aws:SourceAccount"), [])
    arns = keys.pop(("ArnLike", "aws:SourceArn"), ["arn:*:imagebuilder:*:*:image/*/*/*"])
    return not keys and source in accounts and "arn:*:imagebuilder:*:*:image/*/*/*" in arns


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value is not None else []
