"""DistributeImage: an AMI that is there becomes an image whose only stage is its distribution (2.10, 7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.builds import require_turn, shown
from goldsmith.aws.imagebuilder.creating import add_build
from goldsmith.aws.imagebuilder.managed import PLATFORM
from goldsmith.aws.imagebuilder.pipelines import TESTS
from goldsmith.aws.imagebuilder.references import find, parse_arn, require
from goldsmith.aws.imagebuilder.refusals import invalid, not_found
from goldsmith.aws.operations import imagebuilder
from goldsmith.aws.ssm.records import SECRET, find_parameter
from goldsmith.documents.arns import Arn, ArnError, slug_of
from goldsmith.pipelines.distribution.naming import ARN_TAG

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

SOURCE = "sourceImage"
PARAMETER = "ssm:"
FIRST = "1.0.0"
"""The version of an image that is made of an AMI which no image here has put out."""

USABLE = ("AVAILABLE", "DEPRECATED")
CARRIED = ("imageRecipe", "infrastructureConfiguration", "osVersion", "platform", "imageSource")
"""What the new image has of the one whose AMI it distributes."""

_AMI = re.compile(r"ami-[0-9a-f]{8,17}")
_NO_NAME = re.compile(r"[^-_A-Za-z0-9]+")
_LONGEST_NAME = 126
_SHORTEST_NAME = 3


@imagebuilder.operation(
    deviation="The image has the name and version of the one that the AMI is of, else the AMI's name and 1.0.0."
)
def distribute_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to distribute an AMI: one that is named, one that a parameter holds, or that of an image."""
    configuration = require(
        call,
        parameters["distributionConfigurationArn"],
        "distribution-configuration",
        path="distributionConfigurationArn",
    )
    ami, image = _source(call, parameters[SOURCE])
    require_turn(call)
    name, slug, version = _named(ami, image)
    document = {
        "type": "AMI",
        "owner": call.account.id,
        "name": name,
        "platform": PLATFORM,
        "imageSource": "CUSTOM",
        "buildType": "USER_INITIATED",
        "enhancedImageMetadataEnabled": False,
        "state": {"status": "PENDING"},
        "imageTestsConfiguration": {**TESTS, "imageTestsEnabled": False},
        "distributionConfiguration": shown(call, configuration),
        "outputResources": {"amis": []},
        **({member: image.document[member] for member in CARRIED if member in image.document} if image else {}),
        "executionRole": parameters["executionRole"],
        **{member: parameters[member] for member in ("loggingConfiguration",) if parameters.get(member)},
    }
    inner = {"attempt": 1, "stages": ["DISTRIBUTION"], "given": {"ImageId": ami.id}}
    tags = parameters.get("tags")
    made = add_build(call, "image", slug, version, document, tags=tags, state="PENDING", inner=inner)
    call.later(call.cloud.builds.submit_pending)
    return {"imageBuildVersionArn": made.id}


def _source(call: Call, text: str) -> tuple[Resource, Resource | None]:
    """Return the AMI that a sourceImage means, and the image that it is of, where there is one that the caller sees."""
    meant = _parameter(call, text.removeprefix(PARAMETER)) if text.startswith(PARAMETER) else text
    if _AMI.fullmatch(meant):
        ami = _ami(call, meant, text)
        return ami, _image_of(call, ami)
    image = find(call.catalog, parse_arn(call.operation, meant, "image", path=SOURCE), states=USABLE[:1])
    if image is None:
        raise not_found(text)
    if image.state not in USABLE:
        raise invalid(call.operation, SOURCE, f"The image '{image.id}' is {image.state}.")
    amis = (image.document.get("outputResources") or {}).get("amis") or ()
    here = [each["image"] for each in amis if each["region"] == call.region]
    mine = [each["image"] for each in amis if (each["region"], each.get("accountId")) == (call.region, call.account.id)]
    if not here:
        raise invalid(call.operation, SOURCE, f"The image '{image.id}' has no AMI in {call.region}.")
    return _ami(call, (mine or here)[0], text), image


def _parameter(call: Call, name: str) -> str:
    try:
        _, version, _ = find_parameter(call, name)
    except AwsError as missing:
        raise not_found(f"{PARAMETER}{name}") from missing
    if version.document["Type"] == SECRET:
        raise invalid(call.operation, SOURCE, f"The parameter '{name[:200]}' is a secret, not the id of an AMI.")
    return str(version.document["Value"])


def _ami(call: Call, identifier: str, text: str) -> Resource:
    ami = call.catalog.get("image", identifier)
    if ami is None:
        raise not_found(text)
    if ami.state != "available":
        raise invalid(call.operation, SOURCE, f"The AMI {identifier} is {ami.state}.")
    return ami


def _image_of(call: Call, ami: Resource) -> Resource | None:
    """Return the caller's image that has put an AMI out, as the AMI's tag says."""
    if ami.account != call.account.id:
        return None
    try:
        arn = Arn.parse(call.catalog.tags(ami).get(ARN_TAG, ""))
    except ArnError:
        return None
    image = find(call.catalog, arn) if arn.kind == "image" else None
    return image if image is not None and image.account == call.account.id else None


def _named(ami: Resource, image: Resource | None) -> tuple[str, str, str]:
    """Return the new image's name, slug and version."""
    if image is not None:
        slug, version = image.name.split("/")
        return str(image.document["name"]), slug, version
    name = _NO_NAME.sub("-", ami.name).strip("-")[:_LONGEST_NAME].strip("-")
    if len(name) < _SHORTEST_NAME:
        name = ami.id
    return name, slug_of(name), FIRST
