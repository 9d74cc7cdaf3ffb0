"""Acting in another account: it is done only where that account has agreed, by a role as on AWS."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.stop import StepTimeoutError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from goldsmith.pipelines.workflows.action import StepRun

ROLE = "EC2ImageBuilderDistributionCrossAccountRole"
"""The role that a target account makes, and trusts the source account with (user guide, "cross-account-dist")."""


class NotAgreedError(GoldsmithError):
    """An account has not agreed to get images from another."""


def call_as(
    step: StepRun, account: str, region: str, service: str, operation: str, **parameters: Any
) -> dict[str, Any]:
    """Run an operation as the image's account, or another one that has agreed. Raises NotAgreedError, RefusedError."""
    if account != step.image.account:
        require_agreement(step, account)
    return step.world.call(account, region, service, operation, **parameters)


def require_agreement(step: StepRun, account: str) -> None:
    """Raise NotAgreedError unless an account has the role, with a trust policy that names the image's account.

    Whether there is such an account at all is not told apart.
    """
    source = step.image.account
    try:
        answer = step.world.call(account, step.image.region, "iam", "GetRole", RoleName=ROLE)
        agreed = trusts(unquote(answer["Role"]["AssumeRolePolicyDocument"]), source)
    except (StoppedError, StepTimeoutError):
        raise
    except GoldsmithError:
        agreed = False
    if not agreed:
        raise NotAgreedError(
            f"STS Client Error: 'User: arn:aws:sts::{source}:assumed-role/AWSServiceRoleForImageBuilder/"
            "Ec2ImageBuilderIntegrationService is not authorized to perform: sts:AssumeRole on resource: "
            f"arn:aws:iam::{account}:role/{ROLE}'",
            mend=f"Make the role {ROLE} in the account {account}, and let {source} assume it in its trust policy.",
        )


def trusts(policy: str, account: str) -> bool:
    """Tell whether a trust policy lets an account's service assume its role.

    A statement with a condition lets nobody: there is nothing here that a condition could be held against.
    """
    try:
        statements = _listed(json.loads(policy).get("Statement"))
        concerned = [each for each in statements if _names(each.get("Principal"), account) and _assumes(each)]
    except (ValueError, AttributeError, RecursionError):
        return False
    if any(each.get("Effect") == "Deny" for each in concerned):
        return False
    return any(each.get("Effect") == "Allow" and not each.get("Condition") for each in concerned)


def _names(principal: Any, account: str) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, dict):
        return False
    form = re.compile(rf"\*|{account}|arn:aws[a-z-]*:iam::{account}:.+")
    return any(isinstance(each, str) and form.fullmatch(each) for each in _listed(principal.get("AWS")))


def _assumes(statement: Mapping[str, Any]) -> bool:
    return any(action in {"*", "sts:*", "sts:AssumeRole"} for action in _listed(statement.get("Action")))


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value] if value is not None else []
