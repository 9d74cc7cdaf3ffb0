"""Images: begun from a recipe or a pipeline, looked at, cancelled, tried again and deleted (2.9, 2.10)."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.builds import begin_image, begin_pipeline
from goldsmith.aws.imagebuilder.creating import retire_version
from goldsmith.aws.imagebuilder.deleting import require_unused
from goldsmith.aws.imagebuilder.kinds import IMAGE, PIPELINE
from goldsmith.aws.imagebuilder.listing import Filters, answer_page, batch_of, list_builds, list_kind
from goldsmith.aws.imagebuilder.pipelines import require_parts
from goldsmith.aws.imagebuilder.references import IMAGE_BUILD, latest_references, parse_arn, require, require_own
from goldsmith.aws.imagebuilder.refusals import invalid
from goldsmith.aws.operations import imagebuilder
from goldsmith.catalog.resources import Query
from goldsmith.pipelines.engine.states import FINAL, in_state
from goldsmith.pipelines.image_run import image_folder
from goldsmith.pipelines.workflows.catalogued import mark_retried

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

ARN = "imageBuildVersionArn"
AVAILABLE = ("AVAILABLE",)


@imagebuilder.operation()
def create_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin a build of a recipe."""
    require_parts(call, parameters)
    image = begin_image(call, parameters, tags=parameters.get("tags"))
    return {ARN: image.id, "latestVersionReferences": latest_references(image.id, built=True)}


@imagebuilder.operation(deviation="Tags are the image's, as on AWS; the AMI gets those of its recipe and distribution.")
def start_image_pipeline_execution(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin a pipeline's build now, whatever its schedule and status say."""
    pipeline = require_own(call, parameters["imagePipelineArn"], PIPELINE.noun, path="imagePipelineArn")
    return {ARN: begin_pipeline(call, pipeline, "USER_INITIATED", tags=parameters.get("tags")).id}


@imagebuilder.operation()
def get_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Look at a build; of an open version at its newest build that is AVAILABLE."""
    image = require(call, parameters[ARN], IMAGE.noun, path=ARN, states=AVAILABLE)
    tags = call.catalog.tags(image) if image.account != "aws" else {}
    shown = {**image.document, "tags": tags}
    return {"image": shown, "latestVersionReferences": latest_references(image.id, built=True)}


@imagebuilder.operation()
def list_images(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List images, a row a version."""
    return list_kind(IMAGE, call, parameters)


@imagebuilder.operation()
def list_image_build_versions(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the builds of a version, or all of the caller's."""
    return list_builds(IMAGE, call, parameters)


@imagebuilder.operation()
def list_image_pipeline_images(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List what a pipeline has built; nothing for one that is not there."""
    arn = parse_arn(call.operation, parameters["imagePipelineArn"], PIPELINE.noun, path="imagePipelineArn")
    wanted = Filters(call, parameters.get("filters") or (), {"name": "name", "version": "version"})
    query = Query(IMAGE_BUILD, uses=(str(arn),), owners=(call.account.id,))
    return answer_page(
        call,
        parameters,
        "imageSummaryList",
        lambda after: (
            each
            for each in call.catalog.find(query, after=after or 0, batch=batch_of(parameters))
            if wanted.match(each)
        ),
    )


@imagebuilder.operation()
def cancel_image_creation(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Ask a build to end; what it has made by then stays."""
    image = require_own(call, parameters[ARN], IMAGE.noun, path=ARN)
    if image.state in FINAL:
        raise AwsError(
            "ResourceInUseException", f"The image '{image.id}' is {image.state}: there is nothing to cancel."
        )
    call.catalog.save(image.knowing(cancel=True))
    call.later(partial(call.cloud.builds.cancel, image.id))
    return {ARN: image.id}


@imagebuilder.operation(
    deviation="An image whose build stage failed is built anew; AWS retries the test and distribution stages only."
)
def retry_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin a failed or cancelled build again at the stage that it did not finish, under the same ARN."""
    image = require_own(call, parameters[ARN], IMAGE.noun, path=ARN)
    if image.state not in {"FAILED", "CANCELLED"}:
        raise AwsError(
            "ResourceInUseException",
            f"The image '{image.id}' is {image.state}; one that failed or was cancelled is retried.",
        )
    if "import" in image.inner:
        raise invalid(call.operation, ARN, "It was imported and not built: import it again.")
    if image.document["type"] == "DOCKER":
        raise invalid(call.operation, ARN, "Only images of AMIs are retried: build the container anew.")
    mark_retried(call.catalog, image.id)
    again = in_state(image, "PENDING").knowing(cancel=None, attempt=int(image.inner.get("attempt", 1)) + 1)
    call.catalog.save(again)
    call.later(call.cloud.builds.submit_pending)
    return {ARN: image.id}


@imagebuilder.operation()
def delete_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete a build's record, its executions and logs; AMIs and snapshots stay."""
    text = parameters[ARN]
    arn = parse_arn(call.operation, text, IMAGE.noun, path=ARN)
    if arn.version is None or not arn.version.build:
        raise invalid(call.operation, ARN, "It names no build.")
    image = require_own(call, text, IMAGE.noun, path=ARN)
    if image.state not in FINAL:
        raise AwsError(
            "ResourceDependencyException",
            f"Resource dependency error: The image '{image.id}' is {image.state}; cancel it, or wait for its end.",
        )
    require_unused(call, image)
    _remove(call, image)
    return {ARN: image.id}


def _remove(call: Call, image: Resource) -> None:
    for execution in call.catalog.find(Query("workflow-execution", names=(image.id,), owners=(image.account,))):
        call.catalog.remove_named("workflow-step", execution.id)
    call.catalog.remove_named("workflow-execution", image.id)
    packages = call.catalog.own("image-packages", image.id)
    if packages is not None:
        call.catalog.remove(packages)
    call.catalog.remove_named("image-finding", image.id)
    call.catalog.remove(image)
    retire_version(call, IMAGE.noun, image)
    call.later(partial(shutil.rmtree, image_folder(call.cloud.home, image.id), ignore_errors=True))
