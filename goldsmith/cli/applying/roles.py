"""AWS::IAM::Role: its trust, AWS's policies that it has, and the policies written in it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from goldsmith.cli.applying.change import Change, Step
from goldsmith.cli.applying.differences import differences
from goldsmith.cli.here import RefusedError
from goldsmith.documents.templates.scope import Identity

if TYPE_CHECKING:
    from goldsmith.cli.here import Here

    Item = dict[str, Any]

AWS_POLICY = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/.+")
"""Which managed policies there are here; a template's own are not made."""


def plan_role(here: Here, parameters: Item) -> Change:
    """Return what makes a role; what it has besides stays."""
    name, path = parameters["RoleName"], parameters.get("Path") or "/"
    current = _role(here, name)
    if current is None:
        arn = f"arn:aws:iam::{here.account.id}:role{path}{name}"
        steps = (_creation(parameters, name, path), *_policies(parameters, set(), {}))
        return Change("create", "role", name, Identity(name, {"Arn": arn, "RoleId": name}), steps)
    attached = here.call("iam", "ListAttachedRolePolicies", RoleName=name)["AttachedPolicies"]
    written = here.call("iam", "ListRolePolicies", RoleName=name)["PolicyNames"]
    steps = (
        *_trust(parameters, name, current),
        *_policies(
            parameters, {each["PolicyArn"] for each in attached}, {each: _policy(here, name, each) for each in written}
        ),
    )
    details = tuple(f"{step.operation} {_about(step)}".strip() for step in steps)
    identity = Identity(name, {"Arn": current["Arn"], "RoleId": current["RoleId"]})
    return Change("update" if steps else "unchanged", "role", name, identity, steps, details)


def _role(here: Here, name: str) -> Item | None:
    try:
        role: Item = here.call("iam", "GetRole", RoleName=name)["Role"]
    except RefusedError as refused:
        if refused.code == "NoSuchEntity":
            return None
        raise
    return role


def _creation(parameters: Item, name: str, path: str) -> Step:
    asked = {
        "RoleName": name,
        "Path": path,
        "AssumeRolePolicyDocument": json.dumps(parameters.get("AssumeRolePolicyDocument") or {}),
        "Description": parameters.get("Description"),
        "Tags": parameters.get("Tags"),
    }
    return Step("iam", "CreateRole", {member: value for member, value in asked.items() if value})


def _trust(parameters: Item, name: str, current: Item) -> list[Step]:
    trust = parameters.get("AssumeRolePolicyDocument") or {}
    there = _document(current["AssumeRolePolicyDocument"])
    if not differences({"trust": trust}, {"trust": there}, ["trust"]):
        return []
    return [Step("iam", "UpdateAssumeRolePolicy", {"RoleName": name, "PolicyDocument": json.dumps(trust)})]


def _policies(parameters: Item, attached: set[str], written: Item) -> list[Step]:
    name = parameters["RoleName"]
    steps = [
        Step("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": arn})
        for arn in parameters.get("ManagedPolicyArns") or []
        if AWS_POLICY.fullmatch(arn) and arn not in attached
    ]
    for policy in parameters.get("Policies") or []:
        if written.get(policy["PolicyName"]) != policy["PolicyDocument"]:
            asked = {"PolicyName": policy["PolicyName"], "PolicyDocument": json.dumps(policy["PolicyDocument"])}
            steps.append(Step("iam", "PutRolePolicy", {"RoleName": name, **asked}))
    return steps


def _policy(here: Here, role: str, policy: str) -> Any:
    return _document(here.call("iam", "GetRolePolicy", RoleName=role, PolicyName=policy)["PolicyDocument"])


def _document(shown: Any) -> Any:
    """Return a policy's document, which IAM shows as URL-encoded text."""
    return json.loads(unquote(shown)) if isinstance(shown, str) else shown


def _about(step: Step) -> str:
    return str(step.parameters.get("PolicyArn") or step.parameters.get("PolicyName") or "")
