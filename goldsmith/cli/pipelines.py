"""`goldsmith pipeline`: pipelines listed, shown, run and ended, and the images that come of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.cli.here import here
from goldsmith.cli.image_logs import log_of, show_log
from goldsmith.cli.output import UsageError, print_json, print_table
from goldsmith.cli.pipeline_naming import SERVICE, all_pipelines, find_build, find_pipeline, images_of, short
from goldsmith.cli.pipeline_runs import Watch, build, is_served, start

if TYPE_CHECKING:
    from goldsmith.cli.here import Here

    Item = dict[str, Any]

MOST_SHOWN = 5
MINUTE = slice(0, 16)
"""A moment in ISO 8601 to the minute."""


def list_pipelines(*, as_json: bool) -> None:
    """Print the account's pipelines: schedule, next run and last image."""
    with here() as home:
        pipelines = all_pipelines(home)
    if as_json:
        print_json(pipelines)
        return
    if not pipelines:
        print("There are no pipelines yet. Make one: goldsmith apply FILE")
        return
    rows = [
        (
            each["name"],
            each["status"],
            (each.get("schedule") or {}).get("scheduleExpression", "by hand"),
            _minute(each.get("dateNextRun")),
            _minute(each.get("dateLastRun")),
            each.get("lastRunStatus", ""),
        )
        for each in pipelines
    ]
    print_table(("PIPELINE", "STATUS", "SCHEDULE", "NEXT RUN (UTC)", "LAST RUN (UTC)", "LAST IMAGE"), rows)


def show_pipeline(said: str, *, as_json: bool) -> None:
    """Print a pipeline: what it is made of, when it runs, its last images, and why it would build now."""
    with here() as home:
        pipeline = find_pipeline(home, said)
        images = images_of(home, pipeline)
        why = _why(home, pipeline)
    if as_json:
        print_json({**pipeline, "images": images, "wouldBuild": why})
        return
    print(f"{pipeline['name']}  {pipeline['status']}")
    for name, value in _facts(pipeline):
        print(f"  {name}: {value}")
    print(f"  would build now: {why}")
    if images:
        print()
        _print_images(images[:MOST_SHOWN])


def list_images(said: str, *, as_json: bool) -> None:
    """Print a pipeline's images, newest first."""
    with here() as home:
        images = images_of(home, find_pipeline(home, said))
    if as_json:
        print_json(images)
    elif images:
        _print_images(images)
    else:
        print(f"{said} has no image yet. Build one: goldsmith pipeline run {said}")


def run_pipeline(said: str, *, wait: bool, tags: list[str], as_json: bool) -> None:
    """Build a pipeline's image now."""
    given = {"tags": _tags(tags)} if tags else {}
    with here() as home:
        pipeline = find_pipeline(home, said)
        arn = start(home, "StartImagePipelineExecution", imagePipelineArn=pipeline["arn"], **given)
        build(home, arn, log_of(home, arn), wait=wait, as_json=as_json)


def retry_image(said: str, *, wait: bool, as_json: bool) -> None:
    """Try a failed or cancelled image again from the stage that failed."""
    with here() as home:
        arn = find_build(home, said)["arn"]
        log = log_of(home, arn)
        log.skip()
        start(home, "RetryImage", imageBuildVersionArn=arn)
        build(home, arn, log, wait=wait, as_json=as_json)


def cancel_image(said: str, *, as_json: bool) -> None:
    """End the build of an image."""
    with here() as home:
        image = find_build(home, said, running=True)
        answer = home.call(SERVICE, "CancelImageCreation", imageBuildVersionArn=image["arn"])
        served = is_served(home)
    if as_json:
        print_json({"imageBuildVersionArn": answer["imageBuildVersionArn"]})
        return
    when = "as soon as its step can be ended" if served else "when a server or a command takes it up"
    print(f"{short(image['arn'])} is being cancelled: it ends {when}.")


def show_logs(said: str, *, following: bool) -> None:
    """Print the log of an image, or of a pipeline's newest."""
    with here() as home:
        image = find_build(home, said)
        show_log(home, image["arn"], following=following, tend=Watch(home).tend)


def approve(said: str, *, stop: bool, reason: str, as_json: bool) -> None:
    """Answer the step that an image's build waits at. Raises UsageError when it waits at none."""
    with here() as home:
        image = find_build(home, said)
        waiting = home.pages(SERVICE, "ListWaitingWorkflowSteps", "steps")
        steps = [each for each in waiting if each["imageBuildVersionArn"] == image["arn"]]
        if not steps:
            raise UsageError(
                f"{short(image['arn'])} waits for nobody.", mend="`goldsmith pipeline logs` tells where it is."
            )
        answers = [
            home.call(
                SERVICE,
                "SendWorkflowStepAction",
                stepExecutionId=each["stepExecutionId"],
                imageBuildVersionArn=image["arn"],
                action="STOP" if stop else "RESUME",
                reason=reason or None,
            )
            for each in steps
        ]
    if as_json:
        print_json(answers)
        return
    for each in steps:
        print(f"{short(image['arn'])}: {each['name']} {'is stopped' if stop else 'goes on'}.")


def _why(home: Here, pipeline: Item) -> str:
    from goldsmith.aws.imagebuilder.world import CloudWorld
    from goldsmith.pipelines.schedules.why import last_image, why_build

    world = CloudWorld(home.cloud)
    with home.cloud.catalog(home.account, home.region, writes=False) as catalog:
        record = catalog.own("image-pipeline", pipeline["arn"])
        last = last_image(catalog, record) if record else None
    return str(why_build(world, record, last)) if record else ""


def _facts(pipeline: Item) -> list[tuple[str, str]]:
    schedule = pipeline.get("schedule") or {}
    facts = [
        ("recipe", short(pipeline.get("imageRecipeArn") or pipeline.get("containerRecipeArn") or "/none")),
        ("infrastructure", short(pipeline["infrastructureConfigurationArn"])),
        ("distribution", short(pipeline.get("distributionConfigurationArn") or "/none")),
        ("schedule", f"{schedule['scheduleExpression']} {schedule.get('timezone', '')}" if schedule else "by hand"),
        ("builds when", schedule.get("pipelineExecutionStartCondition", "")),
        ("next run (UTC)", _minute(pipeline.get("dateNextRun"))),
        ("last run (UTC)", f"{_minute(pipeline.get('dateLastRun'))} {pipeline.get('lastRunStatus', '')}".strip()),
        ("failures in a row", str(pipeline.get("consecutiveFailures") or "")),
    ]
    return [(name, value) for name, value in facts if value]


def _print_images(images: list[Item]) -> None:
    rows = [
        (
            short(each["arn"]),
            each["state"]["status"],
            _minute(each["dateCreated"]),
            each.get("buildType", ""),
            ", ".join(ami["image"] for ami in (each.get("outputResources") or {}).get("amis") or []),
        )
        for each in images
    ]
    print_table(("IMAGE", "STATE", "BEGUN (UTC)", "BY", "AMIS"), rows)


def _minute(moment: Any) -> str:
    return str(moment)[MINUTE].replace("T", " ") if moment else ""


def _tags(said: list[str]) -> dict[str, str]:
    tags = {}
    for each in said:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise UsageError(f"{each!r} is no tag.", mend="Write KEY=VALUE.")
        tags[key] = value
    return tags
