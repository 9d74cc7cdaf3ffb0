"""The engine: images that are pending are built, each in its turn, to an end that is told once."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.builders.containers.host import remove_images
from goldsmith.pipelines.builders.live import close_build
from goldsmith.pipelines.engine.beside import Beside
from goldsmith.pipelines.engine.build import Build, ImageFailedError
from goldsmith.pipelines.engine.durable import BrokenStepError, Durable, leave_if_ended
from goldsmith.pipelines.engine.ledger import BuildLedger
from goldsmith.pipelines.engine.leftovers import clear_leftovers
from goldsmith.pipelines.engine.records import KIND, ImageRecord
from goldsmith.pipelines.engine.states import ACTIVE, FINAL
from goldsmith.pipelines.engine.turns import Turns
from goldsmith.pipelines.image_run import image_folder
from goldsmith.pipelines.stop import Stop, StoppedError
from goldsmith.pipelines.workflows.action import find_action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.engine.build import Pin, Plan
    from goldsmith.pipelines.engine.records import Emit
    from goldsmith.pipelines.workflows.action import Action
    from goldsmith.pipelines.world import World

KEPT = 30 * 86400.0
"""Seconds that the engine's own records of a build are kept after its end; a deleted image's go at once."""

MOST_BEGUN = 100
"""Builds that have begun or wait for their turn in this process; all but a few of them wait."""

_CUT_SHORT = (
    "The build was cut short: the engine's records say that it is over, and do not say how. Retry it: it goes on "
    "after the last stage that was finished."
)

log = logging.getLogger(__name__)


class Engine:
    """Builds a home's images.

    ``pin`` makes a run of an image's record, ``plan`` finds its workflows, ``find`` the actions of their steps.
    ``limit`` builds work at once, not counting those that wait for people. ``ended`` hears of each image that is over,
    after a kill perhaps once more. Raises EngineError when the engine's records cannot be used.
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
        find: Callable[[str], Action] = find_action,
    ) -> None:
        self.world = world
        self._pin = pin
        self._plan = plan
        self._emit = emit
        self._ended = ended
        self._find = find
        self._stops: dict[str, Stop] = {}
        self._submitted: set[str] = set()
        self._begun: set[str] = set()
        self._beside = Beside()
        self._turns = Turns(limit, leave_if_ended)
        self._lock = threading.Lock()
        self._durable = Durable(world.home.path, self._work, url=url, limit=MOST_BEGUN)

    def start(self) -> None:
        """Clear away what an earlier server left half done, take up its builds, and what waits."""
        clear_leftovers(self.world.home)
        self._durable.launch()
        self.submit_pending()

    def submit_pending(self) -> None:
        """Queue the images that wait; one that is queued or runs is left as it is.

        What the catalogue and the engine's records do not agree on is brought to an end as well.
        """
        for image in self.world.every(KIND, ACTIVE):
            if "import" in image.inner:
                continue
            name = _try_of(image)
            with self._lock:
                known = name in self._submitted
                left = name in self._begun and name not in self._stops
            if not known:
                self._submit(name)
            elif left and self._durable.standing(name) == "over":
                self._cut_short(name)
            if image.inner.get("cancel"):
                self.cancel(image.id)

    def cancel(self, arn: str) -> None:
        """End a build whose record asks for it: at once where it waits, else as soon as its step can be ended."""
        record = self._record(arn)
        image = record.read()
        if image is None:
            return
        with self._lock:
            stop = self._stops.get(_try_of(image))
        if stop is not None:
            stop.ask()
        elif image.state == "PENDING":
            record.pass_to("CANCELLED", "The image was cancelled before its build began.")

    def forget_old(self) -> None:
        """Remove the engine's records of builds that nobody will ask for: of deleted images, and of those long over."""
        for name, moment in self._durable.recorded().items():
            image = self._record(_image_of(name)).read()
            if image is None or (image.state in FINAL and self.world.clock() - moment > KEPT):
                self._durable.forget([name])

    def end(self) -> None:
        """Begin and record nothing more: what runs is taken up by the next server after its last finished step."""
        self._durable.end()
        self._beside.end()

    def close(self) -> None:
        """End and let go of the records; no build may be running."""
        self.end()
        self._durable.close()

    @property
    def running(self) -> tuple[str, ...]:
        """The ARNs of the images that are being built."""
        with self._lock:
            return tuple(_image_of(name) for name in self._stops)

    def _record(self, arn: str) -> ImageRecord:
        return ImageRecord(self.world, arn, self._emit, self._ended)

    def _submit(self, name: str) -> None:
        """Put a try into the queue, or see what became of it."""
        standing = self._durable.standing(name)
        if standing == "over":
            self._cut_short(name)
            return
        if standing == "older":
            self._durable.forget([name])
        self._durable.submit(name)
        with self._lock:
            self._submitted.add(name)

    def _cut_short(self, name: str) -> None:
        self._beside.forget(name)
        record = self._record(_image_of(name))
        record.break_off(_CUT_SHORT)
        record.pass_to("FAILED", _CUT_SHORT)

    def _work(self, name: str, part: str) -> Any:
        if part:
            return self._beside.run(name, part)
        with self._turns.taken(), self._going(name) as stop:
            self._build(name, stop)
        self._beside.forget(name)
        return None

    @contextmanager
    def _going(self, name: str) -> Iterator[Stop]:
        """Give the signal to end a try while it runs."""
        with self._lock:
            self._begun.add(name)
            stop = self._stops[name] = Stop()
        try:
            yield stop
        finally:
            with self._lock:
                self._stops.pop(name, None)

    def _build(self, name: str, stop: Stop) -> None:
        record = self._record(_image_of(name))
        image = record.read()
        if image is None or _try_of(image) != name:
            return
        if image.state in FINAL:
            record.tell_end()
            return
        if image.inner.get("cancel"):
            stop.ask()
        ledger = BuildLedger(record, name, stop, self._beside, self._turns)
        try:
            ending = self._run(Build(record, name, ledger, self._pin, self._plan, self._find))
        finally:
            close_build(image_folder(self.world.home, image.id))
        leave_if_ended()
        remove_images(image_folder(self.world.home, image.id))
        record.pass_to(*ending)

    def _run(self, build: Build) -> tuple[Any, ...]:
        """Run a try and return the state that it leads to, why, and the failureContext."""
        try:
            build.run()
        except StoppedError:
            return "CANCELLED", "The image's creation was cancelled."
        except ImageFailedError as failed:
            return "FAILED", failed.message, failed.context
        except GoldsmithError as failed:
            return "FAILED", str(failed)
        except Exception as broken:
            log.exception("The build of %s broke", build.record.arn)
            words = str(broken) if isinstance(broken, BrokenStepError) else repr(broken)
            reason = f"An internal error ended the build: {words}. The server's log tells more."
            build.record.break_off(reason)
            return "FAILED", reason
        return ("AVAILABLE",)


def _try_of(image: Resource) -> str:
    """Return the name of an image's latest try."""
    return f"{image.id}#{image.inner.get('attempt', 1)}"


def _image_of(name: str) -> str:
    """Return the ARN of the image whose try has a name."""
    return name.rpartition("#")[0]
