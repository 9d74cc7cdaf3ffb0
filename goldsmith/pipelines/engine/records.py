"""An image's record as its build goes on: the state, what came of it, and that others hear of both."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.engine.states import ACTIVE, ENDS, FINAL, in_state
from goldsmith.pipelines.image_run import image_folder
from goldsmith.pipelines.workflows.catalogued import mark_broken
from goldsmith.pipelines.workflows.identity import written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.world import World

    Emit = Callable[..., None]

KIND = "image-build"


class ImageRecord:
    """One image's record in the catalogue, and its service log.

    ``emit`` tells an event: (detail type, resources, detail) with account and region. ``ended`` hears of an image
    that is over, after its record says so.
    """

    def __init__(self, world: World, arn: str, emit: Emit, ended: Callable[[Resource], None]) -> None:
        self.world = world
        self.arn = arn
        _, _, _, self.region, self.account, _ = arn.split(":", 5)
        self._emit = emit
        self._ended = ended
        self.folder = image_folder(world.home, arn)
        self._log = self.folder / "service.log"

    def read(self) -> Resource | None:
        """Return the record as it is; None for one that was deleted."""
        with self.world.catalog(self.account, self.region, writes=False) as catalog:
            return catalog.own(KIND, self.arn)

    def say(self, line: str) -> None:
        """Write a line of the service log."""
        moment = datetime.fromtimestamp(self.world.clock(), UTC).isoformat(timespec="milliseconds")
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{moment.replace('+00:00', 'Z')} {line}\n")

    def pass_to(self, status: str, reason: str = "", failure: Mapping[str, Any] | None = None) -> None:
        """Put the image into a state and tell others; one that is over, or further on, stays as it is.

        Asked again after a kill, it tells again of the same change at the same moment, which is the same event.
        """
        with self.world.catalog(self.account, self.region) as catalog:
            image = catalog.own(KIND, self.arn)
            if image is None or not _leads(image.state, status):
                return
            if image.state != status:
                passed = {"from": image.state, "at": self.world.clock()}
                image = catalog.save(in_state(image, status, reason, failure).knowing(passed=passed))
                _note_on_pipeline(catalog, image, status)
                self.say(f"Image transitioned to {status} state for Image ARN: {self.arn}")
        passed = image.inner["passed"]
        told = image.document["state"]
        self._emit(
            "EC2 Image Builder Image State Change",
            [self.arn],
            {
                "previous-state": {"status": passed["from"]},
                "state": {name: told[name] for name in ("status", "reason") if name in told},
            },
            account=self.account,
            region=self.region,
            moment=passed["at"],
        )
        if status in FINAL:
            self._ended(image)

    def break_off(self, reason: str) -> None:
        """Note that the executions which have begun are not gone on with."""
        with self.world.catalog(self.account, self.region) as catalog:
            mark_broken(catalog, self.arn, reason, written(self.world.clock()))

    def tell_end(self) -> None:
        """Tell again how a build ended, where a killed server may not have come to it."""
        image = self.read()
        if image is not None and image.state in ENDS:
            self.pass_to(image.state)

    def note(self, members: Mapping[str, Any] | None = None, **facts: Any) -> None:
        """Write members of the document and facts that only we know."""
        with self.world.catalog(self.account, self.region) as catalog:
            image = catalog.own(KIND, self.arn)
            if image is not None:
                catalog.save(image.showing(members or {}).knowing(**facts))


def _leads(state: str, status: str) -> bool:
    """Tell whether an image in a state may pass to another, or is in that one and it is to be told again."""
    if state in FINAL:
        return state == status
    return status in FINAL or ACTIVE.index(status) >= ACTIVE.index(state)


def _note_on_pipeline(catalog: Catalog, image: Resource, status: str) -> None:
    pipeline = catalog.own("image-pipeline", image.document.get("sourcePipelineArn", ""))
    if pipeline is not None:
        catalog.save(pipeline.having(lastRunStatus=status))
