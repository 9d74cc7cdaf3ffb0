"""Launch permissions: whom an AMI is shared with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import seen
from goldsmith.aws.ec2.image_deprecation import made_private, made_public
from goldsmith.aws.ec2.public_access import require_public_images
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.catalog.resources import EVERYBODY, LISTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

MOST = 1000
"""Accounts, organisations and units that one AMI is shared with (EC2 service quotas)."""


@dataclass(frozen=True)
class Grant:
    """A kind of grantee: its member in a permission, the legacy list of them, its item type in refusals, its form."""

    member: str
    legacy: str
    item: str
    form: str


GRANTS = (
    Grant("UserId", "UserIds", "userId", r"[0-9]{12}"),
    Grant("Group", "UserGroups", "group", "all"),
    Grant(
        "OrganizationArn",
        "OrganizationArns",
        "organizationArn",
        r"arn:[\w-]+:organizations::[0-9]{12}:organization/o-[a-z0-9]{10,32}",
    ),
    Grant(
        "OrganizationalUnitArn",
        "OrganizationalUnitArns",
        "organizationalUnitArn",
        r"arn:[\w-]+:organizations::[0-9]{12}:ou/o-[a-z0-9]{10,32}/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}",
    ),
)


@ec2.operation()
def cancel_image_launch_permission(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Give up that an AMI of another account is shared with the caller's."""
    image = seen(call, "image", parameters["ImageId"])
    if image.account == call.account.id or not call.catalog.refuse_share(image):
        raise AwsError("InvalidRequest", f"The image '{image.id}' is not shared with the account {call.account.id}.")
    return {"Return": True}


def asked_permissions(parameters: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Return whom a request adds and whom it removes, in its structured form and in its lists, which may be together.

    Raises AwsError for a grantee that is none.
    """
    structured = parameters.get("LaunchPermission") or {}
    add = _grantees(_items(structured.get("Add") or ()))
    remove = _grantees(_items(structured.get("Remove") or ()))
    listed = _grantees((grant, value) for grant in GRANTS for value in parameters.get(grant.legacy) or ())
    # Old clients give lists beside the structured form, without saying twice what is to be done with them.
    if parameters.get("OperationType") == "remove":
        remove |= listed
    elif parameters.get("OperationType") == "add" or listed <= add:
        add |= listed
    elif not listed <= remove:
        raise AwsError("MissingParameter", "The request must contain the parameter OperationType")
    return add, remove


def grant(call: Call, image: Resource, add: Iterable[str], remove: Iterable[str]) -> None:
    """Share an AMI of the caller's with some and no longer with others. Raises AwsError when it may not be shared."""
    there = set(call.catalog.grantees(image))
    add, remove = set(add) - there, set(remove) & (there - {LISTED})
    if add:
        _require_shareable(call, image, add)
    if len((there | add) - remove) > MOST:
        raise AwsError("ResourceLimitExceeded", f"An AMI can be shared with {MOST} accounts and organizations.")
    call.catalog.share(image, add=add, remove=remove)
    if EVERYBODY in add - remove:
        call.catalog.save(made_public(image))
    elif EVERYBODY in remove:
        call.catalog.save(made_private(image))


def show_permissions(grantees: Sequence[str]) -> list[dict[str, str]]:
    """Return launch permissions as answers show them."""
    return [{grant.member: grantee} for grantee in grantees for grant in GRANTS if re.fullmatch(grant.form, grantee)]


def _require_shareable(call: Call, image: Resource, grantees: set[str]) -> None:
    if image.state not in {"available", "pending"}:
        raise AwsError("IncorrectState", f"The image '{image.id}' is '{image.state}' and cannot be shared.")
    if EVERYBODY not in grantees:
        return
    require_public_images(call)
    if image.document.get("ProductCodes"):
        raise AwsError("OperationNotPermitted", f"The image '{image.id}' has product codes and cannot be made public.")
    if image.document.get("ImageWatermarks"):
        raise AwsError("OperationNotPermitted", f"The image '{image.id}' has watermarks and cannot be made public.")
    if any(mapping.get("Ebs", {}).get("Encrypted") for mapping in image.document.get("BlockDeviceMappings", ())):
        raise AwsError(
            "OperationNotPermitted", f"The image '{image.id}' has encrypted snapshots and cannot be made public."
        )


def _items(permissions: Iterable[Mapping[str, str]]) -> Iterable[tuple[Grant, str]]:
    return [
        (grant, permission[grant.member])
        for permission in permissions
        for grant in GRANTS
        if permission.get(grant.member)
    ]


def _grantees(items: Iterable[tuple[Grant, str]]) -> set[str]:
    found = set()
    for kind, value in items:
        if not re.fullmatch(kind.form, value):
            raise AwsError(
                "InvalidAMIAttributeItemValue",
                f'Invalid attribute item value "{value[:200]}" for {kind.item} item type.',
            )
        found.add(value)
    return found
