"""Runs that are due: each is looked at once, and begins a build if there is a reason to."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.engine.states import ACTIVE
from goldsmith.pipelines.moments import iso
from goldsmith.pipelines.schedules.causes import Causes
from goldsmith.pipelines.schedules.pipeline_log import write_line
from goldsmith.pipelines.schedules.results import tell_if_disabled, with_result
from goldsmith.pipelines.schedules.timing import Timing, plan_next, with_timing
from goldsmith.pipelines.schedules.why import images_of, last_image, why_build

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.schedules.results import Emit
    from goldsmith.pipelines.world import World

    Start = Callable[[Resource, "Trigger"], str]
    """Begins a pipeline's scheduled build and returns the image's ARN. Raises GoldsmithError."""

log = logging.getLogger(__name__)

MATCH_ONLY = "EXPRESSION_MATCH_ONLY"
STARTING = "starting"
LATE = 60.0
"""Seconds after its time from which a run counts as missed; also after which an unfinished start is taken up."""


@dataclass(frozen=True)
class Trigger:
    """Why a scheduled build begins: when it was due, in seconds, and what is newer.

    ``as_json`` belongs into the image's inner fact ``because``: it is how a start that a kill cut short is found again.
    """

    due: float
    causes: Causes

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {"due": self.due, **self.causes.as_json()}


class Scheduler:
    """Looks after all pipelines' schedules.

    ``start`` begins a build, and must keep `Trigger.as_json` as the image's inner fact ``because``. ``emit`` tells an
    event. ``submit`` runs a look at one pipeline, which may ask the network for minutes, beside others; without it
    `tick` waits for each.
    """

    def __init__(
        self,
        world: World,
        start: Start,
        emit: Emit,
        submit: Callable[[Callable[[], None]], None] = lambda job: job(),
    ) -> None:
        self.world = world
        self._start = start
        self._emit = emit
        self._submit = submit
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def tick(self) -> None:
        """Look at every pipeline whose run is due, whose schedule is new, or whose start was cut short."""
        now = self.world.clock()
        for pipeline in self.world.every("image-pipeline", ("ENABLED",)):
            if self._concerns(pipeline, now) and self._take(pipeline.id):
                self._submit(partial(self._look_and_release, pipeline))

    def _concerns(self, pipeline: Resource, now: float) -> bool:
        if not pipeline.document.get("schedule"):
            return False
        timing = Timing.read(plan_next(pipeline, now))
        return (
            timing != Timing.read(pipeline)
            or STARTING in pipeline.inner
            or (timing is not None and timing.due is not None and timing.due <= now)
        )

    def _take(self, identifier: str) -> bool:
        with self._lock:
            if identifier in self._busy:
                return False
            self._busy.add(identifier)
            return True

    def _look_and_release(self, pipeline: Resource) -> None:
        try:
            self._look(pipeline)
        except Exception:
            log.exception("The schedule of %s could not be looked after", pipeline.id)
        finally:
            with self._lock:
                self._busy.discard(pipeline.id)

    def _look(self, stale: Resource) -> None:
        now = self.world.clock()
        with self.world.catalog(stale.account, stale.region) as catalog:
            pipeline = catalog.own(stale.kind, stale.id)
            if pipeline is None or pipeline.state != "ENABLED":
                return
            pipeline = catalog.save(plan_next(pipeline, now))
            last = last_image(catalog, pipeline)
            running = [image for image in images_of(catalog, pipeline, ACTIVE) if image.state in ACTIVE]
        if starting := pipeline.inner.get(STARTING):
            if now - starting["at"] >= LATE:
                self._begin(pipeline, Trigger(starting["due"], Causes.from_json(starting)))
            return
        timing = Timing.read(pipeline)
        if timing is None or timing.due is None or timing.due > now:
            return
        causes = self._causes(pipeline, last, running)
        if not self._pass(pipeline, timing, causes, now):
            return
        if now - timing.due >= LATE:
            self._say(pipeline, f"The run of {iso(timing.due)} was missed, as no server ran; it is looked at now.")
        if causes:
            self._begin(pipeline, Trigger(timing.due, causes))
        else:
            self._say(pipeline, f"No image is built for {iso(timing.due)}: {causes}.")

    def _causes(self, pipeline: Resource, last: Resource | None, running: list[Resource]) -> Causes:
        schedule = pipeline.document["schedule"]
        if schedule.get("pipelineExecutionStartCondition") == MATCH_ONLY:
            return Causes(always="the schedule builds at every match")
        if running:
            return Causes(problems=(f"the build of {running[-1].id} is not over",))
        return why_build(self.world, pipeline, last)

    def _pass(self, pipeline: Resource, timing: Timing, causes: Causes, now: float) -> bool:
        """Go on to the next run, with a note of what is to be started; tell whether nobody else has done so."""
        with self.world.catalog(pipeline.account, pipeline.region) as catalog:
            current = catalog.own(pipeline.kind, pipeline.id)
            if current is None or current.state != "ENABLED" or Timing.read(current) != timing:
                return False
            starting = {"at": now, "due": timing.due, **causes.as_json()} if causes else None
            catalog.save(with_timing(current, timing.after(now)).knowing(**{STARTING: starting}))
        return True

    def _begin(self, pipeline: Resource, trigger: Trigger) -> None:
        """Begin a build, or find the one that was begun for the same run before a kill."""
        with self.world.catalog(pipeline.account, pipeline.region, writes=False) as catalog:
            begun = [each for each in images_of(catalog, pipeline, ()) if _due(each) == trigger.due]
        try:
            arn = begun[0].id if begun else self._start(pipeline, trigger)
        except GoldsmithError as refused:
            self._say(pipeline, f"The image due at {iso(trigger.due)} could not be begun: {refused.message}")
            self._finish_start(pipeline, refused=True)
            return
        self._say(pipeline, f"Building {arn} for {iso(trigger.due)}: {trigger.causes}.")
        self._finish_start(pipeline, refused=False)

    def _finish_start(self, pipeline: Resource, *, refused: bool) -> None:
        """Forget the note of a start; one that was refused counts as a scheduled run that failed."""
        with self.world.catalog(pipeline.account, pipeline.region) as catalog:
            current = catalog.own(pipeline.kind, pipeline.id)
            if current is None:
                return
            after = with_result(current, failed=True).having(lastRunStatus="FAILED") if refused else current
            catalog.save(after.knowing(**{STARTING: None}))
        tell_if_disabled(self.world, current, after, self._emit)

    def _say(self, pipeline: Resource, text: str) -> None:
        write_line(self.world.home, pipeline, self.world.clock(), text)


def _due(image: Resource) -> float | None:
    because = image.inner.get("because") or {}
    return because.get("due")
