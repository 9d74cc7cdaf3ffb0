"""Image Builder at work: its engine, its schedules and policies, and the events that they tell."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from goldsmith.aws.call import Call
from goldsmith.aws.imagebuilder.builds import begin_pipeline
from goldsmith.aws.imagebuilder.import_outcomes import follow_imports
from goldsmith.aws.imagebuilder.pinning import pin
from goldsmith.aws.imagebuilder.planning import plan
from goldsmith.aws.imagebuilder.stored_logs import store_logs
from goldsmith.aws.imagebuilder.world import CloudWorld
from goldsmith.aws.models import find_operation
from goldsmith.pipelines.builders.live import close_all
from goldsmith.pipelines.engine.engine import Engine
from goldsmith.pipelines.events.event import SNS_NOTIFICATION
from goldsmith.pipelines.events.events import Events
from goldsmith.pipelines.events.notification import envelope, notification
from goldsmith.pipelines.lifecycle.lifecycles import Lifecycles
from goldsmith.pipelines.schedules.results import note_result
from goldsmith.pipelines.schedules.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.schedules.scheduler import Trigger

log = logging.getLogger(__name__)

GLANCE = 1.0
SCHEDULE_PACE = 5.0
DELIVERY_PACE = 2.0
TIDYING_PACE = 3600.0
POLICY_PACE = 10.0
"""Seconds between two times of each of the tasks."""


class ImageBuilder:
    """Builds a cloud's images while the with block lasts. Raises EngineError when the builds' records are unusable.

    Builds that run at its end are ``left`` where they are: the process is to end, and the next one takes them up.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.world = CloudWorld(cloud)
        self.events = Events(cloud.home, cloud.settings.webhooks, cloud.clock)
        self.scheduler = Scheduler(self.world, self._begin_scheduled, self.events.emit, cloud.submit)
        self.lifecycles = Lifecycles(self.world, self.events.emit, cloud.submit)
        self.engine = Engine(
            self.world,
            pin=partial(pin, self.world),
            plan=partial(plan, self.world),
            emit=self.events.emit,
            ended=self._note_end,
            url=cloud.settings.database,
            limit=cloud.settings.builds,
        )
        self.left: tuple[str, ...] = ()
        self._over = threading.Event()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.engine.start()
        self.cloud.builds = self.engine
        self._repeat("builds", GLANCE, self.engine.submit_pending)
        self._repeat("schedules", SCHEDULE_PACE, self.scheduler.tick)
        self._repeat("imports", GLANCE, partial(follow_imports, self.world, self.events.emit, self._note_end))
        self._repeat("policies", POLICY_PACE, self.lifecycles.tick)
        self._repeat("events", DELIVERY_PACE, self.events.deliver_due)
        self._repeat("records", TIDYING_PACE, self.engine.forget_old)
        return self

    def __exit__(self, *_: object) -> None:
        running = self.engine.running
        self.engine.end()
        self.left = tuple({*running, *self.engine.running})
        self._over.set()
        self._stack.close()
        if not self.left:
            self.engine.close()
            close_all()

    def _repeat(self, name: str, pace: float, task: Callable[[], Any]) -> None:
        def run() -> None:
            while not self._over.wait(pace):
                try:
                    task()
                except Exception:
                    log.exception("Image Builder's %s failed", name)

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        self._stack.callback(thread.join)

    def _note_end(self, image: Resource) -> None:
        note_result(self.world, image, self.events.emit)
        self._notify(image)
        self.cloud.submit(partial(store_logs, self.world, image))

    def _notify(self, image: Resource) -> None:
        """Tell what SNS would of an image that is AVAILABLE or FAILED, where its infrastructure names a topic."""
        topic = (image.document.get("infrastructureConfiguration") or {}).get("snsTopicArn")
        if not topic or image.state not in {"AVAILABLE", "FAILED"}:
            return
        at = float(image.inner["passed"]["at"])
        self.events.emit(
            SNS_NOTIFICATION,
            [image.id],
            envelope(topic, notification(image.document), at),
            account=image.account,
            region=image.region,
            moment=at,
        )

    def _begin_scheduled(self, pipeline: Resource, trigger: Trigger) -> str:
        operation = find_operation("imagebuilder", "StartImagePipelineExecution")
        if operation is None:
            raise LookupError("Image Builder's model has changed")
        caller = self.world.credential(pipeline.account)
        with self.cloud.catalog(pipeline.account, pipeline.region) as catalog:
            call = Call(operation, caller, pipeline.region, self.cloud, catalog, "", self.cloud.clock())
            tags = pipeline.document.get("imageTags")
            image = begin_pipeline(call, pipeline, "SCHEDULED", tags=tags, because=trigger.as_json())
        for job in call.jobs:
            self.cloud.submit(job)
        return image.id
