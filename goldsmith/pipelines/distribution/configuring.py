"""Distributed AMIs are made known: to licences, launch templates, parameters, and as files in buckets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.distribution.exports import API_STEP, QUEUED, export
from goldsmith.pipelines.distribution.launch_templates import update_template
from goldsmith.pipelines.distribution.outcomes import Outcome, StageError, each_at_once
from goldsmith.pipelines.distribution.parameters import put_parameter
from goldsmith.pipelines.distribution.permissions import begun, require_ours
from goldsmith.pipelines.stop import StepTimeoutError, StoppedError
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goldsmith.pipelines.distribution.wanted import ConfigurationsWanted, DistributedImage
    from goldsmith.pipelines.workflows.action import StepRun


@dataclass(frozen=True)
class Part:
    """A part of the work in its names: in a row's step, in a RegionFailure, and of the service that does it."""

    row: str
    api: str
    service: str


LICENSES = Part("AssociateLicensesRunning", "ASSOCIATE_LICENSES", "License Manager")
TEMPLATES = Part("UpdateLaunchTemplateRunning", "UPDATE_LAUNCH_TEMPLATES", "EC2")
PARAMETERS = Part("PutSsmParametersRunning", "PUT_SSM_PARAMETERS", "SSM")
FAST_LAUNCH = Part("UpdateFastLaunchConfiguration", "UPDATE_FAST_LAUNCH_CONFIGURATIONS", "EC2")
EXPORT = Part(QUEUED, API_STEP, "EC2")

NO_LICENSES = "There is no License Manager here; leave licenseConfigurationArns out"
NO_FAST_LAUNCH = "EC2 Fast Launch is for Windows, and images here are Linux ones; leave fastLaunchConfigurations out"


@dataclass(frozen=True)
class Task:
    """One thing to do with one AMI of a region."""

    part: Part
    account: str
    image: DistributedImage | None
    do: Callable[[DistributedImage], None]


def configure(
    step: StepRun, images: Sequence[DistributedImage], wanted: Sequence[ConfigurationsWanted]
) -> list[Outcome]:
    """Make the images known as is wanted, all at once; return what came of each that there was anything for.

    With each image one thing is done after the other, and nothing after one that failed.
    """
    jobs: dict[tuple[str, str], list[Task]] = {}
    for each in wanted:
        for task in _tasks(step, each, [image for image in images if image.region == each.region]):
            jobs.setdefault((each.region, task.image.account_id if task.image else task.account), []).append(task)
    return each_at_once(
        step, list(jobs.items()), lambda job: _begun(*job), lambda job: _run(step, *job), at=TEMPLATES.row
    )


def _tasks(step: StepRun, wanted: ConfigurationsWanted, images: Sequence[DistributedImage]) -> list[Task]:
    """Return what is to be done in a region. Only parameters and launch templates may be other accounts'."""
    mine = step.image.account
    by_account = {image.account_id: image for image in reversed(images)}
    own = by_account.get(mine)
    tasks = []
    if wanted.license_configuration_arns:
        tasks.append(Task(LICENSES, mine, own, partial(_refuse, NO_LICENSES)))
    for template in wanted.launch_template_configurations:
        account = template.account_id or mine
        do = partial(update_template, step, configuration=template, account=account)
        tasks.append(Task(TEMPLATES, account, by_account.get(account, own), do))
    for parameter in wanted.ssm_parameter_configurations:
        account = parameter.ami_account_id or mine
        do = partial(put_parameter, step, configuration=parameter, account=account)
        tasks.append(Task(PARAMETERS, account, by_account.get(account), do))
    if any(each.enabled for each in wanted.fast_launch_configurations):
        tasks.append(Task(FAST_LAUNCH, mine, own, partial(_refuse, NO_FAST_LAUNCH)))
    if wanted.s3_export_configuration:
        tasks.append(Task(EXPORT, mine, own, partial(export, step, wanted=wanted.s3_export_configuration)))
    return tasks


def _begun(place: tuple[str, str], tasks: Sequence[Task]) -> Outcome:
    image = tasks[0].image
    return begun(image) if image else Outcome(*place)


def _run(step: StepRun, place: tuple[str, str], tasks: Sequence[Task]) -> Outcome:
    for task in tasks:
        try:
            _do(step, place, task)
        except (StageError, StoppedError, StepTimeoutError):
            raise
        except RefusedError as refusal:
            raise _failed(task, f"{task.part.service} Client Error: '{refusal.message}'") from refusal
        except GoldsmithError as failure:
            raise _failed(task, failure.message) from failure
    return _begun(place, tasks)


def _do(step: StepRun, place: tuple[str, str], task: Task) -> None:
    if task.image is None:
        region, account = place
        raise _failed(task, f"No AMI was distributed to the account {account} in {region}")
    require_ours(step, task.image, task.part.row)
    task.do(task.image)


def _refuse(message: str, image: DistributedImage) -> None:
    raise GoldsmithError(f"{message}; {image.ami_id} is there without.")


def _failed(task: Task, message: str) -> StageError:
    return StageError(message, step=task.part.row, configuration=task.part.api)
