"""A template's AWS::ImageBuilder::Image: built once, and again when what it is made of is another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.cli.applying.change import Change, Step
from goldsmith.cli.applying.image_builder import SERVICE, identity_of
from goldsmith.cli.applying.surroundings import NOT_KNOWN
from goldsmith.cli.here import RefusedError
from goldsmith.documents.templates.scope import Identity

if TYPE_CHECKING:
    from goldsmith.cli.here import Here

ENDED_BADLY = {"FAILED", "CANCELLED", "DELETED"}
PARTS = {
    "imageRecipeArn": "imageRecipe",
    "containerRecipeArn": "containerRecipe",
    "infrastructureConfigurationArn": "infrastructureConfiguration",
    "distributionConfigurationArn": "distributionConfiguration",
}
"""The members of CreateImage, and where GetImage has what they name."""


def plan_image(here: Here, parameters: dict[str, Any]) -> Change:
    """Return what builds an image, unless there is one of the same recipe and configurations."""
    recipe = parameters.get("imageRecipeArn") or parameters.get("containerRecipeArn") or ""
    head = recipe.replace(":image-recipe/", ":image/").replace(":container-recipe/", ":image/")
    name = head.partition("/")[2]
    builds = _builds(here, head)
    step = Step(SERVICE, "CreateImage", parameters)
    for summary in reversed(builds):
        if summary["state"]["status"] in ENDED_BADLY:
            continue
        image = here.call(SERVICE, "GetImage", imageBuildVersionArn=summary["arn"])["image"]
        if all((image.get(part) or {}).get("arn") == parameters.get(member) for member, part in PARTS.items()):
            return Change(
                "unchanged", "image", f"{name}/{summary['arn'].rpartition('/')[2]}", image_identity(here, image)
            )
        break
    following = f"{head}/{_number(builds[-1]) + 1 if builds else 1}"
    identity = identity_of(following, "image")
    unknown = {"ImageId": NOT_KNOWN, "ImageUri": NOT_KNOWN, "Name": name.partition("/")[0]}
    return Change("create", "image", name, Identity(following, {**identity.attributes, **unknown}), (step,))


def image_identity(here: Here, image: dict[str, Any]) -> Identity:
    """Return what Ref and GetAtt give of an image; its AMI is known when it is there."""
    outputs = image.get("outputResources") or {}
    amis = [ami["image"] for ami in outputs.get("amis") or [] if ami["region"] == here.region]
    uris = [uri for each in outputs.get("containers") or [] for uri in each["imageUris"]]
    attributes = {
        **identity_of(image["arn"], "image").attributes,
        "ImageId": amis[0] if amis else NOT_KNOWN,
        "ImageUri": uris[0] if uris else NOT_KNOWN,
        "Name": image["name"],
    }
    return Identity(image["arn"], attributes)


def _builds(here: Here, head: str) -> list[dict[str, Any]]:
    """Return an image version's builds, oldest first."""
    try:
        rows = here.pages(SERVICE, "ListImageBuildVersions", "imageSummaryList", imageVersionArn=head)
    except RefusedError as refused:
        if refused.code in {"ResourceNotFoundException", "InvalidParameterValueException"}:
            return []
        raise
    return sorted(rows, key=_number)


def _number(summary: dict[str, Any]) -> int:
    return int(summary["arn"].rpartition("/")[2])
