"""Killing the server at random moments of its builds' lives, in every state of them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from goldsmith.catalog.resources import every
from goldsmith.pipelines.engine.states import ACTIVE
from goldsmith.pipelines.image_run import image_folder

if TYPE_CHECKING:
    import random

    from bench.reliability.server import Server
    from goldsmith.catalog.resources import Resource


@dataclass(frozen=True)
class Aim:
    """A state of a build, and an action that runs in it or any: ``weight`` kills within its first ``seconds``."""

    state: str
    weight: int
    action: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.state} {self.action}".strip()


AIMS = (
    Aim("PENDING", 1),
    Aim("CREATING", 2),
    Aim("BUILDING", 2, "LaunchInstance", 3.0),
    Aim("BUILDING", 4, "ExecuteComponents", 4.0),
    Aim("BUILDING", 1, "CollectImageMetadata"),
    Aim("BUILDING", 2, "RunCommand", 1.0),
    Aim("BUILDING", 2, "SanitizeInstance", 1.5),
    Aim("BUILDING", 4, "CreateImage", 5.0),
    Aim("BUILDING", 1, "TerminateInstance"),
    Aim("TESTING", 3, "LaunchInstance", 40.0),
    Aim("TESTING", 1, "ExecuteComponents", 3.0),
    Aim("DISTRIBUTING", 5, "DistributeImage", 1.5),
    Aim("INTEGRATING", 2),
)
"""Of 30 kills, how many are aimed at what: the more, the more happens in it."""

BESIDE = 3
"""Builds that are not over at any time: two are built, one waits."""

TESTED_EVERY = 10
PATIENCE = 600.0
PACE = 0.003


@dataclass
class Kill:
    """One kill: what it was aimed at, what was going on, and the seconds until it answered and a build had gone on."""

    aim: str
    states: list[str]
    steps: list[str]
    answered: float = 0.0
    resumed: float | None = None


@dataclass
class Killing:
    """Keeps builds going and kills their server."""

    server: Server
    pipelines: dict[str, tuple[str, str]]
    chance: random.Random
    kills: list[Kill] = field(default_factory=list)
    images: list[str] = field(default_factory=list)

    def run(self, count: int) -> None:
        """Kill the server so many times."""
        for number, aim in enumerate(self._aims(count)):
            self._keep_going(tested=aim.state == "TESTING")
            self._await(aim)
            self.server.kill()
            kill = Kill(str(aim), sorted(image.state for image in self.unfinished()), self._steps())
            before = self._told()
            kill.answered = self.server.start()
            kill.resumed = self._resumed(before, kill)
            self.kills.append(kill)
            told = f"{kill.resumed:.1f}" if kill.resumed is not None else "-"
            print(
                f"{number + 1:3} {aim!s:30} {dict(Counter(kill.states))} in {kill.steps}: "
                f"answered {kill.answered:.1f}, went on {told}",
                flush=True,
            )

    def finish(self) -> None:
        """Wait until every build is over."""
        deadline = time.monotonic() + PATIENCE
        while self.unfinished():
            if time.monotonic() > deadline:
                raise TimeoutError(f"These builds hang: {[(each.id, each.state) for each in self.unfinished()]}")
            time.sleep(0.2)

    def begin(self, name: str) -> None:
        """Begin a pipeline's next build."""
        account, pipeline = self.pipelines[name]
        builder = self.server.client("imagebuilder", account)
        self.images.append(builder.start_image_pipeline_execution(imagePipelineArn=pipeline)["imageBuildVersionArn"])

    def unfinished(self) -> list[Resource]:
        """Return the builds that are not over."""
        with self.server.cloud.database.reading() as connection:
            return list(every(connection, "image-build", states=ACTIVE))

    def _aims(self, count: int) -> list[Aim]:
        aims = [aim for aim in AIMS for _ in range(aim.weight)]
        self.chance.shuffle(aims)
        return [aims[number % len(aims)] for number in range(count)]

    def _keep_going(self, *, tested: bool = False) -> None:
        going = self.unfinished()
        if tested and not any("/tested/" in image.id for image in going):
            self.begin("tested")
        for _ in range(BESIDE - len(going)):
            number = len(self.images)
            self.begin("tested" if not number % TESTED_EVERY else ("plain", "commands")[number % 2])

    def _await(self, aim: Aim) -> None:
        """Wait until it is the moment for a kill: see that there are builds, and try again where one was too fast."""
        deadline = time.monotonic() + PATIENCE
        looked = 0.0
        delay = self.chance.uniform(0, aim.seconds)
        while True:
            if time.monotonic() > deadline:
                raise TimeoutError(f"No build was {aim} for {PATIENCE:.0f} s.")
            if time.monotonic() - looked > 1:
                looked = time.monotonic()
                self._keep_going(tested=aim.state == "TESTING")
            if found := self._hit(aim):
                until = time.monotonic() + delay
                while time.monotonic() < until and found & self._hit(aim):
                    time.sleep(PACE)
                if time.monotonic() >= until:
                    return
                delay /= 2
            time.sleep(PACE)

    def _hit(self, aim: Aim) -> set[str]:
        """Return the builds that are in the state, with the action running."""
        there = {image.id for image in self.unfinished() if image.state == aim.state}
        if not (aim.action and there):
            return there
        return {
            step.document["imageBuildVersionArn"] for step in self._running() if step.document["action"] == aim.action
        } & there

    def _running(self) -> list[Resource]:
        with self.server.cloud.database.reading() as connection:
            return list(every(connection, "workflow-step", states=("RUNNING",)))

    def _steps(self) -> list[str]:
        return sorted(str(step.document["action"]) for step in self._running())

    def _told(self) -> dict[str, int]:
        """Return how much the logs of unfinished builds hold that have begun."""
        logs = {
            image.id: image_folder(self.server.cloud.home, image.id) / "service.log"
            for image in self.unfinished()
            if image.state != "PENDING"
        }
        return {name: log.stat().st_size if log.exists() else 0 for name, log in logs.items()}

    def _resumed(self, before: dict[str, int], kill: Kill) -> float | None:
        """Return the seconds after its answer until the server had gone on with a build; None if none had begun."""
        begun = time.monotonic()
        while before and self._told().items() <= before.items():
            if not self.unfinished():
                break
            if time.monotonic() - begun > PATIENCE:
                raise TimeoutError(f"No build went on after a kill in {kill.states} {kill.steps}.")
            time.sleep(0.01)
        return time.monotonic() - begun if before else None
