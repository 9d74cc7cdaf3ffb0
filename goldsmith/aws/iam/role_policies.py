"""Policies of roles: documents inside of them, and AWS's own that are attached by name. None is evaluated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.iam.powers import DEVIATION
from goldsmith.aws.iam.records import find_role, following, iam_catalog, no_such, require_policy, show_policy
from goldsmith.aws.operations import iam

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

MOST = 20
"""Policies of each kind on one role, as many as AWS raises its quota to."""

MANAGED = re.compile(r"arn:aws:iam::aws:policy/[\w+=,.@/-]+")


@iam.operation(deviation=DEVIATION)
def put_role_policy(call: Call, parameters: dict[str, Any]) -> None:
    """Put a document into a role, or in place of the one of that name."""
    role = find_role(call, parameters["RoleName"])
    policies = {**role.inner["policies"], parameters["PolicyName"]: require_policy(parameters["PolicyDocument"])}
    if len(policies) > MOST:
        raise _too_many("policies in a role")
    iam_catalog(call).save(role.knowing(policies=policies))


@iam.operation()
def get_role_policy(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Show a document of a role."""
    role, name = find_role(call, parameters["RoleName"]), parameters["PolicyName"]
    if name not in role.inner["policies"]:
        raise no_such(f"The role policy with name {name} cannot be found.")
    shown = show_policy(role.inner["policies"][name])
    return {"RoleName": role.document["RoleName"], "PolicyName": name, "PolicyDocument": shown}


@iam.operation()
def list_role_policies(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the names of a role's documents."""
    role = find_role(call, parameters["RoleName"])
    return {"PolicyNames": sorted(role.inner["policies"]), **following({})}


@iam.operation()
def delete_role_policy(call: Call, parameters: dict[str, Any]) -> None:
    """Take a document out of a role."""
    role, name = find_role(call, parameters["RoleName"]), parameters["PolicyName"]
    if name not in role.inner["policies"]:
        raise no_such(f"The role policy with name {name} cannot be found.")
    policies = {other: text for other, text in role.inner["policies"].items() if other != name}
    iam_catalog(call).save(role.knowing(policies=policies))


@iam.operation(deviation="Only AWS's own policies can be attached, by name; they are not evaluated.")
def attach_role_policy(call: Call, parameters: dict[str, Any]) -> None:
    """Attach one of AWS's policies to a role."""
    role, policy = find_role(call, parameters["RoleName"]), parameters["PolicyArn"]
    if not MANAGED.fullmatch(policy):
        raise no_such(f"Policy {policy[:200]} does not exist or is not attachable.")
    attached = list(dict.fromkeys((*role.inner["attached"], policy)))
    if len(attached) > MOST:
        raise _too_many("policies attached to a role")
    iam_catalog(call).save(role.knowing(attached=attached))


@iam.operation()
def detach_role_policy(call: Call, parameters: dict[str, Any]) -> None:
    """Detach a policy from a role."""
    role, policy = find_role(call, parameters["RoleName"]), parameters["PolicyArn"]
    if policy not in role.inner["attached"]:
        raise no_such(f"Policy {policy[:200]} was not found.")
    attached = [other for other in role.inner["attached"] if other != policy]
    iam_catalog(call).save(role.knowing(attached=attached))


@iam.operation()
def list_attached_role_policies(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the policies that are attached to a role."""
    role = find_role(call, parameters["RoleName"])
    shown = [{"PolicyName": policy.rpartition("/")[2], "PolicyArn": policy} for policy in role.inner["attached"]]
    return {"AttachedPolicies": shown, **following({})}


def _too_many(what: str) -> AwsError:
    return AwsError("LimitExceeded", f"Cannot exceed quota for {what}: {MOST}", status=409)
