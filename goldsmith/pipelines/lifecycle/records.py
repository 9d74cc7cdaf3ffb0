"""A lifecycle execution's records: the execution itself, a row for each image, and for each AMI of an image.

An execution's rows tell what is to be done before any of it is, so that one that a kill cut short is taken up where
it was. Kinds in the catalogue: ``lifecycle-execution`` (named after its policy, or the image that it was asked for) and
``lifecycle-resource``, whose name is the execution's id, for AMIs followed by the image's ARN.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import Query, Resource
from goldsmith.pipelines.moments import iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goldsmith.catalog.catalog import Catalog

EXECUTION = "lifecycle-execution"
ROW = "lifecycle-resource"
UNFINISHED = ("PENDING", "IN_PROGRESS", "CANCELLING")
RUNNING = "IN_PROGRESS"
KEPT = 90 * 24 * 3600.0
"""Seconds that a policy's executions are kept."""


@dataclass(frozen=True)
class AmiPlan:
    """What is to become of one AMI; ``skipped`` is which exclusion it is left alone by."""

    account: str
    region: str
    id: str
    snapshots: tuple[str, ...] = ()
    skipped: str = ""


@dataclass(frozen=True)
class ImagePlan:
    """What is to become of one image: DEPRECATE, DISABLE, DELETE or AVAILABLE, why, and what of its AMIs.

    ``containers`` are the URIs of container images that are to go. ``deprecate_at`` is when AMIs become deprecated, in
    seconds, where it is not at once.
    """

    image: Resource
    action: str
    reason: str
    amis: tuple[AmiPlan, ...] = ()
    containers: tuple[str, ...] = ()
    deprecate_at: float | None = None


def add_execution(catalog: Catalog, name: str, now: float, *, policy: str = "") -> Resource:
    """Write down an execution, PENDING and without rows yet."""
    identifier = f"lce-{uuid.uuid4()}"
    document: dict[str, Any] = {
        "lifecycleExecutionId": identifier,
        "resourcesImpactedSummary": {"hasImpactedResources": False},
        "state": {"status": "PENDING"},
        "startTime": iso(now),
        **({"lifecyclePolicyArn": policy} if policy else {}),
    }
    account, region = catalog.account.id, catalog.region
    execution = Resource(identifier, EXECUTION, account, region, name, "PENDING", now, document, {"beat": now})
    return catalog.add(execution)


def add_plans(catalog: Catalog, execution: Resource, plans: Sequence[ImagePlan], now: float) -> None:
    """Write down the rows of some plans; each image knows of the execution from then on.

    An image that is gone, or in another execution, has no row.
    """
    for plan in plans:
        image = catalog.own(plan.image.kind, plan.image.id)
        if image is None or running_execution(catalog, image):
            continue
        _add_rows(catalog, execution.id, plan, now)
        known = [*image.inner.get("lifecycle", ()), execution.id]
        catalog.save(image.having(lifecycleExecutionId=execution.id).knowing(lifecycle=known))
    catalog.save((catalog.own(EXECUTION, execution.id) or execution).knowing(beat=now))


def running_execution(catalog: Catalog, image: Resource) -> str:
    """Return the id of the lifecycle execution that an image is in now; "" for none."""
    identifier = image.document.get("lifecycleExecutionId", "")
    execution = catalog.own(EXECUTION, identifier) if identifier else None
    return identifier if execution and execution.state in UNFINISHED else ""


def image_rows(catalog: Catalog, execution: str, *, states: tuple[str, ...] = ()) -> Iterator[Resource]:
    """Yield an execution's rows of images, in some states or all."""
    return catalog.find(Query(ROW, names=(execution,), states=states, owners=(catalog.account.id,)))


def ami_rows(catalog: Catalog, execution: str, image: str) -> Iterator[Resource]:
    """Yield an execution's rows of an image's AMIs."""
    return image_rows(catalog, f"{execution} {image}")


def in_status(record: Resource, status: str, reason: str = "") -> Resource:
    """Return an execution or a row with another status."""
    state = {"status": status, **({"reason": reason[:1024]} if reason else {})}
    return replace(record, state=status, document={**record.document, "state": state})


def ended(record: Resource, status: str, now: float, reason: str = "") -> Resource:
    """Return an execution or a row that is over."""
    return in_status(record, status, reason).having(endTime=iso(now))


def forget_old(catalog: Catalog, policy: str, now: float) -> None:
    """Remove a policy's executions that ended long ago."""
    for execution in catalog.find(Query(EXECUTION, names=(policy,), owners=(catalog.account.id,))):
        if execution.state in UNFINISHED or execution.created > now - KEPT:
            return
        remove_execution(catalog, execution)


def remove_execution(catalog: Catalog, execution: Resource) -> None:
    """Remove an execution and its rows."""
    for row in image_rows(catalog, execution.id):
        catalog.remove_named(ROW, f"{execution.id} {row.document['resourceId']}")
    catalog.remove_named(ROW, execution.id)
    catalog.remove(execution)


def _add_rows(catalog: Catalog, execution: str, plan: ImagePlan, now: float) -> None:
    action = {"name": plan.action, "reason": plan.reason}
    document: dict[str, Any] = {
        "resourceId": plan.image.id,
        "accountId": catalog.account.id,
        "region": catalog.region,
        "action": action,
        "startTime": iso(now),
        **({"imageUris": list(plan.containers)} if plan.containers else {}),
    }
    inner = {"from": plan.image.state, "deprecate_at": plan.deprecate_at}
    _add_row(catalog, f"{execution} {plan.image.id}", execution, document, inner, {"status": RUNNING})
    for ami in plan.amis:
        state = {"status": "SKIPPED", "reason": ami.skipped} if ami.skipped else {"status": RUNNING}
        document = {
            "resourceId": ami.id,
            "accountId": ami.account,
            "region": ami.region,
            "action": action,
            "snapshots": [{"snapshotId": each, "state": state} for each in ami.snapshots],
            "startTime": iso(now),
            **({"endTime": iso(now)} if ami.skipped else {}),
        }
        name = f"{execution} {plan.image.id}"
        _add_row(catalog, f"{name} {ami.id}", name, document, inner, state)


def _add_row(
    catalog: Catalog,
    identifier: str,
    name: str,
    document: dict[str, Any],
    inner: dict[str, Any],
    state: dict[str, str],
) -> None:
    shown = {**document, "state": state}
    row = Resource(identifier, ROW, catalog.account.id, catalog.region, name, state["status"], 0.0, shown, inner)
    catalog.add(row)
