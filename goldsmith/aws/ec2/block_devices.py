"""Block device mappings: as an image has them, and as a launch lays its own over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import missing, require_form
from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.aws.call import Call

DEFAULT_TYPE = "gp2"
LARGEST = 65536
"""GiB."""


def for_image(call: Call, mappings: Sequence[Mapping[str, Any]], root: str) -> list[dict[str, Any]]:
    """Return a RegisterImage's mappings whole, each with its snapshot's size. Raises AwsError for what cannot be."""
    seen: set[str] = set()
    whole: list[dict[str, Any]] = []
    for mapping in mappings:
        device = require_device(mapping, seen)
        if "VirtualName" in mapping:
            whole.append({"DeviceName": device, "VirtualName": mapping["VirtualName"]})
        elif "NoDevice" not in mapping:
            whole.append({"DeviceName": device, "Ebs": whole_ebs(call, device, mapping.get("Ebs") or {}, image=True)})
    if not any(mapping["DeviceName"] == root and "SnapshotId" in mapping.get("Ebs", {}) for mapping in whole):
        raise AwsError("InvalidBlockDeviceMapping", f"No snapshot is given for the root device {root}.")
    return whole


def for_launch(
    call: Call, image: Sequence[Mapping[str, Any]], asked: Sequence[Mapping[str, Any]], root: str
) -> list[dict[str, Any]]:
    """Return the volumes of a launch: the image's mappings with the request's laid over them by device name."""
    merged = {str(mapping["DeviceName"]): dict(mapping) for mapping in image}
    seen: set[str] = set()
    for mapping in asked:
        device = require_device(mapping, seen)
        if "NoDevice" in mapping:
            if device == root:
                raise AwsError("InvalidBlockDeviceMapping", f"The root device {root} cannot be left out.")
            merged.pop(device, None)
        elif "Ebs" in mapping:
            there = merged.get(device, {}).get("Ebs", {})
            changes = dict(mapping["Ebs"])
            if device == root and changes.get("SnapshotId") not in {None, there.get("SnapshotId")}:
                raise AwsError("InvalidBlockDeviceMapping", "The root device's snapshot cannot be changed at launch.")
            merged[device] = {"DeviceName": device, "Ebs": {**there, **changes}}
        elif "VirtualName" in mapping:
            merged[device] = {"DeviceName": device, "VirtualName": mapping["VirtualName"]}
    inherited = {str(mapping["DeviceName"]): mapping.get("Ebs", {}).get("SnapshotId") for mapping in image}
    return [
        {
            "DeviceName": device,
            "Ebs": whole_ebs(call, device, mapping["Ebs"], image=False, inherited=inherited.get(device)),
        }
        for device, mapping in merged.items()
        if "Ebs" in mapping
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


def whole_ebs(
    call: Call, device: str, ebs: Mapping[str, Any], *, image: bool, inherited: str | None = None
) -> dict[str, Any]:
    """Return a volume's settings, whole. ``inherited`` is a snapshot that the image lends its launcher."""
    whole = {name: value for name, value in ebs.items() if value is not None}
    snapshot = whole.get("SnapshotId")
    if snapshot:
        least = _size_of(call, str(snapshot), inherited, whole)
        size = int(whole.get("VolumeSize") or least)
        if size < least:
            raise AwsError(
                "InvalidBlockDeviceMapping",
                f"Volume of size {size}GB is smaller than snapshot '{snapshot}', expect size >= {least}GB",
            )
        if image and "Encrypted" in ebs:
            raise AwsError(
                "InvalidParameter", f"The parameter 'encrypted' cannot be specified with the snapshot of {device}."
            )
        whole["VolumeSize"] = size
    elif not whole.get("VolumeSize"):
        raise AwsError("InvalidBlockDeviceMapping", f"Either snapshot ID or volume size must be provided for: {device}")
    if not 1 <= int(whole["VolumeSize"]) <= LARGEST:
        raise AwsError("InvalidParameterValue", f"Volume of {whole['VolumeSize']}GiB is not between 1 and {LARGEST}GiB")
    return {"DeleteOnTermination": True, "VolumeType": DEFAULT_TYPE, "Encrypted": False, **whole}


def _size_of(call: Call, snapshot: str, inherited: str | None, ebs: Mapping[str, Any]) -> int:
    """Return a snapshot's size in GiB: one of the caller's or shared with it, or as a launched image says."""
    require_form("snapshot", snapshot)
    found = call.catalog.get("snapshot", snapshot)
    if found is not None:
        if found.state != "completed":
            raise AwsError("IncorrectState", f"Snapshot '{snapshot}' is not 'completed'.")
        return int(found.document["VolumeSize"])
    if snapshot == inherited:
        return int(ebs.get("SnapshotSize") or 1)
    raise missing("snapshot", [snapshot])
