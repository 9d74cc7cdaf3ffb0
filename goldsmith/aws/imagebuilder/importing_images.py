"""ImportVmImage and ImportDiskImage: disks from elsewhere become images that recipes can build on (2.10, 7)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from goldsmith.aws.disk_images import FORMATS, OVA
from goldsmith.aws.ec2.imports import import_image
from goldsmith.aws.ec2.task_records import IMPORT_IMAGE
from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.builds import shown
from goldsmith.aws.imagebuilder.creating import add_build
from goldsmith.aws.imagebuilder.references import require
from goldsmith.aws.imagebuilder.refusals import invalid
from goldsmith.aws.operations import imagebuilder
from goldsmith.documents.arns import slug_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

NAME = re.compile(r"[-_A-Za-z0-9][-_A-Za-z0-9 ]{1,126}[-_A-Za-z0-9]")
LOGS = "/aws/imagebuilder/"
KEPT = ("osVersion", "loggingConfiguration", "executionRole")


@imagebuilder.operation(
    deviation="The task is one of ImportImage here. Names are those of other images, as their ARNs are made of them."
)
def import_vm_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make an image of what an ImportImage task brings; it is AVAILABLE or FAILED when the task is over."""
    _require_name(call, parameters["name"])
    task = call.catalog.own(IMPORT_IMAGE, parameters["vmImportTaskId"])
    if task is None:
        raise invalid(
            call.operation,
            "vmImportTaskId",
            f"There is no import task '{parameters['vmImportTaskId'][:64]}' of this account in {call.region}.",
        )
    if parameters["platform"] != task.document["Platform"]:
        raise invalid(
            call.operation, "platform", f"The task imports a disk of {task.document['Platform']}, as it was told."
        )
    group = (parameters.get("loggingConfiguration") or {}).get("logGroupName", LOGS)
    if not group.startswith(LOGS):
        raise invalid(call.operation, "loggingConfiguration.logGroupName", f"It begins with {LOGS}.")
    return {"imageArn": _begin(call, parameters, task.id).id}


@imagebuilder.operation(
    deviation="Windows ISOs are refused: installing them takes a Windows build host. Instead, a Linux disk image "
    "(raw, qcow2, vmdk, vhd, vhdx, ova) of a bucket is imported; Secure Boot is refused, uefiData is noted."
)
def import_disk_image(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to make an image of a disk image in a bucket."""
    _require_name(call, parameters["name"])
    form = _format(call, parameters)
    options = parameters.get("registerImageOptions") or {}
    _require_options(call, options)
    infrastructure = require(
        call,
        parameters["infrastructureConfigurationArn"],
        "infrastructure-configuration",
        path="infrastructureConfigurationArn",
    )
    container = {"Url": _quoted(parameters["uri"]), "Format": form}
    asked = {
        "Description": parameters.get("description"),
        "DiskContainers": [container],
        "Platform": "Linux",
        "BootMode": "uefi" if options.get("uefiData") else None,
    }
    try:
        task = str((import_image(call, asked) or {})["ImportTaskId"])
    except AwsError as refused:
        raise invalid(call.operation, "uri", refused.message) from refused
    facts = {"uefi_data": options["uefiData"]} if options.get("uefiData") else {}
    members = {"infrastructureConfiguration": shown(call, infrastructure)}
    image = _begin(call, parameters, task, members, own_task=True, **facts)
    begun = call.catalog.own(IMPORT_IMAGE, task)
    if begun is not None:
        call.catalog.save(begun.knowing(image_build=image.id))
    return {"imageBuildVersionArn": image.id}


def _begin(
    call: Call,
    parameters: Mapping[str, Any],
    task: str,
    members: Mapping[str, Any] | None = None,
    **facts: Any,
) -> Resource:
    document = {
        "type": "AMI",
        "name": parameters["name"],
        "platform": parameters["platform"],
        "enhancedImageMetadataEnabled": False,
        "state": {"status": "PENDING"},
        "outputResources": {"amis": []},
        "buildType": "IMPORT",
        "imageSource": "IMPORTED",
        **(members or {}),
        **{name: parameters[name] for name in KEPT if parameters.get(name)},
    }
    return add_build(
        call,
        "image",
        slug_of(parameters["name"]),
        parameters["semanticVersion"],
        document,
        tags=parameters.get("tags"),
        state="PENDING",
        inner={"import": task, "description": parameters.get("description") or "", **facts},
    )


def _require_name(call: Call, name: str) -> None:
    if not NAME.fullmatch(name):
        raise invalid(
            call.operation,
            "name",
            "It has 3 to 128 letters, digits, hyphens and underscores, with spaces only between them.",
        )


def _format(call: Call, parameters: Mapping[str, Any]) -> str:
    """Return the format of the disk image that a request names, by its file's ending."""
    uri = str(parameters["uri"])
    ending = uri.rpartition(".")[2].upper()
    if ending == "ISO":
        raise invalid(
            call.operation,
            "uri",
            "An ISO holds an installer: AWS runs that of Windows 11 on a Windows host, and this host is Linux. Import "
            "the disk of a machine on which a system is installed, in one of the formats "
            f"{', '.join((*FORMATS, OVA)).lower()}.",
        )
    if parameters["platform"] != "Linux":
        raise invalid(
            call.operation, "platform", f"Disks of Linux are imported here, not of {parameters['platform'][:64]}."
        )
    if parameters.get("windowsConfiguration"):
        raise invalid(call.operation, "windowsConfiguration", "It is for ISOs of Windows.")
    if not uri.startswith("s3://"):
        raise invalid(call.operation, "uri", "It has the form s3://bucket/key.")
    if ending not in {*FORMATS, OVA}:
        raise invalid(
            call.operation, "uri", f"The file's name ends with its format: {', '.join((*FORMATS, OVA)).lower()}."
        )
    return ending


def _require_options(call: Call, options: Mapping[str, Any]) -> None:
    if options.get("secureBootEnabled"):
        raise invalid(
            call.operation,
            "registerImageOptions.secureBootEnabled",
            "Machines here start without Secure Boot, so that nothing would be enforced; leave it out.",
        )
    try:
        base64.b64decode(options.get("uefiData") or "", validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise invalid(call.operation, "registerImageOptions.uefiData", "It is not base64.") from wrong


def _quoted(uri: str) -> str:
    """Return an S3 URI as ImportImage takes one: its key's characters quoted, as they stand for themselves here."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return f"s3://{bucket}/{quote(key)}"
