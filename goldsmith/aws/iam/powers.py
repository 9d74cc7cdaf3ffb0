"""What a role's credentials may do here: as much as one of the house's own roles, which a tag on it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from goldsmith.aws.errors import AwsError
from goldsmith.catalog.accounts import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.accounts import Role
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource

TAG = "goldsmith:role"
LEAST: Role = "reader"

DEVIATION = (
    "Policy documents are kept and shown and not evaluated: a role's credentials may do what the tag goldsmith:role on "
    "it names (reader, launcher, builder or admin), without it what a reader may."
)


def power_of(catalog: Catalog, role: Resource) -> Role:
    """Return which of the house's roles an IAM role stands for; ``catalog`` is IAM's."""
    named = catalog.tags(role).get(TAG, LEAST)
    return next((role for role in ROLES if role == named), LEAST)


def require_power(call: Call, power: str) -> None:
    """Raise AwsError when the caller may do less itself: nobody hands out more than they have."""
    if ROLES.index(cast("Role", power)) > ROLES.index(call.caller.role):
        message = (
            f"User: {call.caller.arn} is not authorized to perform: iam:PassRole on a role that stands for {power}; "
            f"this key has {call.caller.role}."
        )
        raise AwsError("UnauthorizedOperation" if call.operation.protocol == "ec2" else "AccessDenied", message)


def require_tags(call: Call, tags: Mapping[str, str]) -> None:
    """Raise AwsError when tags for a role name a power that there is not, or more than the caller has."""
    power = tags.get(TAG)
    if power is None:
        return
    if power not in ROLES:
        raise AwsError("InvalidInput", f"The tag {TAG} is one of {', '.join(ROLES)}, not {power[:64]}.")
    require_power(call, power)
