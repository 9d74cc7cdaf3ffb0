"""An AMI's record as a bundle holds it, and what of such a record is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.block_devices import DEFAULT_TYPE, LARGEST, require_device
from goldsmith.aws.ec2.images import image_document
from goldsmith.aws.errors import AwsError
from goldsmith.aws.image_bundle import BundleError
from goldsmith.aws.models import find_operation
from goldsmith.aws.validation import validate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.catalog.resources import Resource

MEMBERS = (
    "Description",
    "Architecture",
    "RootDeviceName",
    "VirtualizationType",
    "EnaSupport",
    "SriovNetSupport",
    "BootMode",
    "TpmSupport",
    "ImdsSupport",
)
"""What RegisterImage takes of an image: its model says what may stand in them."""

EBS_MEMBERS = ("VolumeType", "Iops", "Throughput", "DeleteOnTermination")
MOST_MAPPINGS = 40


def record_of(
    image: Resource, maps: Mapping[str, str], sizes: Mapping[str, int], tags: Mapping[str, str]
) -> dict[str, Any]:
    """Return what a bundle says of an AMI; ``maps`` and ``sizes`` (GiB) are by snapshot."""
    document = {name: image.document[name] for name in (*MEMBERS, "BlockDeviceMappings") if name in image.document}
    return {
        "name": image.name,
        "source": {"image": image.id, "region": image.region},
        "document": document,
        "maps": dict(maps),
        "sizes": dict(sizes),
        "tags": dict(tags),
    }


def snapshots_of_record(record: Mapping[str, Any]) -> dict[str, int]:
    """Return the sizes in GiB of a bundle's snapshots. Raises BundleError for a record that cannot be."""
    maps, sizes = record.get("maps"), record.get("sizes")
    if not isinstance(maps, dict) or not isinstance(sizes, dict) or set(maps) != set(sizes) or not maps:
        raise BundleError("The bundle's record does not tell which snapshots it has.")
    for size in sizes.values():
        if not isinstance(size, int) or not 1 <= size <= LARGEST:
            raise BundleError("The bundle's record has a snapshot of an impossible size.")
    if not all(isinstance(name, str) for name in maps.values()):
        raise BundleError("The bundle's record names no maps.")
    return {str(name): size for name, size in sizes.items()}


def image_of_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a bundle's AMI, as far as RegisterImage would take it. Raises BundleError."""
    said = record.get("document")
    if not isinstance(said, dict):
        raise BundleError("The bundle's record describes no image.")
    try:
        members = {name: said[name] for name in MEMBERS if said.get(name) is not None}
        mappings = _mappings(said.get("BlockDeviceMappings"), record)
        operation = find_operation("ec2", "RegisterImage")
        if operation is None or any(not isinstance(value, (str, bool)) for value in members.values()):
            raise BundleError("The bundle's record describes an impossible image.")
        validate(operation, {"Name": "bundle", "BlockDeviceMappings": mappings, **members})
        if not any(each["DeviceName"] == members.get("RootDeviceName") for each in mappings):
            raise BundleError("The bundle's image has no root device.")
    except (AwsError, AttributeError, TypeError, ValueError, KeyError) as wrong:
        raise BundleError(f"The bundle's record describes an impossible image: {wrong}.") from wrong
    source = record.get("source") if isinstance(record.get("source"), dict) else {}
    return image_document(
        **members,
        BlockDeviceMappings=mappings,
        SourceImageId=_short(source, "image"),
        SourceImageRegion=_short(source, "region"),
    )


def _mappings(said: Any, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    seen: set[str] = set()
    mappings: list[dict[str, Any]] = []
    for mapping in list(said)[:MOST_MAPPINGS]:
        device = require_device(mapping, seen)
        if "Ebs" not in mapping:
            mappings.append({"DeviceName": device, "VirtualName": str(mapping["VirtualName"])[:64]})
            continue
        ebs = mapping["Ebs"]
        snapshot = ebs.get("SnapshotId")
        size = int(ebs["VolumeSize"])
        if (snapshot is not None and size < record["sizes"][snapshot]) or not 1 <= size <= LARGEST:
            raise ValueError(f"{device} has {size} GiB")
        kept = {name: ebs[name] for name in EBS_MEMBERS if ebs.get(name) is not None}
        whole = {
            "VolumeType": DEFAULT_TYPE,
            "DeleteOnTermination": True,
            **kept,
            "VolumeSize": size,
            "Encrypted": False,
        }
        mappings.append({"DeviceName": device, "Ebs": {**whole, **({"SnapshotId": snapshot} if snapshot else {})}})
    return mappings


def _short(source: Any, name: str) -> str | None:
    value = source.get(name) if isinstance(source, dict) else None
    return value[:64] if isinstance(value, str) else None
