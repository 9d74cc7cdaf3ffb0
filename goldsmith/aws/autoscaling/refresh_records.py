"""Instance refreshes as the catalogue keeps them, and as answers show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from goldsmith.aws.autoscaling.refresh_planning import ACTIVE, Refresh
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource

    Item = dict[str, Any]

REFRESH = "instance-refresh"
_KEPT = TypeAdapter(Refresh)


def active_refresh(catalog: Catalog, group: Resource) -> Resource | None:
    """Return a group's refresh that is not over."""
    query = Query(REFRESH, names=(group.id,), states=ACTIVE, owners=(group.account,))
    return next(catalog.find(query), None)


def read_refresh(record: Resource) -> Refresh:
    """Return where a refresh stands."""
    return _KEPT.validate_python(record.inner["refresh"])


def written(record: Resource, refresh: Refresh, now: float) -> Resource:
    """Return the record of a refresh with where it stands; it has ended when it is over."""
    ended = None if refresh.is_active else iso(now)
    return record.knowing(refresh=_KEPT.dump_python(refresh, mode="json")).having(state=refresh.status, EndTime=ended)


def show_refresh(record: Resource) -> Item:
    """Return a refresh as DescribeInstanceRefreshes shows it."""
    refresh = read_refresh(record)
    item = {
        **record.document,
        "InstanceRefreshId": record.id,
        "Status": refresh.status,
        "StatusReason": refresh.reason or None,
        "PercentageComplete": refresh.percentage,
        "InstancesToUpdate": refresh.to_update,
    }
    if refresh.rolled_back_at is not None:
        item["RollbackDetails"] = {
            "RollbackReason": record.inner.get("rollback_reason") or refresh.reason,
            "RollbackStartTime": iso(refresh.rolled_back_at),
            "PercentageCompleteOnRollback": refresh.percentage_before,
            "InstancesToUpdateOnRollback": refresh.to_update_before,
        }
    return item


def target_of(group: Resource, record: Resource | None) -> Item:
    """Return what a group's instances are launched from now: what a refresh leads to, while it goes there."""
    if record is not None and record.state in {"Pending", "InProgress", "Baking"}:
        desired = record.document.get("DesiredConfiguration")
        if desired:
            return dict(desired)
    return {name: group.document[name] for name in ("LaunchTemplate", "MixedInstancesPolicy") if name in group.document}
