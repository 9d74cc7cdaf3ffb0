"""Builds begin: an image's record, with all that it will be made of as it is now (2.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.creating import add_build, iso
from goldsmith.aws.imagebuilder.managed import PLATFORM
from goldsmith.aws.imagebuilder.pipelines import RECIPES, TESTS, require_parts
from goldsmith.aws.imagebuilder.references import find
from goldsmith.aws.imagebuilder.refusals import invalid
from goldsmith.catalog.resources import Query
from goldsmith.documents.arns import Arn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

MOST_AT_ONCE = 100
"""Builds of an account that are not over (1.9)."""

CARRIED = (
    "workflows",
    "executionRole",
    "imageScanningConfiguration",
    "loggingConfiguration",
)


def begin_pipeline(
    call: Call,
    pipeline: Resource,
    build_type: str,
    *,
    tags: Mapping[str, str] | None = None,
    because: Mapping[str, Any] | None = None,
) -> Resource:
    """Make the record of a pipeline's next image. ``because`` says what caused a scheduled build."""
    document = dict(pipeline.document)
    require_parts(call, document)
    logging = document.pop("loggingConfiguration", None) or {}
    if group := logging.get("imageLogGroupName"):
        document["loggingConfiguration"] = {"logGroupName": group}
    image = begin_image(call, document, build_type=build_type, pipeline=pipeline, tags=tags, because=because)
    current = call.catalog.own("image-pipeline", pipeline.id) or pipeline
    call.catalog.save(current.having(dateLastRun=iso(call.now), lastRunStatus="PENDING"))
    return image


def begin_image(
    call: Call,
    parameters: Mapping[str, Any],
    *,
    build_type: str = "USER_INITIATED",
    pipeline: Resource | None = None,
    tags: Mapping[str, str] | None = None,
    because: Mapping[str, Any] | None = None,
) -> Resource:
    """Make the record of the next image of a recipe and have it built when it is its turn."""
    require_turn(call)
    member = next(name for name in RECIPES if parameters.get(name))
    recipe = _part(call, parameters[member])
    infrastructure = _part(call, parameters["infrastructureConfigurationArn"])
    distribution = parameters.get("distributionConfigurationArn")
    kind = "AMI" if member == "imageRecipeArn" else "DOCKER"
    document = {
        "type": kind,
        "owner": call.account.id,
        "name": recipe.document["name"],
        "platform": PLATFORM,
        "enhancedImageMetadataEnabled": parameters.get("enhancedImageMetadataEnabled", True),
        "state": {"status": "PENDING"},
        member.removesuffix("Arn"): shown(call, recipe),
        "infrastructureConfiguration": shown(call, infrastructure),
        "imageTestsConfiguration": TESTS | (parameters.get("imageTestsConfiguration") or {}),
        "outputResources": {"amis": []} if kind == "AMI" else {"containers": []},
        "buildType": build_type,
        "imageSource": "CUSTOM",
        **{name: parameters[name] for name in CARRIED if parameters.get(name)},
    }
    if distribution:
        document["distributionConfiguration"] = shown(call, _part(call, distribution))
    if pipeline is not None:
        document |= {"sourcePipelineName": pipeline.document["name"], "sourcePipelineArn": pipeline.id}
    inner = {"attempt": 1, **({"because": dict(because)} if because else {})}
    if pipeline is not None and "cleanup" in pipeline.inner:
        inner["cleanup"] = pipeline.inner["cleanup"]
    slug, version = recipe.name.split("/")
    image = add_build(call, "image", slug, version, document, tags=tags, state="PENDING", inner=inner)
    call.later(call.cloud.builds.submit_pending)
    return image


def require_turn(call: Call) -> None:
    """Refuse one more build than an account may have at once."""
    most = call.cloud.settings.quotas.get("image", MOST_AT_ONCE)
    states = ("PENDING", "CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING")
    running = call.catalog.find(Query("image-build", owners=(call.account.id,), states=states))
    if sum(1 for _ in running) >= most:
        raise AwsError(
            "ServiceQuotaExceededException", f"You have reached the maximum number of concurrent builds: {most}."
        )


def shown(call: Call, resource: Resource) -> dict[str, Any]:
    """Return a resource's document as images carry it."""
    return {**resource.document, "tags": call.catalog.tags(resource)}


def _part(call: Call, text: str) -> Resource:
    found = find(call.catalog, Arn.parse(text))
    if found is None:
        raise invalid(call.operation, "request", f"The resource '{text}' does not exist.")
    return found
