"""What a server does by itself: instances that ended are noted, checks made, what is over taken away."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Self

from goldsmith.aws.autoscaling.keeper import reconcile
from goldsmith.aws.baked_images import adopt
from goldsmith.aws.collecting import keep_tidy
from goldsmith.aws.ebs.uploads import expire as expire_uploads
from goldsmith.aws.ec2.expiry import expire as expire_recycled
from goldsmith.aws.ec2.instance_jobs import (
    note_ending,
    push_metadata,
    start_instance,
    stop_instance,
    terminate_instance,
)
from goldsmith.aws.ec2.volume_jobs import delete_volume, make_volume
from goldsmith.catalog.resources import every
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.resources import Resource

log = logging.getLogger(__name__)

PACE = 1.0
"""Seconds between two looks at the instances."""

CHECK_PACE = 60.0
"""Seconds between two checks of an instance that passed the last one; one that did not is checked at each look."""

KEPT_TERMINATED = 3600.0
"""Seconds that a terminated instance is still shown (EC2 user guide, "Terminate your instance")."""

CREDENTIALS_PACE = 3600.0
"""Seconds after which an instance gets fresh credentials of its role; each live six hours."""

MINUTE = 60.0
HOUR = 3600.0


class Upkeep:
    """Looks after a cloud in a thread of its own while the with block lasts."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="upkeep")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        due = dict.fromkeys(TASKS, 0.0)
        while not self._ended.wait(PACE):
            for task, pace in TASKS.items():
                now = self.cloud.clock()
                if now < due[task]:
                    continue
                due[task] = now + pace
                try:
                    task(self.cloud)
                except Exception:
                    log.exception("The upkeep's %s failed", task.__name__)


def look_after_instances(cloud: Cloud) -> None:
    """Note which running instances ended, check those that run, forget those that ended long ago."""
    with cloud.database.reading() as connection:
        instances = list(every(connection, "instance", states=("running", "terminated")))
    for instance in instances:
        try:
            if instance.state == "running":
                _look_at(cloud, instance)
            else:
                _forget(cloud, instance)
        except GoldsmithError as failed:  # it may just be ending; the next look tells
            log.info("Instance %s could not be looked after: %s", instance.id, failed)


def resume_instances(cloud: Cloud) -> None:
    """Take up what a server that was killed had promised of instances and volumes."""
    cloud.instances.sweep()
    with cloud.database.reading() as connection:
        instances = list(every(connection, "instance", states=("pending", "stopping", "shutting-down")))
        volumes = list(every(connection, "volume", states=("creating", "deleting")))
    for volume in volumes:
        work = make_volume if volume.state == "creating" else delete_volume
        cloud.submit(partial(work, cloud, volume.account, volume.region, volume.id))
    for instance in instances:
        jobs: dict[str, Callable[..., None]] = {
            "pending": start_instance,
            "stopping": partial(stop_instance, force=False),
            "shutting-down": terminate_instance,
        }
        cloud.submit(partial(jobs[instance.state], cloud, instance.account, instance.region, instance.id))


def _look_at(cloud: Cloud, instance: Resource) -> None:
    status = cloud.instances.status(instance.id)
    if status.state == "stopped":
        if cloud.is_locked(instance.id):
            return
        note_ending(cloud, instance.account, instance.region, instance, status.message, guest=status.reason == "guest")
        return
    now = cloud.clock()
    checks = instance.inner["status"]
    if checks["instance"] == "passed" and now - instance.inner.get("checked", 0) < CHECK_PACE:
        return
    answer = cloud.instances.reachable(instance.id)
    if "not-applicable" in {answer.system, answer.instance}:
        return
    found = {"system": answer.system, "instance": answer.instance}
    with cloud.catalog(instance.account, instance.region) as catalog:
        current = catalog.own("instance", instance.id)
        if current is None or current.state != "running":
            return
        impaired = current.inner.get("impaired_since", now) if "failed" in found.values() else None
        renews = "IamInstanceProfile" in current.document and now - current.inner.get("renewed", 0) > CREDENTIALS_PACE
        renewed = {"renewed": now} if renews else {}
        catalog.save(current.knowing(status=found, checked=now, impaired_since=impaired, **renewed))
    if renews:
        push_metadata(cloud, instance.account, instance.region, instance.id)


def _forget(cloud: Cloud, instance: Resource) -> None:
    with cloud.catalog(instance.account, instance.region) as catalog:
        current = catalog.own("instance", instance.id)
        if current is not None and cloud.clock() - float(current.inner.get("ended_at", 0)) > KEPT_TERMINATED:
            catalog.remove(current)


TASKS: dict[Callable[[Cloud], object], float] = {
    look_after_instances: PACE,
    reconcile: PACE,
    adopt: MINUTE,
    expire_uploads: MINUTE,
    expire_recycled: MINUTE,
    keep_tidy: HOUR,
}
"""What the upkeep does, and how many seconds lie between two times."""
