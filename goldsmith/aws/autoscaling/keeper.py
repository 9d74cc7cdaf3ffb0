"""The keeper of all groups: it looks at each, plans, and does what was planned; a server's upkeep calls it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from goldsmith.aws.autoscaling.activities import ACTIVITY, end
from goldsmith.aws.autoscaling.group_records import GROUP, changed_member, members_of, settings_of, version_of
from goldsmith.aws.autoscaling.launch_specifications import offers
from goldsmith.aws.autoscaling.launches import launch, terminate
from goldsmith.aws.autoscaling.planning import EnterService, Forget, Launch, Terminate, plan
from goldsmith.aws.autoscaling.refresh_planning import step
from goldsmith.aws.autoscaling.refresh_records import REFRESH, active_refresh, read_refresh, target_of, written
from goldsmith.aws.call import Call
from goldsmith.aws.errors import AwsError
from goldsmith.aws.models import Operation, find_operation
from goldsmith.catalog.accounts import Credential
from goldsmith.catalog.resources import every

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.autoscaling.planning import Action
    from goldsmith.aws.autoscaling.refresh_planning import Refresh
    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.accounts import Role
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource

log = logging.getLogger(__name__)

USER = "assumed-role/AWSServiceRoleForAutoScaling/AutoScaling"
MOST_AT_ONCE = 20
"""Instances that a group launches in one transaction; the others follow at the next look."""

PASSING = {"InsufficientInstanceCapacity", "InsufficientFreeAddressesInSubnet", "RequestLimitExceeded", "InternalError"}
"""Refusals of a launch that time may mend."""


def reconcile(cloud: Cloud) -> None:
    """Bring every account's groups a step nearer to what they should be; to be called again and again.

    What goes wrong with one group is logged, and keeps nobody from the others.
    """
    with cloud.database.reading() as connection:
        groups = list(every(connection, GROUP))
    for group in groups:
        try:
            tend(cloud, group)
        except Exception:
            log.exception("The Auto Scaling group %s of %s could not be tended", group.name, group.account)


def tend(cloud: Cloud, group: Resource) -> None:
    """Bring one group a step nearer. Plans and what is done of them are in the catalogue together, or not at all."""
    with cloud.catalog(group.account, group.region, writes=False) as catalog:
        if not _is_due(catalog, group, cloud.clock()):
            return
    with cloud.catalog(group.account, group.region) as catalog:
        current = catalog.own(GROUP, group.id)
        if current is None:
            return
        call = _call(cloud, catalog, current.inner["power"])
        _advance(call, current)
    for job in call.jobs:
        cloud.submit(job)


def _call(cloud: Cloud, catalog: Catalog, power: Role) -> Call:
    """Return the house's own call in a group's account, which may do no more than who made the group."""
    caller = Credential("", "", catalog.account, USER, power)
    return Call(_operation(), caller, catalog.region, cloud, catalog, "", cloud.clock())


def _operation() -> Operation:
    found = find_operation("ec2", "RunInstances")
    if found is None:
        raise LookupError("The EC2 model has no RunInstances.")
    return found


def _is_due(catalog: Catalog, group: Resource, now: float) -> bool:
    """Tell whether there is anything to do or to note for a group."""
    if group.inner.get("deleting") and not group.inner["members"]:
        return True
    record = active_refresh(catalog, group)
    refresh = read_refresh(record) if record else None
    following, actions = _planned(catalog, group, refresh, "", now)
    return bool(actions) or following != refresh


def _planned(
    catalog: Catalog, group: Resource, refresh: Refresh | None, version: str, now: float
) -> tuple[Refresh | None, Sequence[Action]]:
    members = members_of(catalog, group)
    settings = settings_of(group, version=version)
    if refresh is None or settings.deleting:
        return refresh, plan(settings, members, now)
    return step(refresh, settings, members, now)


def _advance(call: Call, group: Resource) -> None:
    record = active_refresh(call.catalog, group)
    refresh = read_refresh(record) if record else None
    following, actions = _planned(call.catalog, group, refresh, _version(call, group, record), call.now)
    if record is not None and following is not None:
        if following.rolled_back_at is not None and refresh is not None and refresh.rolled_back_at is None:
            record = record.knowing(rollback_reason=following.reason)
        record = written(record, following, call.now)
        if following.status == "Successful":
            group = _reconfigured(group, record)
    for action in actions:
        group, refusal = _do(call, group, record, action)
        if following is not None and isinstance(action, Launch):
            following = _told(following, refusal, call.now)
    if record is not None and following is not None:
        call.catalog.save(written(record, following, call.now))
    if group.inner.get("deleting") and not group.inner["members"]:
        for kind in (ACTIVITY, REFRESH):
            call.catalog.remove_named(kind, group.id)
        call.catalog.remove(group)
    else:
        call.catalog.save(group)


def _do(call: Call, group: Resource, record: Resource | None, action: Action) -> tuple[Resource, AwsError | None]:
    """Do one thing, and return the group after it; a launch may be refused."""
    if isinstance(action, Launch):
        target = target_of(group, record)
        for _ in range(min(action.count, MOST_AT_ONCE)):
            launched = launch(call, group, target, action.cause)
            group = launched.group
            if launched.refusal:
                return group, launched.refusal
        return group, None
    if isinstance(action, Terminate):
        return terminate(call, group, action.id, action.cause, unhealthy=action.unhealthy), None
    activity = group.inner["members"][action.id].get("activity")
    if isinstance(action, EnterService):
        end(call, activity, "Successful")
        return changed_member(group, action.id, in_service=call.now), None
    lost = isinstance(action, Forget) and action.lost
    end(call, activity, "Failed" if lost else "Successful", "The instance ended by itself." if lost else "")
    members = {identifier: each for identifier, each in group.inner["members"].items() if identifier != action.id}
    return group.knowing(members=members), None


def _told(refresh: Refresh, refusal: AwsError | None, now: float) -> Refresh:
    """Return a refresh that knows how its launches go."""
    if refusal is None:
        return replace(refresh, launch_failing=None)
    if refusal.code in PASSING:
        return replace(refresh, launch_failing=refresh.launch_failing or now)
    return replace(refresh, launch_refusal=f"{refusal.code}: {refusal.message}")


def _version(call: Call, group: Resource, record: Resource | None) -> str:
    """Return what a launch would be made from now, "" where that leads nowhere."""
    try:
        [first, *_] = offers(call, target_of(group, record))
    except AwsError:
        return ""
    return version_of({"template": first.template})


def _reconfigured(group: Resource, record: Resource) -> Resource:
    """Return a group that launches from now on what its refresh led to."""
    desired = record.document.get("DesiredConfiguration")
    if not desired:
        return group
    return group.having(**{name: desired.get(name) for name in ("LaunchTemplate", "MixedInstancesPolicy")})
