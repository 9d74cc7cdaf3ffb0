"""The engine: images that are pending are built, each in its turn, to an end that is told once."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.builders.live import close_build
from goldsmith.pipelines.engine.beside import Beside
from goldsmith.pipelines.engine.build import Build, ImageFailedError
from goldsmith.pipelines.engine.durable import Durable
from goldsmith.pipelines.engine.ledger import BuildLedger
from goldsmith.pipelines.engine.records import KIND, ImageRecord
from goldsmith.pipelines.engine.states import ACTIVE, FINAL
from goldsmith.pipelines.image_run import image_folder
from goldsmith.pipelines.stop import Stop, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.engine.build import Pin, Plan
    from goldsmith.pipelines.engine.records import Emit
    from goldsmith.pipelines.world import World

log = logging.getLogger(__name__)


class Engine:
    """Builds a home's images. ``pin`` makes a run of an image's record, ``plan`` finds its workflows.

    ``ended`` hears of each image that is over.
    """

    def __init__(
        self,
        world: World,
        *,
        pin: Pin,
        plan: Plan,
        emit: Emit,
        ended: Callable[[Resource], None],
        url: str = "",
        limit: int = 2,
    ) -> None:
        self.world = world
        self._pin = pin
        self._plan = plan
        self._emit = emit
        self._ended = ended
        self._stops: dict[str, Stop] = {}
        self._submitted: set[str] = set()
        self._beside = Beside()
        self._lock = threading.Lock()
        self._durable = Durable(world.home.path, self._work, url=url, limit=limit)

    def start(self) -> None:
        """Take up what an earlier server left, and what waits."""
        self._durable.launch()
        self.submit_pending()

    def submit_pending(self) -> None:
        """Queue the images that wait; one that is queued or runs is left as it is."""
        for image in self._images():
            name = f"{image.id}#{image.inner.get('attempt', 1)}"
            with self._lock:
                known = name in self._submitted
                self._submitted.add(name)
            if not known and "import" not in image.inner:
                self._durable.submit(name)
            if image.inner.get("cancel"):
                self.cancel(image.id)

    def cancel(self, arn: str) -> None:
        """End a build whose record asks for it: at once where it waits, else as soon as its step can be ended."""
        with self._lock:
            stop = self._stops.get(arn)
        if stop is not None:
            stop.ask()
            return
        record = self._record(arn)
        image = record.read()
        if image is not None and image.state == "PENDING":
            record.pass_to("CANCELLED", "The image was cancelled before its build began.")

    def close(self) -> None:
        """End without waiting: what runs is taken up by the next server."""
        self._durable.close()

    @property
    def running(self) -> tuple[str, ...]:
        """The ARNs of the images that are being built."""
        with self._lock:
            return tuple(self._stops)

    def _images(self) -> Sequence[Resource]:
        return self.world.every(KIND, ACTIVE)

    def _record(self, arn: str) -> ImageRecord:
        return ImageRecord(self.world, arn, self._emit, self._ended)

    def _work(self, name: str, part: str) -> Any:
        if part:
            return self._beside.run(name, part)
        try:
            self._build(name)
        finally:
            self._beside.forget(name)
        return None

    def _build(self, name: str) -> None:
        arn = name.partition("#")[0]
        record = self._record(arn)
        image = record.read()
        if image is None or image.state in FINAL:
            return
        stop = self._stop(arn)
        if image.inner.get("cancel"):
            stop.ask()
        ledger = BuildLedger(record, name, stop, self._beside)
        try:
            Build(record, name, ledger, self._pin, self._plan).run()
        except StoppedError:
            record.pass_to("CANCELLED", "The image's creation was cancelled.")
        except ImageFailedError as failed:
            record.pass_to("FAILED", failed.message, failed.context)
        except GoldsmithError as failed:
            record.pass_to("FAILED", str(failed))
        except Exception as broken:
            log.exception("The build of %s broke", arn)
            record.pass_to("FAILED", f"An internal error ended the build: {broken!r}. The server's log tells more.")
        finally:
            close_build(image_folder(self.world.home, arn))
            with self._lock:
                self._stops.pop(arn, None)

    def _stop(self, arn: str) -> Stop:
        with self._lock:
            return self._stops.setdefault(arn, Stop())
