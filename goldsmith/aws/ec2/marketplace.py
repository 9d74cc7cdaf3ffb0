"""What an account may do with an AMI that it sees: launch it, copy it, run a type of instance from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.allowed_images import allowed_images
from goldsmith.aws.ec2.ids import missing, require_form
from goldsmith.aws.ec2.image_sources import visible_sources
from goldsmith.aws.ec2.own_images import unavailable, was_deregistered
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filter
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.accounts import Account
from goldsmith.catalog.catalog import Catalog
from goldsmith.catalog.marketplace import foreign_codes, missing_subscriptions
from goldsmith.catalog.resources import LISTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource


def require_launchable(call: Call, identifier: str) -> Resource:
    """Return an AMI that the caller may launch.

    Raises AwsError: NotFound for one that it cannot see or does not allow itself, Unavailable for one that is
    deregistered, disabled or not ready, OptInRequired for a product that it has not subscribed to.
    """
    image = _require_visible(call, call.catalog, identifier)
    if codes := missing_subscriptions(call.catalog, image):
        raise AwsError(
            "OptInRequired",
            "In order to use this AWS Marketplace product you need to accept terms and subscribe. To do so: "
            f"goldsmith marketplace subscribe {codes[0]}",
        )
    return image


def require_copyable(call: Call, catalog: Catalog, identifier: str) -> Resource:
    """Return an AMI of the region of ``catalog`` that the caller may copy: one that it sees, of no other's product.

    Whether it may read the snapshots is not looked at. Raises AwsError otherwise.
    """
    image = _require_visible(call, catalog, identifier)
    if foreign_codes(catalog, image):
        raise AwsError(
            "InvalidRequest", f"The image '{image.id}' has a product code of another account and cannot be copied."
        )
    return image


def require_instance_type(image: Resource, instance_type: str) -> None:
    """Raise AwsError when an AMI's instance type specification leaves a type out."""
    specification = image.document.get("InstanceTypeSpecification") or {}
    supported = specification.get("SupportedInstanceTypes") or ()
    unsupported = specification.get("UnsupportedInstanceTypes") or ()
    if (supported and not _among(supported, instance_type)) or _among(unsupported, instance_type):
        raise AwsError(
            "InvalidParameterCombination",
            f"The instance type '{instance_type}' is not supported by the image '{image.id}', as its instance type "
            "specification says.",
        )


def record_launch(call: Call, image: Resource) -> None:
    """Note on an AMI, whoever owns it, that it was launched now."""
    owner = Catalog(call.catalog.connection, Account(image.account, ""), call.region)
    if current := owner.own("image", image.id):
        owner.save(current.having(LastLaunchedTime=iso(call.now)))


def image_facts(call: Call, images: Sequence[Resource]) -> dict[str, dict[str, Any]]:
    """Return what DescribeInstanceImageMetadata tells of AMIs that the caller sees, by id.

    An instance remembers it of its AMI from its launch on, as that may be gone or withdrawn when somebody asks.
    """
    listed, public = call.catalog.listed_among(images), call.catalog.public_among(images)
    sources = visible_sources(call, images)
    found = {}
    for image in images:
        facts = {
            "ImageId": image.id,
            "Name": image.name,
            "OwnerId": image.account,
            "State": image.state,
            "ImageOwnerAlias": owner_alias(image, listed) or None,
            "CreationDate": iso(image.created),
            "DeprecationTime": image.document.get("DeprecationTime"),
            "IsPublic": image.id in public,
            "ImageWatermarks": {**image.document, **sources.get(image.id, {})}.get("ImageWatermarks"),
        }
        found[image.id] = {name: value for name, value in facts.items() if value is not None}
    return found


def owner_alias(image: Resource, listed: set[str]) -> str:
    """Return the alias of an image's owner, of which there is one here: of products of the marketplace."""
    return LISTED if image.id in listed else ""


def _require_visible(call: Call, catalog: Catalog, identifier: str) -> Resource:
    require_form("image", identifier)
    if was_deregistered(catalog, identifier):
        raise unavailable(identifier)
    image = catalog.get("image", identifier)
    if image is None or allowed_images(call).hides(image, owner_alias(image, catalog.listed_among([image]))):
        raise missing("image", [identifier])
    if image.state != "available":
        raise unavailable(identifier)
    return image


def _among(items: Iterable[Mapping[str, str]], instance_type: str) -> bool:
    patterns = tuple(each["InstanceType"] for each in items)
    return Filter("instance-type", patterns).matches(instance_type)
