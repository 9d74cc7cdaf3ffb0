"""Scaling activities: what was done to a group, why, and what came of it."""

from __future__ import annotations

import uuid
from itertools import islice
from typing import TYPE_CHECKING, Any

from goldsmith.aws.autoscaling.group_records import arn_of, find_group
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import autoscaling
from goldsmith.aws.pagination import paginate
from goldsmith.aws.wire.times import iso, seconds
from goldsmith.catalog.resources import Query, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from goldsmith.aws.call import Call

    Item = dict[str, Any]

ACTIVITY = "scaling-activity"
LONGEST_MESSAGE = 255

KEPT = 42 * 24 * 3600.0
"""Seconds for which an activity is shown: six weeks."""

FORGOTTEN_AT_ONCE = 5


def begin(call: Call, group: Resource, description: str, cause: str) -> Resource:
    """Record an activity that is in progress."""
    _forget_old(call, group)
    document = {
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": arn_of(group),
        "Description": description,
        "Cause": f"At {iso(call.now)} {cause}",
        "StartTime": iso(call.now),
        "Progress": 50,
        "Details": "{}",
    }
    made = Resource(
        str(uuid.uuid4()), ACTIVITY, call.account.id, call.region, group.id, "InProgress", call.now, document
    )
    return call.catalog.add(made)


def end(call: Call, activity_id: str | None, state: str, message: str = "") -> None:
    """Record an activity's end: Successful, Failed or Cancelled. One that was over, or never was, is left alone."""
    activity = call.catalog.own(ACTIVITY, activity_id) if activity_id else None
    if activity is None or activity.state != "InProgress":
        return
    said = message[:LONGEST_MESSAGE] or None
    call.catalog.save(activity.having(state=state, EndTime=iso(call.now), Progress=100, StatusMessage=said))


def show_activity(activity: Resource) -> Item:
    """Return an activity as answers show it."""
    return {**activity.document, "ActivityId": activity.id, "StatusCode": activity.state}


@autoscaling.operation(deviation="Activities go with their group; those of deleted groups are not kept.")
def describe_scaling_activities(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List what was done to a group, or to all, the newest first."""
    name = parameters.get("AutoScalingGroupName")
    ids = tuple(parameters.get("ActivityIds") or ())
    names = (find_group(call, name).id,) if name else ()
    wanted = _wanted(parameters.get("Filters") or ())
    found = list(call.catalog.find(Query(ACTIVITY, ids=ids, names=names, owners=(call.account.id,))))

    def items(after: Any) -> Iterator[Resource]:
        return (each for each in reversed(found) if wanted(each) and (after is None or each.position < after))

    page, more = paginate(call, parameters, items, lambda each: each.position, default=100, most=100)
    return {"Activities": [show_activity(each) for each in page], **more}


def _wanted(filters: Sequence[Mapping[str, Any]]) -> Callable[[Resource], bool]:
    """Return what tells whether an activity passes a request's filters. Raises AwsError for one that is unknown."""
    asked = {str(each.get("Name")): list(each.get("Values") or ()) for each in filters}
    if unknown := set(asked) - {"Status", "StartTimeLowerBound", "StartTimeUpperBound"}:
        raise AwsError("ValidationError", f"The filter {min(unknown)[:100]} is not valid.")
    try:
        low = min(map(seconds, asked.get("StartTimeLowerBound", ())), default=0.0)
        high = max(map(seconds, asked.get("StartTimeUpperBound", ())), default=float("inf"))
    except ValueError as wrong:
        raise AwsError("ValidationError", "A start time takes an ISO 8601 time.") from wrong
    states = asked.get("Status")
    return lambda each: low <= each.created <= high and (states is None or each.state in states)


def _forget_old(call: Call, group: Resource) -> None:
    query = Query(ACTIVITY, names=(group.id,), owners=(call.account.id,))
    for old in islice(call.catalog.find(query, batch=FORGOTTEN_AT_ONCE), FORGOTTEN_AT_ONCE):
        if old.created < call.now - KEPT:
            call.catalog.remove(old)
