"""AMIs made of snapshots, and taken out of the catalogue again."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.block_devices import for_image
from goldsmith.aws.ec2.image_protection import require_unprotected
from goldsmith.aws.ec2.images import image_document, require_name
from goldsmith.aws.ec2.own_images import DEREGISTERED, own_image
from goldsmith.aws.ec2.recycle_bin import keeps
from goldsmith.aws.ec2.snapshots import discard
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications
from goldsmith.catalog.resources import Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call

ROOT = "/dev/sda1"


@ec2.operation(deviation="AMIs are backed by EBS snapshots; there is no instance store.")
def register_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make an AMI of snapshots."""
    tags = parse_specifications(parameters.get("TagSpecifications"), ("image",)).get("image", {})
    name = require_name(call, parameters["Name"])
    if parameters.get("ImageLocation") and not parameters.get("BlockDeviceMappings"):
        raise AwsError("UnsupportedOperation", "There is no instance store here: register an AMI of EBS snapshots.")
    _require_sense(parameters)
    root = parameters.get("RootDeviceName") or ROOT
    document = image_document(
        Description=parameters.get("Description") or "",
        Architecture=parameters.get("Architecture") or "i386",
        RootDeviceName=root,
        VirtualizationType=parameters.get("VirtualizationType") or "paravirtual",
        BlockDeviceMappings=for_image(call, parameters.get("BlockDeviceMappings") or [], root),
        EnaSupport=parameters.get("EnaSupport"),
        SriovNetSupport=parameters.get("SriovNetSupport"),
        BootMode=parameters.get("BootMode"),
        TpmSupport=parameters.get("TpmSupport"),
        ImdsSupport=parameters.get("ImdsSupport"),
        KernelId=parameters.get("KernelId"),
        RamdiskId=parameters.get("RamdiskId"),
    )
    uefi = parameters.get("UefiData")
    inner = {"uefi_data": uefi} if uefi else {}
    image = Resource(new_id("ami"), "image", call.account.id, call.region, name, "available", call.now, document, inner)
    call.catalog.add(image, tags)
    return {"ImageId": image.id}


@ec2.operation()
def deregister_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take an AMI out of the catalogue, into the recycle bin where a rule says so.

    Its instances live on, and so do its snapshots, unless they are to go too and nothing else is made of them.
    """
    image = own_image(call, parameters["ImageId"])
    require_unprotected(image, call.now)
    if not keeps(call, image):
        call.catalog.share(image, remove=call.catalog.grantees(image))
        call.catalog.save(image.having(state=DEREGISTERED).knowing(deregistered=call.now))
    results = []
    if parameters.get("DeleteAssociatedSnapshots"):
        mapped = [mapping.get("Ebs", {}).get("SnapshotId") for mapping in image.document["BlockDeviceMappings"]]
        results = [
            {"SnapshotId": snapshot, "ReturnCode": _delete(call, snapshot)}
            for snapshot in dict.fromkeys(mapped)
            if snapshot
        ]
    return {"Return": True, "DeleteSnapshotResults": results}


def _delete(call: Call, identifier: str) -> str:
    """Delete a snapshot of a deregistered AMI; return how it went, in DeregisterImage's words."""
    snapshot = call.catalog.own("snapshot", identifier)
    if snapshot is None:
        return "missing-permissions" if call.catalog.get("snapshot", identifier) else "client-error"
    try:
        discard(call, snapshot)
    except AwsError as refusal:
        return "skipped" if refusal.code == "InvalidSnapshot.InUse" else "client-error"
    return "success"


def _require_sense(parameters: Mapping[str, Any]) -> None:
    """Raise AwsError for members that contradict each other."""
    kind = parameters.get("VirtualizationType") or "paravirtual"
    if kind not in {"hvm", "paravirtual"}:
        raise AwsError("InvalidParameterValue", f"Value ({kind[:100]}) for parameter virtualizationType is invalid.")
    if kind != "hvm" and (parameters.get("BootMode") or "").startswith("uefi"):
        raise AwsError("InvalidParameterCombination", "UEFI is only supported for HVM images.")
    if parameters.get("TpmSupport") and parameters.get("BootMode") != "uefi":
        raise AwsError("InvalidParameterCombination", "The TpmSupport parameter requires BootMode to be uefi.")
    try:
        base64.b64decode(parameters.get("UefiData") or "", validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise AwsError("InvalidParameterValue", "Invalid BASE64 encoding of UefiData") from wrong
