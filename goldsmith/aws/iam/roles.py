"""IAM roles: what instances act as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.iam.powers import DEVIATION, require_tags
from goldsmith.aws.iam.records import (
    PROFILE,
    ROLE,
    arn,
    find_role,
    following,
    iam_catalog,
    list_page,
    new_unique_id,
    require_policy,
    show_policy,
)
from goldsmith.aws.operations import iam
from goldsmith.aws.tags import parse_tags, require_room, show_tags
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query, Resource

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

SESSION_SECONDS = 3600


def show_role(role: Resource) -> dict[str, Any]:
    """Return a role as IAM shows it, without tags."""
    return {
        **role.document,
        "CreateDate": iso(role.created),
        "AssumeRolePolicyDocument": show_policy(role.inner["trust"]),
    }


@iam.operation(deviation=DEVIATION)
def create_role(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a role."""
    catalog, name = iam_catalog(call), parameters["RoleName"]
    tags = parse_tags(parameters.get("Tags") or ())
    require_tags(call, tags)
    if catalog.named(ROLE, name.lower()):
        raise AwsError("EntityAlreadyExists", f"Role with name {name} already exists.")
    path, unique = parameters.get("Path") or "/", new_unique_id("AROA")
    document = {
        "Path": path,
        "RoleName": name,
        "RoleId": unique,
        "Arn": arn(call.account, "role", path, name),
        "Description": parameters.get("Description"),
        "MaxSessionDuration": parameters.get("MaxSessionDuration") or SESSION_SECONDS,
    }
    trust = require_policy(parameters["AssumeRolePolicyDocument"])
    role = Resource(
        unique,
        ROLE,
        call.account.id,
        catalog.region,
        name.lower(),
        "",
        call.now,
        {member: value for member, value in document.items() if value is not None},
        {"trust": trust, "policies": {}, "attached": []},
    )
    catalog.add(role, tags)
    return {"Role": {**show_role(role), "Tags": show_tags(tags)}}


@iam.operation()
def get_role(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Show a role."""
    role = find_role(call, parameters["RoleName"])
    tags = show_tags(iam_catalog(call).tags(role))
    return {"Role": {**show_role(role), "Tags": tags, "RoleLastUsed": {}}}


@iam.operation()
def list_roles(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's roles."""
    page, more = list_page(call, parameters, ROLE)
    return {"Roles": [show_role(role) for role in page], **more}


@iam.operation()
def update_role(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Change a role's description or the length of its sessions."""
    role = find_role(call, parameters["RoleName"])
    changes = {name: parameters[name] for name in ("Description", "MaxSessionDuration") if name in parameters}
    iam_catalog(call).save(role.having(**changes))
    return {}


@iam.operation(deviation="Who may assume a role is not looked at: instances do, with the profile that has it.")
def update_assume_role_policy(call: Call, parameters: dict[str, Any]) -> None:
    """Replace the document that says who may assume a role."""
    role = find_role(call, parameters["RoleName"])
    iam_catalog(call).save(role.knowing(trust=require_policy(parameters["PolicyDocument"])))


@iam.operation()
def delete_role(call: Call, parameters: dict[str, Any]) -> None:
    """Remove a role that has no policies and that no instance profile has."""
    catalog, role = iam_catalog(call), find_role(call, parameters["RoleName"])
    profiles = catalog.find(Query(PROFILE, owners=(call.account.id,)))
    if any(profile.inner.get("role") == role.id for profile in profiles):
        raise AwsError("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
    if role.inner["attached"]:
        raise AwsError("DeleteConflict", "Cannot delete entity, must detach all policies first.")
    if role.inner["policies"]:
        raise AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.")
    catalog.remove(role)


@iam.operation(deviation=DEVIATION)
def tag_role(call: Call, parameters: dict[str, Any]) -> None:
    """Put tags on a role."""
    catalog, role = iam_catalog(call), find_role(call, parameters["RoleName"])
    tags = parse_tags(parameters["Tags"])
    require_tags(call, tags)
    require_room({**catalog.tags(role), **tags})
    catalog.tag(role, tags)


@iam.operation()
def untag_role(call: Call, parameters: dict[str, Any]) -> None:
    """Take tags off a role."""
    iam_catalog(call).untag(find_role(call, parameters["RoleName"]), parameters["TagKeys"])


@iam.operation()
def list_role_tags(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List a role's tags."""
    tags = iam_catalog(call).tags(find_role(call, parameters["RoleName"]))
    return {"Tags": show_tags(tags), **following({})}
