"""Lifecycle policies (2.13, 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder.documents import read_members
from goldsmith.aws.imagebuilder.refusals import contradictory
from goldsmith.documents.lifecycle import LifecyclePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call

NOT_SHOWN = ("clientToken", "tags", "dryRun", "name", "lifecyclePolicyArn")
KEPT = ("dateLastRun",)


def describe(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a lifecycle policy."""
    read_members(call.operation, LifecyclePolicy, {"name": "any name", **parameters})
    document = {name: value for name, value in parameters.items() if name not in NOT_SHOWN}
    return {"status": "ENABLED", **document}


def keep(call: Call, before: Mapping[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what an update leaves as it was; refuse one to another type of resource."""
    if before["resourceType"] != after["resourceType"]:
        raise contradictory(
            call.operation, f"The resourceType of a lifecycle policy cannot change; it is {before['resourceType']}."
        )
    return {name: before[name] for name in KEPT if name in before}
