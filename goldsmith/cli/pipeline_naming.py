"""Names where Image Builder takes ARNs: which pipeline or image a person means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.cli.output import UsageError
from goldsmith.documents.arns import slug_of
from goldsmith.documents.faults import near_name

if TYPE_CHECKING:
    from goldsmith.cli.here import Here

SERVICE = "imagebuilder"
FINAL = frozenset({"AVAILABLE", "FAILED", "CANCELLED", "DEPRECATED", "DISABLED", "DELETED"})


def all_pipelines(here: Here) -> list[dict[str, Any]]:
    """Return all pipelines of the account, as ListImagePipelines shows them."""
    return here.pages(SERVICE, "ListImagePipelines", "imagePipelineList")


def find_pipeline(here: Here, said: str) -> dict[str, Any]:
    """Return the pipeline of an ARN or name. Raises UsageError."""
    pipelines = all_pipelines(here)
    found = [
        each for each in pipelines if said in {each["arn"], each["name"]} or each["arn"].endswith(f"/{slug_of(said)}")
    ]
    if not found:
        near = near_name(said, [each["name"] for each in pipelines])
        raise UsageError(
            f"There is no pipeline {said} here.",
            mend=f"Did you mean {near}?" if near else "`goldsmith pipeline list` lists them.",
        )
    return found[0]


def images_of(here: Here, pipeline: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a pipeline's images as ImageSummary, newest first."""
    rows = here.pages(SERVICE, "ListImagePipelineImages", "imageSummaryList", imagePipelineArn=pipeline["arn"])
    return sorted(rows, key=lambda row: str(row["dateCreated"]), reverse=True)


def find_build(here: Here, said: str, *, running: bool = False) -> dict[str, Any]:
    """Return the newest image (ImageSummary) of an ARN, NAME[/VERSION[/BUILD]] or pipeline's name.

    ``running``: only images whose build is not over. Raises UsageError.
    """
    builds = here.pages(SERVICE, "ListImageBuildVersions", "imageSummaryList")
    named = [each for each in builds if _is_named(each["arn"], said)]
    if not named:
        pipelines = [each for each in all_pipelines(here) if said in {each["name"], each["arn"]}]
        named = [image for pipeline in pipelines for image in images_of(here, pipeline)]
    found = [each for each in named if not running or each["state"]["status"] not in FINAL]
    if not found:
        what = "image of a build that runs" if running and named else "image"
        known = [each["name"] for each in builds]
        near = near_name(said, known) if not named else ""
        raise UsageError(
            f"There is no {what} {said} here.",
            mend=f"Did you mean {near}?"
            if near
            else "`goldsmith pipeline list` shows the pipelines and their last runs.",
        )
    return max(found, key=lambda each: (str(each["dateCreated"]), each["arn"]))


def short(arn: str) -> str:
    """Return what a person calls a resource: name/version/build of an image, the name of a pipeline."""
    return arn.split("/", 1)[1]


def _is_named(arn: str, said: str) -> bool:
    if said.startswith("arn:"):
        return arn == said or arn.startswith(f"{said}/")
    name, slash, version = said.partition("/")
    wanted = f"{slug_of(name)}{slash}{version}"
    return short(arn) == wanted or short(arn).startswith(f"{wanted}/")
