"""Who may make volumes of a snapshot: DescribeSnapshotAttribute, ModifySnapshotAttribute, ResetSnapshotAttribute."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.ec2.public_access import require_public_snapshots
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.catalog.resources import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from goldsmith.aws.call import Call

PERMISSION = "createVolumePermission"
PRODUCT_CODES = "productCodes"


@ec2.operation()
def describe_snapshot_attribute(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Show with whom a snapshot is shared, or its product codes."""
    snapshot = owned(call, "snapshot", parameters["SnapshotId"])
    if _attribute(parameters) == PRODUCT_CODES:
        return {"SnapshotId": snapshot.id, "ProductCodes": snapshot.document.get("ProductCodes", [])}
    permissions = [
        {"Group": grantee} if grantee == EVERYBODY else {"UserId": grantee}
        for grantee in call.catalog.grantees(snapshot)
    ]
    return {"SnapshotId": snapshot.id, "CreateVolumePermissions": permissions}


@ec2.operation()
def modify_snapshot_attribute(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Share a snapshot with accounts or everybody, or no longer."""
    snapshot = owned(call, "snapshot", parameters["SnapshotId"])
    if parameters.get("Attribute") and _attribute(parameters) != PERMISSION:
        raise AwsError("InvalidParameterValue", "Only createVolumePermission can be modified.")
    changes = parameters.get("CreateVolumePermission") or {}
    add, remove = _listed(changes.get("Add")), _listed(changes.get("Remove"))
    named = {*(parameters.get("UserIds") or ()), *_groups(parameters.get("GroupNames") or ())}
    if named and parameters.get("OperationType") not in {"add", "remove"}:
        raise AwsError("MissingParameter", "The request must contain the parameter OperationType")
    if parameters.get("OperationType") == "add":
        add |= named
    else:
        remove |= named
    if not add and not remove:
        raise AwsError("MissingParameter", "The request must contain the parameter CreateVolumePermission")
    for grantee in add | remove:
        if grantee != EVERYBODY and not re.fullmatch(r"[0-9]{12}", grantee):
            raise AwsError("InvalidUserID.Malformed", f'Invalid user id: "{grantee[:200]}"')
    if add & remove:
        raise AwsError("InvalidParameterCombination", "The same permission cannot be added and removed.")
    if EVERYBODY in add:
        require_public_snapshots(call)
    call.catalog.share(snapshot, add=add, remove=remove)
    return {"Return": True}


@ec2.operation()
def reset_snapshot_attribute(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Share a snapshot with nobody."""
    snapshot = owned(call, "snapshot", parameters["SnapshotId"])
    if _attribute(parameters) != PERMISSION:
        raise AwsError("InvalidParameterValue", "Only createVolumePermission can be reset.")
    call.catalog.share(snapshot, remove=call.catalog.grantees(snapshot))
    return {"Return": True}


def _attribute(parameters: Mapping[str, Any]) -> str:
    """Return the attribute asked for; its case does not matter."""
    asked = str(parameters["Attribute"])
    for known in (PERMISSION, PRODUCT_CODES):
        if asked.lower() == known.lower():
            return known
    raise AwsError("InvalidParameterValue", f"Value ({asked[:200]}) for parameter attribute is invalid.")


def _listed(permissions: Iterable[Mapping[str, str]] | None) -> set[str]:
    found = set()
    for permission in permissions or ():
        if permission.get("UserId"):
            found.add(permission["UserId"])
        if permission.get("Group"):
            found |= _groups([permission["Group"]])
    return found


def _groups(names: Iterable[str]) -> set[str]:
    if unknown := [name for name in names if name != "all"]:
        raise AwsError("InvalidParameterValue", f"There is no group {unknown[0][:200]}; the only one is all.")
    return {EVERYBODY} if names else set()
