"""AMIs: registering, describing and deregistering them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.block_devices import for_image
from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications
from goldsmith.aws.wire.times import iso, seconds
from goldsmith.catalog.resources import EVERYBODY, Query, Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.call import Call

NAME = re.compile(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}")
LISTED = ("available", "pending", "failed", "disabled", "error", "invalid", "transient")
ALIASES = {"amazon", "aws-marketplace", "aws-backup-vault"}

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
    "image-type": "ImageType",
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
    return [
        {
            **image.document,
            "ImageId": image.id,
            "Name": image.name,
            "State": image.state,
            "OwnerId": image.account,
            "Public": image.id in public,
            "ImageLocation": f"{image.account}/{image.name}",
            "CreationDate": iso(image.created),
        }
        for image in images
    ]


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
    with IncludeDisabled or by state.
    """
    by_id = bool(parameters.get("ImageIds"))
    states = {
        value
        for each in parameters.get("Filters") or ()
        if each.get("Name") == "state"
        for value in each.get("Values") or ()
    }

    def keep(image: Resource) -> bool:
        if image.state == "deregistered":
            return False
        mine = image.account == call.account.id
        if image.state == "disabled" and not (
            mine and (by_id or parameters.get("IncludeDisabled") or "disabled" in states)
        ):
            return False
        return mine or by_id or bool(parameters.get("IncludeDeprecated")) or not is_deprecated(image, call.now)

    items, more = describe(
        call,
        parameters,
        LISTING,
        owners=_owners(call, parameters),
        grantees=_grantees(call, parameters),
        keep=keep,
        tolerate=lambda image: _was_deregistered(call, image),
    )
    return {"Images": items, **more}


@ec2.operation()
def register_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make an AMI of snapshots."""
    tags = parse_specifications(parameters.get("TagSpecifications"), ("image",)).get("image", {})
    name = require_name(call, parameters["Name"])
    root = parameters.get("RootDeviceName") or "/dev/sda1"
    mappings = for_image(call, parameters.get("BlockDeviceMappings") or [], root)
    hvm = parameters.get("VirtualizationType") == "hvm"
    if not hvm and (parameters.get("EnaSupport") or parameters.get("SriovNetSupport")) and "BootMode" in parameters:
        raise AwsError("InvalidParameterCombination", "Enhanced networking is only supported for HVM images.")
    if parameters.get("TpmSupport") and parameters.get("BootMode") != "uefi":
        raise AwsError("InvalidParameterCombination", "The TpmSupport parameter requires BootMode to be uefi.")
    document = image_document(
        Description=parameters.get("Description") or "",
        Architecture=parameters.get("Architecture") or "i386",
        RootDeviceName=root,
        VirtualizationType=parameters.get("VirtualizationType") or "paravirtual",
        BlockDeviceMappings=mappings,
        EnaSupport=parameters.get("EnaSupport"),
        SriovNetSupport=parameters.get("SriovNetSupport"),
        BootMode=parameters.get("BootMode"),
        TpmSupport=parameters.get("TpmSupport"),
        ImdsSupport=parameters.get("ImdsSupport"),
        KernelId=parameters.get("KernelId"),
        RamdiskId=parameters.get("RamdiskId"),
    )
    image = Resource(
        new_id("ami"),
        "image",
        call.account.id,
        call.region,
        name,
        "available",
        call.now,
        document,
        {"uefi_data": parameters["UefiData"]} if parameters.get("UefiData") else {},
    )
    call.catalog.add(image, tags)
    return {"ImageId": image.id}


@ec2.operation()
def deregister_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take an AMI out of the catalogue; its instances live on, and its snapshots unless they are to go too."""
    image = owned(call, "image", parameters["ImageId"])
    if image.state == "deregistered":
        raise AwsError("InvalidAMIID.Unavailable", f"The image id '[{image.id}]' is no longer available")
    if str(image.document.get("DeregistrationProtection", "disabled")) != "disabled":
        raise AwsError(
            "OperationNotPermitted",
            f"The image '{image.id}' is protected from deregistration. Disable its deregistration protection first.",
        )
    call.catalog.share(image, remove=call.catalog.grantees(image))
    call.catalog.save(image.having(state="deregistered").knowing(deregistered=call.now))
    return {"Return": True, "DeleteSnapshotResults": []}


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
    query = Query("image", names=(name,), owners=(call.account.id,), states=LISTED)
    if taken := next(call.catalog.find(query), None):
        raise AwsError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {taken.id}")
    return name


def is_deprecated(image: Resource, now: float) -> bool:
    """Tell whether an image's deprecation time has come."""
    when = image.document.get("DeprecationTime")
    return bool(when) and seconds(str(when)) <= now


def _was_deregistered(call: Call, identifier: str) -> bool:
    """Tell whether the caller had such an image: clients that poll for its end take an empty list for it."""
    image = call.catalog.own("image", identifier)
    return image is not None and image.state == "deregistered"


def _owners(call: Call, parameters: dict[str, Any]) -> tuple[str, ...]:
    """Return the account ids that Owners asks for, () for any. An alias is of no account here."""
    return tuple(call.account.id if owner == "self" else owner for owner in parameters.get("Owners") or ())


def _grantees(call: Call, parameters: dict[str, Any]) -> tuple[str, ...]:
    """Return whom ExecutableUsers asks about, as shares name them."""
    grantees: list[str] = []
    for user in parameters.get("ExecutableUsers") or ():
        if user == "self":
            grantees += call.account.grantees
        else:
            grantees.append(EVERYBODY if user == "all" else user)
    return tuple(grantees)
