"""Instance profiles as IAM's operations make, show and remove them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.iam.powers import power_of, require_power
from goldsmith.aws.iam.records import (
    PROFILE,
    ROLE,
    arn,
    find_role,
    following,
    iam_catalog,
    list_page,
    new_unique_id,
    no_such,
)
from goldsmith.aws.iam.roles import show_role
from goldsmith.aws.operations import iam
from goldsmith.aws.tags import parse_tags, require_room, show_tags
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query, Resource

if TYPE_CHECKING:
    from goldsmith.aws.call import Call


def show_profile(call: Call, profile: Resource) -> dict[str, Any]:
    """Return a profile as IAM shows it, with its role."""
    role = iam_catalog(call).own(ROLE, profile.inner["role"]) if profile.inner.get("role") else None
    return {
        **profile.document,
        "InstanceProfileId": profile.id,
        "CreateDate": iso(profile.created),
        "Roles": [show_role(role)] if role else [],
        "Tags": show_tags(iam_catalog(call).tags(profile)),
    }


@iam.operation()
def create_instance_profile(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a profile without a role."""
    catalog, name = iam_catalog(call), parameters["InstanceProfileName"]
    if catalog.named(PROFILE, name.lower()):
        raise AwsError("EntityAlreadyExists", f"Instance Profile {name} already exists.")
    path = parameters.get("Path") or "/"
    document = {
        "Path": path,
        "InstanceProfileName": name,
        "Arn": arn(call.account, "instance-profile", path, name),
    }
    unique = new_unique_id("AIPA")
    profile = Resource(unique, PROFILE, call.account.id, catalog.region, name.lower(), "", call.now, document, {})
    catalog.add(profile, parse_tags(parameters.get("Tags") or ()))
    return {"InstanceProfile": show_profile(call, profile)}


@iam.operation()
def get_instance_profile(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Show a profile and its role."""
    return {"InstanceProfile": show_profile(call, _find(call, parameters))}


@iam.operation()
def list_instance_profiles(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's profiles."""
    page, more = list_page(call, parameters, PROFILE)
    return {"InstanceProfiles": [show_profile(call, profile) for profile in page], **more}


@iam.operation()
def list_instance_profiles_for_role(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the profiles that have a role."""
    role = find_role(call, parameters["RoleName"])
    profiles = iam_catalog(call).find(Query(PROFILE, owners=(call.account.id,)))
    having = [show_profile(call, profile) for profile in profiles if profile.inner.get("role") == role.id]
    return {"InstanceProfiles": having, **following({})}


@iam.operation()
def add_role_to_instance_profile(call: Call, parameters: dict[str, Any]) -> None:
    """Give a profile its role. The caller must be allowed as much as the role."""
    catalog, profile = iam_catalog(call), _find(call, parameters)
    role = find_role(call, parameters["RoleName"])
    if profile.inner.get("role"):
        raise AwsError("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1", status=409)
    require_power(call, power_of(catalog, role))
    catalog.save(profile.knowing(role=role.id))


@iam.operation()
def remove_role_from_instance_profile(call: Call, parameters: dict[str, Any]) -> None:
    """Take its role from a profile."""
    profile, role = _find(call, parameters), find_role(call, parameters["RoleName"])
    if profile.inner.get("role") != role.id:
        raise no_such(f"The role with name {parameters['RoleName']} is not in the instance profile.")
    iam_catalog(call).save(profile.knowing(role=None))


@iam.operation()
def delete_instance_profile(call: Call, parameters: dict[str, Any]) -> None:
    """Remove a profile that has no role."""
    profile = _find(call, parameters)
    if profile.inner.get("role"):
        raise AwsError("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
    iam_catalog(call).remove(profile)


@iam.operation()
def tag_instance_profile(call: Call, parameters: dict[str, Any]) -> None:
    """Put tags on a profile."""
    catalog, profile, tags = iam_catalog(call), _find(call, parameters), parse_tags(parameters["Tags"])
    require_room({**catalog.tags(profile), **tags})
    catalog.tag(profile, tags)


@iam.operation()
def untag_instance_profile(call: Call, parameters: dict[str, Any]) -> None:
    """Take tags off a profile."""
    iam_catalog(call).untag(_find(call, parameters), parameters["TagKeys"])


@iam.operation()
def list_instance_profile_tags(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List a profile's tags."""
    return {"Tags": show_tags(iam_catalog(call).tags(_find(call, parameters))), **following({})}


def _find(call: Call, parameters: dict[str, Any]) -> Resource:
    name = parameters["InstanceProfileName"]
    profile = iam_catalog(call).named(PROFILE, name.lower())
    if profile is None:
        raise no_such(f"Instance Profile {name} cannot be found.")
    return profile
