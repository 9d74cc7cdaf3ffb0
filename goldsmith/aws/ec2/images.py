"""AMIs as DescribeImages lists them, each caller as much as it may see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.allowed_images import DISABLED, ENABLED, allowed_images
from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.image_deprecation import is_deprecated
from goldsmith.aws.ec2.image_sources import visible_sources
from goldsmith.aws.ec2.marketplace import owner_alias
from goldsmith.aws.ec2.own_images import DEREGISTERED, was_deregistered
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import EVERYBODY, LISTED, PUBLIC, Query, Resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.aws.call import Call

NAME = re.compile(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}")
LISTED_STATES = ("available", "pending", "failed", "disabled", "error", "invalid", "transient")
OWNER_ALIASES = {"amazon": PUBLIC, LISTED: LISTED, "aws-backup-vault": "aws-backup-vault"}
"""Owners by alias: the house's account has no AMIs, products of the marketplace are shared under their own name."""

FILTERS = {
    "architecture": "Architecture",
    "block-device-mapping.delete-on-termination": "BlockDeviceMappings[].Ebs.DeleteOnTermination",
    "block-device-mapping.device-name": "BlockDeviceMappings[].DeviceName",
    "block-device-mapping.snapshot-id": "BlockDeviceMappings[].Ebs.SnapshotId",
    "block-device-mapping.volume-size": "BlockDeviceMappings[].Ebs.VolumeSize",
    "block-device-mapping.volume-type": "BlockDeviceMappings[].Ebs.VolumeType",
    "block-device-mapping.encrypted": "BlockDeviceMappings[].Ebs.Encrypted",
    "boot-mode": "BootMode",
    "creation-date": "CreationDate",
    "description": "Description",
    "ena-support": "EnaSupport",
    "free-tier-eligible": "FreeTierEligible",
    "hypervisor": "Hypervisor",
    "image-allowed": "ImageAllowed",
    "image-id": "ImageId",
    "image-watermark.source-image-creation-time": "ImageWatermarks[].SourceImageCreationTime",
    "image-watermark.source-image-id": "ImageWatermarks[].SourceImageId",
    "image-watermark.source-image-region": "ImageWatermarks[].SourceImageRegion",
    "image-watermark.watermark-creation-time": "ImageWatermarks[].WatermarkCreationTime",
    "image-watermark.watermark-key": "ImageWatermarks[].WatermarkKey",
    "image-type": "ImageType",
    "instance-type-specification.supported-instance-type": (
        "InstanceTypeSpecification.SupportedInstanceTypes[].InstanceType"
    ),
    "instance-type-specification.unsupported-instance-type": (
        "InstanceTypeSpecification.UnsupportedInstanceTypes[].InstanceType"
    ),
    "is-public": "Public",
    "kernel-id": "KernelId",
    "manifest-location": "ImageLocation",
    "name": "Name",
    "owner-alias": "ImageOwnerAlias",
    "owner-id": "OwnerId",
    "platform": "Platform",
    "product-code": "ProductCodes[].ProductCodeId",
    "product-code.type": "ProductCodes[].ProductCodeType",
    "public-ssm-parameter-name": "PublicSsmParameterName",
    "ramdisk-id": "RamdiskId",
    "root-device-name": "RootDeviceName",
    "root-device-type": "RootDeviceType",
    "scan-result.critical-fix-available-since": "ScanResults.CriticalFixAvailableSince",
    "scan-result.finding-scan-date": "ScanResults.FindingScanDate",
    "scan-result.high-fix-available-since": "ScanResults.HighFixAvailableSince",
    "scan-result.highest-finding-severity-label": "ScanResults.HighestFindingSeverityLabel",
    "scan-result.informational-fix-available-since": "ScanResults.InformationalFixAvailableSince",
    "scan-result.low-fix-available-since": "ScanResults.LowFixAvailableSince",
    "scan-result.medium-fix-available-since": "ScanResults.MediumFixAvailableSince",
    "source-image-id": "SourceImageId",
    "source-image-region": "SourceImageRegion",
    "source-instance-id": "SourceInstanceId",
    "state": "State",
    "state-reason-code": "StateReason.Code",
    "state-reason-message": "StateReason.Message",
    "sriov-net-support": "SriovNetSupport",
    "virtualization-type": "VirtualizationType",
}


def show_images(call: Call, images: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return images as DescribeImages shows them, without tags."""
    public = call.catalog.public_among(images)
    listed = call.catalog.listed_among(images)
    allowed = allowed_images(call)
    sources = visible_sources(call, images)
    items = []
    for image in images:
        alias = owner_alias(image, listed)
        item = {
            **image.document,
            "ImageId": image.id,
            "Name": image.name,
            "State": image.state,
            "OwnerId": image.account,
            "Public": image.id in public,
            "ImageLocation": f"{image.account}/{image.name}",
            "CreationDate": iso(image.created),
            **sources.get(image.id, {}),
        }
        if alias:
            item["ImageOwnerAlias"] = alias
        if allowed.state != DISABLED:
            item["ImageAllowed"] = allowed.allows(image, alias)
        items.append(item)
    return items


LISTING = Listing(
    kind="image",
    ids="ImageIds",
    filters=FILTERS,
    show=show_images,
    columns={
        "image-id": "ids",
        "name": "names",
        "state": "states",
        "owner-id": "owners",
        "block-device-mapping.snapshot-id": "uses",
    },
)


@ec2.operation()
def describe_images(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the AMIs that the caller may launch, or of the owners and executable users asked for.

    Deprecated ones of others show when asked for by id or with IncludeDeprecated, disabled ones to their owner by id,
    with IncludeDisabled or by state. Those that the account does not allow itself are left out.
    """
    by_id = bool(parameters.get("ImageIds"))
    with_disabled = by_id or parameters.get("IncludeDisabled") or "disabled" in _exact(parameters, "state")
    with_deprecated = by_id or parameters.get("IncludeDeprecated")
    allowed = allowed_images(call)

    def keep(image: Resource) -> bool:
        mine = image.account == call.account.id
        if image.state == DEREGISTERED or (image.state == "disabled" and not (mine and with_disabled)):
            return False
        if not (mine or with_deprecated) and is_deprecated(image, call.now):
            return False
        return allowed.state != ENABLED or allowed.allows(image, owner_alias(image, call.catalog.listed_among([image])))

    grantees, given = _executable_by(call, parameters)
    items, more = describe(
        call,
        parameters,
        LISTING,
        owners=_owners(call, parameters),
        grantees=grantees,
        given=given,
        keep=keep,
        tolerate=lambda image: was_deregistered(call.catalog, image),
    )
    return {"Images": items, **more}


def image_document(**members: Any) -> dict[str, Any]:
    """Return an image's document with what every image has; members that are None are left out."""
    usual = {
        "Description": "",
        "ImageType": "machine",
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "ProductCodes": [],
        "DeregistrationProtection": "disabled",
    }
    return {name: value for name, value in {**usual, **members}.items() if value is not None}


def require_name(call: Call, name: str) -> str:
    """Return an AMI's name. Raises AwsError when it is malformed, or an AMI of the caller's here has it."""
    if not NAME.fullmatch(name):
        raise AwsError(
            "InvalidAMIName.Malformed",
            "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', "
            "'-', '/' and '_'",
        )
    query = Query("image", names=(name,), owners=(call.account.id,), states=LISTED_STATES)
    if taken := next(call.catalog.find(query), None):
        raise AwsError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {taken.id}")
    return name


def _owners(call: Call, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the owners that a request asks for, as a query has them; () for any. Raises AwsError for none."""
    asked = parameters.get("Owners") or ()
    if not asked and set(aliases := _exact(parameters, "owner-alias")) & OWNER_ALIASES.keys():
        asked = [alias for alias in aliases if alias in OWNER_ALIASES]
    owners = [OWNER_ALIASES.get(owner, owner) if owner != "self" else call.account.id for owner in asked]
    for owner in owners:
        if owner not in OWNER_ALIASES.values() and not re.fullmatch(r"[0-9]{12}", owner):
            raise AwsError("InvalidUserID.Malformed", f'Invalid user id: "{owner[:200]}"')
    return tuple(owners)


def _executable_by(call: Call, parameters: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return whom ExecutableUsers asks about: names under which others share, and to whom the caller itself does."""
    asked = parameters.get("ExecutableUsers") or ()
    if not asked and _exact(parameters, "is-public") == ("true",):
        return (EVERYBODY, LISTED), ()
    grantees: list[str] = []
    given: list[str] = []
    for user in asked:
        if user in {"self", call.account.id}:
            grantees += call.account.grantees
        elif user == "all":
            grantees += [EVERYBODY, LISTED]
        elif re.fullmatch(r"[0-9]{12}", user):
            given.append(user)
        else:
            raise AwsError("InvalidUserID.Malformed", f'Invalid user id: "{user[:200]}"')
    return tuple(grantees), tuple(given)


def _exact(parameters: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the values of the filters of a name, as they were given."""
    return tuple(
        value
        for each in parameters.get("Filters") or ()
        if each.get("Name") == name
        for value in each.get("Values") or ()
    )
