"""What came of an image's distribution, region by region: rows of a step's outputs, and AWS's account of failures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.stop import StepTimeoutError, StoppedError
from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goldsmith.pipelines.image_run import ImageRun
    from goldsmith.pipelines.workflows.action import StepRun

COMPLETED = "Completed"
FAILED = "Failed"
MOST_AT_ONCE = 50
"""Copies of one distribution that run beside each other (Image Builder's quota)."""

Job = TypeVar("Job")


class StageError(GoldsmithError):
    """A part of a distribution failed; ``step`` is the part in the words of a row, ``configuration`` in the API's."""

    def __init__(self, message: str, *, step: str, configuration: str = "", mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.step = step
        self.configuration = configuration


@dataclass(frozen=True)
class Outcome:
    """One AMI's fate in one region; ``started`` and ``stopped`` are ISO times."""

    region: str
    account: str
    name: str = ""
    ami: str = ""
    description: str = ""
    started: str = ""
    stopped: str = ""
    step: str = COMPLETED
    error: str = ""
    configuration: str = ""

    def as_row(self) -> dict[str, Any]:
        """Return it as distributedImages and its like have it."""
        row = {
            "region": self.region,
            "name": self.name,
            "description": self.description,
            "amiId": self.ami,
            "accountId": self.account,
            "dateStarted": self.started,
            "dateStopped": self.stopped,
            "status": FAILED if self.error else COMPLETED,
            "step": self.step,
            "errorMessage": self.error,
        }
        return {key: value for key, value in row.items() if value}

    def as_failure(self) -> dict[str, Any]:
        """Return it as a RegionFailure of the API."""
        failure = {
            "region": self.region,
            "status": "FAILED",
            "imageConfigurationStep": self.configuration,
            "errorMessage": self.error,
            "targetAccountId": self.account,
        }
        return {key: value for key, value in failure.items() if value}


def each_at_once(
    step: StepRun, jobs: Sequence[Job], begin: Callable[[Job], Outcome], do: Callable[[Job], Outcome], *, at: str
) -> list[Outcome]:
    """Do the jobs beside each other, and return what came of each, in their order; one's failure stops no other.

    ``begin`` gives the outcome to fill, ``at`` is the step of one that fails and does not say where. Raises
    StoppedError and StepTimeoutError when all have ended.
    """

    def run(job: Job) -> Outcome:
        blank = replace(begin(job), started=_now(step))
        try:
            done = do(job)
        except (StoppedError, StepTimeoutError):
            raise
        except StageError as failure:
            done = replace(blank, step=failure.step, error=failure.message, configuration=failure.configuration)
        except GoldsmithError as failure:
            done = replace(blank, step=at, error=failure.message)
        return replace(done, started=blank.started, stopped=_now(step))

    if not jobs:
        return []
    with ThreadPoolExecutor(min(MOST_AT_ONCE, len(jobs)), thread_name_prefix=step.name) as pool:
        running = [pool.submit(run, job) for job in jobs]
    return [each.result() for each in running]


def conclude(step: StepRun, member: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return a step's outputs. Raises ActionFailedError, which has them too, when any region failed."""
    outputs = {member: [outcome.as_row() for outcome in outcomes]}
    failed = [outcome for outcome in outcomes if outcome.error]
    if failed:
        said = " ".join(f"{number}) {_told(step.image, outcome)}" for number, outcome in enumerate(failed, start=1))
        raise ActionFailedError(
            f"Not all distribution jobs are completed. {said}",
            mend="Mend the cause and start RetryImage: what is distributed already stays, and is not done again.",
            regions=tuple(outcome.as_failure() for outcome in failed),
            outputs=outputs,
        )
    return outputs


def _told(image: ImageRun, outcome: Outcome) -> str:
    return (
        f"{outcome.error.rstrip('.')} when distributing the image from the source account (ID: {image.account}) to the "
        f"destination account (ID: {outcome.account}) in Region {outcome.region}."
    )


def _now(step: StepRun) -> str:
    moment = datetime.fromtimestamp(step.world.clock(), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
