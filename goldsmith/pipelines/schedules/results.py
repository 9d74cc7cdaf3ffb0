"""How scheduled runs ended: failures in a row are counted, and a pipeline with too many of them is disabled (3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.pipelines.events.event import PIPELINE_DISABLED, pipeline_disabled
from goldsmith.pipelines.schedules.pipeline_log import write_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.world import World

    Emit = Callable[..., None]
    """Tells an event: detail type, resources, detail, and as keywords account and region."""

COUNTED = "counted"
DISABLED = "DISABLED"
SCHEDULED = "SCHEDULED"


def note_result(world: World, image: Resource, emit: Emit) -> None:
    """Count the end of an image's build on its pipeline, once; called again for the same end it changes nothing.

    Only scheduled builds count. A failure adds one to ``consecutiveFailures``, an image that is AVAILABLE sets it to 0,
    and a cancelled one leaves it. When it reaches the failureCount of the schedule's autoDisablePolicy, the pipeline
    becomes DISABLED, and an event and its log tell so.
    """
    arn = image.document.get("sourcePipelineArn", "")
    if not arn or image.document.get("buildType") != SCHEDULED or image.state not in {"AVAILABLE", "FAILED"}:
        return
    with world.catalog(image.account, image.region) as catalog:
        current = catalog.own(image.kind, image.id)
        if current is None or current.inner.get(COUNTED) == image.state:
            return
        catalog.save(current.knowing(**{COUNTED: image.state}))
        pipeline = catalog.own("image-pipeline", arn)
        if pipeline is None:
            return
        counted = with_result(pipeline, failed=image.state == "FAILED")
        catalog.save(counted)
    tell_if_disabled(world, pipeline, counted, emit)


def with_result(pipeline: Resource, *, failed: bool) -> Resource:
    """Return a pipeline's record with one more scheduled run, DISABLED if that failed once too often."""
    failures = int(pipeline.document.get("consecutiveFailures", 0)) + 1 if failed else 0
    policy = (pipeline.document.get("schedule") or {}).get("autoDisablePolicy") or {}
    most = int(policy.get("failureCount", 0))
    counted = pipeline.having(consecutiveFailures=failures)
    return counted.having(state=DISABLED, status=DISABLED, dateNextRun=None) if 0 < most <= failures else counted


def tell_if_disabled(world: World, before: Resource, after: Resource, emit: Emit) -> None:
    """Tell an event and the log if a pipeline has just been disabled."""
    if before.state == DISABLED or after.state != DISABLED:
        return
    failures = int(after.document["consecutiveFailures"])
    write_line(world.home, after, world.clock(), f"Disabled after {failures} scheduled runs in a row that failed.")
    emit(PIPELINE_DISABLED, [after.id], pipeline_disabled(failures), account=after.account, region=after.region)
