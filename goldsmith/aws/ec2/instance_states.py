"""Instances started, stopped, rebooted and terminated."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.aws.capacity import require_capacity
from goldsmith.aws.ec2.ids import missing, require_form
from goldsmith.aws.ec2.instance_jobs import (
    USER_SHUTDOWN,
    reboot_instance,
    start_instance,
    stop_instance,
    terminate_instance,
)
from goldsmith.aws.ec2.instances import GONE, state_of
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource


@ec2.operation(role="launcher")
def start_instances(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Start stopped instances; those that run stay as they are."""
    changes = []
    for instance in _require_all(call, parameters):
        if instance.state in {"running", "pending"}:
            changes.append(_change(instance, instance.state))
            continue
        if instance.state != "stopped":
            raise _incorrect(instance, "started")
        require_capacity(call, int(instance.inner["memory"]), 1, 1)
        call.catalog.save(
            instance.having(
                state="pending",
                LaunchTime=iso(call.now),
                StateReason={"Code": "pending", "Message": "pending"},
                StateTransitionReason="",
            )
        )
        call.later(partial(start_instance, call.cloud, call.account, call.region, instance.id))
        changes.append(_change(instance, "pending"))
    return {"StartingInstances": changes}


@ec2.operation(role="launcher", deviation="Hibernation is refused.")
def stop_instances(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Stop running instances: the guest shuts down, and is switched off if it does not."""
    if parameters.get("Hibernate"):
        raise AwsError("UnsupportedHibernationConfiguration", "Instances cannot hibernate here.")
    changes = []
    force = bool(parameters.get("Force"))
    for instance in _require_all(call, parameters):
        if instance.state in {"stopped", "stopping"} and not force:
            changes.append(_change(instance, instance.state))
            continue
        if instance.state not in {"running", "stopping", "stopped"}:
            raise _incorrect(instance, "stopped")
        if instance.inner["attributes"]["DisableApiStop"]:
            raise _protected(instance, "stopped", "disableApiStop")
        if instance.state != "stopped":
            call.catalog.save(_leaving(call, instance, "stopping"))
            call.later(partial(stop_instance, call.cloud, call.account, call.region, instance.id, force=force))
        changes.append(_change(instance, "stopped" if instance.state == "stopped" else "stopping"))
    return {"StoppingInstances": changes}


@ec2.operation(role="launcher")
def reboot_instances(call: Call, parameters: dict[str, Any]) -> None:
    """Reboot running instances."""
    for instance in _require_all(call, parameters):
        if instance.state != "running":
            raise _incorrect(instance, "rebooted")
        call.later(partial(reboot_instance, call.cloud, call.account, call.region, instance.id))


@ec2.operation(role="launcher")
def terminate_instances(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """End instances for good."""
    changes = []
    for instance in _require_all(call, parameters):
        if instance.state in GONE:
            changes.append(_change(instance, instance.state))
            continue
        if instance.inner["attributes"]["DisableApiTermination"]:
            raise _protected(instance, "terminated", "disableApiTermination")
        call.catalog.save(_leaving(call, instance, "shutting-down"))
        call.later(partial(terminate_instance, call.cloud, call.account, call.region, instance.id))
        changes.append(_change(instance, "shutting-down"))
    return {"TerminatingInstances": changes}


def _require_all(call: Call, parameters: dict[str, Any]) -> list[Resource]:
    ids = tuple(dict.fromkeys(parameters["InstanceIds"]))
    require_form("instance", *ids)
    found = {each.id: each for each in call.catalog.find(Query("instance", ids=ids, owners=(call.account.id,)))}
    if gone := [identifier for identifier in ids if identifier not in found]:
        raise missing("instance", gone)
    return [found[identifier] for identifier in ids]


def _leaving(call: Call, instance: Resource, state: str) -> Resource:
    when = time.strftime("%Y-%m-%d %H:%M:%S GMT", time.gmtime(call.now))
    return instance.having(state=state, StateReason=USER_SHUTDOWN, StateTransitionReason=f"User initiated ({when})")


def _change(instance: Resource, to: str) -> dict[str, Any]:
    return {"InstanceId": instance.id, "PreviousState": state_of(instance.state), "CurrentState": state_of(to)}


def _incorrect(instance: Resource, done: str) -> AwsError:
    return AwsError(
        "IncorrectInstanceState", f"The instance '{instance.id}' is not in a state from which it can be {done}."
    )


def _protected(instance: Resource, done: str, attribute: str) -> AwsError:
    return AwsError(
        "OperationNotPermitted",
        f"The instance '{instance.id}' may not be {done}. Modify its '{attribute}' instance attribute and try again.",
    )
