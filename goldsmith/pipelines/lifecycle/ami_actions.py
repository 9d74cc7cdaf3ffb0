"""An action on one AMI, by EC2's own operations; each may be done twice and has then been done once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.lifecycle.access import require_lifecycle_access
from goldsmith.pipelines.moments import iso
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.world import World

MARK = {"Key": "DeprecatedBy", "Value": "EC2 Image Builder"}
GONE = ("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidSnapshot.NotFound")
IN_USE = "InvalidSnapshot.InUse"
AT_AWS = "It is in a region of AWS's own, where lifecycle policies of this server change nothing."


def apply(world: World, row: Resource) -> Mapping[str, Any]:
    """Do a row's action to its AMI; return the members of the row's document that tell how it went.

    What EC2 refuses, or the AMI's account has not agreed to, becomes FAILED with the reason. An AMI that is gone is
    what it should be. Snapshots that something else is made of are SKIPPED, and so are AMIs at AWS: what excludes them
    from an action, and their snapshots, are known there only.
    """
    document = row.document
    if world.connection(row.account, document["region"]):
        return {"state": {"status": "SKIPPED", "reason": AT_AWS}}
    ami = _Ami(world, row.account, document["accountId"], document["region"], document["resourceId"])
    try:
        ami.require_agreement()
        snapshots = _ACTIONS[document["action"]["name"]](ami, row)
    except GoldsmithError as refused:
        if getattr(refused, "code", "") in GONE:
            return {"state": {"status": "SUCCESS"}}
        return {"state": {"status": "FAILED", "reason": refused.message[:1024]}}
    return {"state": {"status": "SUCCESS"}, **({"snapshots": snapshots} if snapshots else {})}


class _Ami:
    """One AMI in its account and region."""

    def __init__(self, world: World, owner: str, account: str, region: str, identifier: str) -> None:
        self.world = world
        self.owner = owner
        self.account = account
        self.region = region
        self.id = identifier

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self.world.call(self.account, self.region, "ec2", operation, **parameters)

    def require_agreement(self) -> None:
        """Raise GoldsmithError unless the AMI's account is the image's, or has agreed to lifecycle actions."""
        if self.account != self.owner:
            require_lifecycle_access(self.world, self.account, self.region, self.owner)


def _deprecate(ami: _Ami, row: Resource) -> None:
    if row.inner.get("from") == "DISABLED":
        ami.call("EnableImage", ImageId=ami.id)
    at = max(ami.world.clock(), row.inner.get("deprecate_at") or 0.0)
    ami.call("EnableImageDeprecation", ImageId=ami.id, DeprecateAt=iso(at))
    ami.call("CreateTags", Resources=[ami.id], Tags=[MARK])


def _disable(ami: _Ami, _: Resource) -> None:
    ami.call("DisableImage", ImageId=ami.id)
    ami.call("DeleteTags", Resources=[ami.id], Tags=[{"Key": MARK["Key"]}])


def _make_available(ami: _Ami, row: Resource) -> None:
    if row.inner.get("from") == "DISABLED":
        ami.call("EnableImage", ImageId=ami.id)
    ami.call("DisableImageDeprecation", ImageId=ami.id)
    ami.call("DeleteTags", Resources=[ami.id], Tags=[{"Key": MARK["Key"]}])


def _delete(ami: _Ami, row: Resource) -> list[dict[str, Any]]:
    _unless_gone(ami, "DeregisterImage", ImageId=ami.id)
    return [_delete_snapshot(ami, each["snapshotId"]) for each in row.document.get("snapshots") or ()]


def _delete_snapshot(ami: _Ami, identifier: str) -> dict[str, Any]:
    state = {"status": "SUCCESS"}
    try:
        _unless_gone(ami, "DeleteSnapshot", SnapshotId=identifier)
    except RefusedError as refused:
        state = {"status": "SKIPPED" if refused.code == IN_USE else "FAILED", "reason": refused.message[:1024]}
    return {"snapshotId": identifier, "state": state}


def _unless_gone(ami: _Ami, operation: str, **parameters: Any) -> None:
    try:
        ami.call(operation, **parameters)
    except RefusedError as refused:
        if refused.code not in GONE:
            raise


_ACTIONS: dict[str, Any] = {
    "DEPRECATE": _deprecate,
    "DISABLE": _disable,
    "DELETE": _delete,
    "AVAILABLE": _make_available,
}
