"""Block device mappings: as an image has them, and as a launch lays its own over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import missing, require_form
from goldsmith.aws.ec2.snapshot_records import require_unencrypted
from goldsmith.aws.ec2.snapshot_tiers import require_standard
from goldsmith.aws.errors import AwsError
from goldsmith.catalog.resources import lend

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

DEFAULT_TYPE = "gp2"
LARGEST = 65536
"""GiB."""


@dataclass(frozen=True)
class LaunchVolume:
    """A volume that a launch makes: its settings in AWS's shape, whole, and its snapshot's map, empty for none."""

    device: str
    settings: Mapping[str, Any]
    map: str


def for_image(call: Call, mappings: Sequence[Mapping[str, Any]], root: str) -> list[dict[str, Any]]:
    """Return a RegisterImage's mappings whole, each with its snapshot's size. Raises AwsError for what cannot be."""
    seen: set[str] = set()
    whole: list[dict[str, Any]] = []
    for mapping in mappings:
        device = require_device(mapping, seen)
        if "VirtualName" in mapping:
            whole.append({"DeviceName": device, "VirtualName": mapping["VirtualName"]})
        elif "NoDevice" not in mapping:
            whole.append({"DeviceName": device, "Ebs": _image_ebs(call, device, mapping.get("Ebs") or {})})
    if not any(mapping["DeviceName"] == root and "SnapshotId" in mapping.get("Ebs", {}) for mapping in whole):
        raise AwsError("InvalidBlockDeviceMapping", f"No snapshot is given for the root device {root}.")
    return whole


def _image_ebs(call: Call, device: str, ebs: Mapping[str, Any]) -> dict[str, Any]:
    if not ebs.get("SnapshotId"):
        return whole_ebs(device, ebs, None)
    if ebs.get("Encrypted") is not None:
        raise AwsError(
            "InvalidParameter", f"The parameter 'encrypted' cannot be specified with the snapshot of {device}."
        )
    return whole_ebs(device, ebs, find_snapshot(call, str(ebs["SnapshotId"])))


def for_launch(call: Call, image: Resource, asked: Sequence[Mapping[str, Any]]) -> list[LaunchVolume]:
    """Return the volumes of a launch: the image's mappings with the request's laid over them by device name.

    A volume that only the request names outlives its instance unless it says otherwise.
    """
    root = str(image.document.get("RootDeviceName", ""))
    own = image.document.get("BlockDeviceMappings", [])
    merged = {str(mapping["DeviceName"]): dict(mapping) for mapping in own}
    seen: set[str] = set()
    for mapping in asked:
        device = require_device(mapping, seen)
        if "NoDevice" in mapping:
            if device == root:
                raise AwsError("InvalidBlockDeviceMapping", f"The root device {root} cannot be left out.")
            merged.pop(device, None)
        elif "Ebs" in mapping:
            there = merged.get(device, {}).get("Ebs", {})
            changes = {name: value for name, value in mapping["Ebs"].items() if value is not None}
            if device == root and changes.get("SnapshotId") not in {None, there.get("SnapshotId")}:
                raise AwsError("InvalidBlockDeviceMapping", "The root device's snapshot cannot be changed at launch.")
            kept = {} if there or device == root else {"DeleteOnTermination": False}
            merged[device] = {"DeviceName": device, "Ebs": {**kept, **there, **changes}}
    lent = {str(mapping.get("Ebs", {}).get("SnapshotId", "")) for mapping in own}
    return [
        _launch_volume(call, device, mapping["Ebs"], lent) for device, mapping in merged.items() if "Ebs" in mapping
    ]


def require_device(mapping: Mapping[str, Any], seen: set[str]) -> str:
    """Return a mapping's device name. Raises AwsError for none, or one that was there before."""
    device = str(mapping.get("DeviceName") or "")
    if not device:
        raise AwsError("MissingParameter", "The request must contain the parameter BlockDeviceMapping.DeviceName")
    if device in seen:
        raise AwsError(
            "InvalidBlockDeviceMapping", f"The device '{device}' is used in more than one block-device mapping"
        )
    seen.add(device)
    return device


def find_snapshot(call: Call, identifier: str, lent: Container[str] = ()) -> Resource:
    """Return a completed snapshot that the caller may use: its own, shared with it, or lent by an image it launches.

    Raises AwsError for any other.
    """
    require_form("snapshot", identifier)
    found = call.catalog.get("snapshot", identifier)
    if found is None and identifier in lent:
        found = lend(call.catalog.connection, "snapshot", identifier, call.region)
    if found is None:
        raise missing("snapshot", [identifier])
    if found.state != "completed":
        raise AwsError("IncorrectState", f"Snapshot '{identifier}' is not 'completed'.")
    require_standard(found, call.now)
    return found


def whole_ebs(device: str, ebs: Mapping[str, Any], snapshot: Resource | None) -> dict[str, Any]:
    """Return a volume's settings with its size and defaults. Raises AwsError for what cannot be."""
    whole = {name: value for name, value in ebs.items() if value is not None}
    require_unencrypted(encrypted=whole.get("Encrypted"), key=whole.get("KmsKeyId"))
    if snapshot is not None:
        least = int(snapshot.document["VolumeSize"])
        size = int(whole.get("VolumeSize") or least)
        if size < least:
            raise AwsError(
                "InvalidBlockDeviceMapping",
                f"Volume of size {size}GB is smaller than snapshot '{snapshot.id}', expect size >= {least}GB",
            )
        whole["VolumeSize"] = size
    elif not whole.get("VolumeSize"):
        raise AwsError("InvalidBlockDeviceMapping", f"Either snapshot ID or volume size must be provided for: {device}")
    if not 1 <= int(whole["VolumeSize"]) <= LARGEST:
        raise AwsError("InvalidParameterValue", f"Volume of {whole['VolumeSize']}GiB is not between 1 and {LARGEST}GiB")
    return {"DeleteOnTermination": True, "VolumeType": DEFAULT_TYPE, "Encrypted": False, **whole}


def _launch_volume(call: Call, device: str, ebs: Mapping[str, Any], lent: Container[str]) -> LaunchVolume:
    snapshot = find_snapshot(call, str(ebs["SnapshotId"]), lent) if ebs.get("SnapshotId") else None
    return LaunchVolume(device, whole_ebs(device, ebs, snapshot), str(snapshot.inner["map"]) if snapshot else "")
