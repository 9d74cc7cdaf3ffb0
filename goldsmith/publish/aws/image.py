"""The AMI of a snapshot, and copies of it in other regions: registered once, found again by what they hold."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from goldsmith.publish.aws.clients import AwsPublishError
from goldsmith.publish.aws.marks import CONTENT_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.publish.aws.clients import Clients
    from goldsmith.publish.aws.encryption import Encryption
    from goldsmith.publish.aws.wanted import AwsWanted, RegionWanted
    from goldsmith.publish.source import Facts

ROOT = "/dev/xvda"
IMDS = "v2.0"
LONGEST_DESCRIPTION = 255


def find_image(clients: Clients, wanted: RegionWanted, content: str) -> dict[str, Any] | None:
    """Return the account's AMI of that name, None for none. Raises AwsPublishError when it holds something else."""
    found = own_images(clients, wanted.region, "name", wanted.name)
    if not found:
        return None
    image = found[0]
    tags = tags_of(image)
    if tags.get(CONTENT_TAG) != content:
        raise AwsPublishError(
            f"The name {wanted.name} is {image['ImageId']}'s in {wanted.region}, which holds another disk, or the disk "
            "enciphered with another key.",
            mend="Say another --name, or deregister that one.",
        )
    return image


def own_images(clients: Clients, region: str, which: str, value: str) -> list[dict[str, Any]]:
    """Return the account's AMIs of a filter's value, deprecated and disabled ones too: they have names and disks."""
    found: Any = clients.ec2(region).describe_images(
        Owners=["self"], Filters=[{"Name": which, "Values": [value]}], IncludeDeprecated=True, IncludeDisabled=True
    )["Images"]
    images: list[dict[str, Any]] = found
    return images


def register(
    clients: Clients, wanted: AwsWanted, region: RegionWanted, facts: Facts, snapshot: str, tags: Mapping[str, str]
) -> str:
    """Register the AMI of a snapshot with the tags; return its id."""
    asked: dict[str, Any] = {
        "Name": region.name,
        "Architecture": facts.architecture,
        "RootDeviceName": ROOT,
        "BlockDeviceMappings": [
            {
                "DeviceName": ROOT,
                "Ebs": {"SnapshotId": snapshot, "VolumeType": "gp3", "DeleteOnTermination": True},
            }
        ],
        "VirtualizationType": "hvm",
        "EnaSupport": True,
        "BootMode": wanted.boot_mode,
        "ImdsSupport": IMDS,
        "TagSpecifications": [{"ResourceType": "image", "Tags": tag_list(tags)}],
    } | _described(region)
    if wanted.tpm:
        asked["TpmSupport"] = "v2.0"
    image: str = clients.ec2(region.region).register_image(**asked)["ImageId"]
    return image


def copy(
    clients: Clients,
    source: str,
    source_region: str,
    region: RegionWanted,
    tags: Mapping[str, str],
    encryption: Encryption,
) -> str:
    """Begin a copy in another region; return its id. It has the tags at once.

    The token is of this call alone: AWS would answer an earlier one with that copy, though it failed or is gone.
    """
    asked: dict[str, Any] = {
        "Name": region.name,
        "SourceImageId": source,
        "SourceRegion": source_region,
        "ClientToken": str(uuid.uuid4()),
        "TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(tags)} for kind in ("image", "snapshot")],
    } | _described(region)
    if encryption.on:
        asked |= {"Encrypted": True} | ({"KmsKeyId": encryption.key} if encryption.key else {})
    image: str = clients.ec2(region.region).copy_image(**asked)["ImageId"]
    return image


def snapshots_of(image: Mapping[str, Any]) -> list[str]:
    """Return the snapshots of an AMI, the root's first; a copy that is not there yet has none."""
    mappings = sorted(
        image.get("BlockDeviceMappings", ()), key=lambda each: each.get("DeviceName") != image.get("RootDeviceName")
    )
    return [each["Ebs"]["SnapshotId"] for each in mappings if "SnapshotId" in each.get("Ebs", {})]


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as EC2 takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags_of(item: Mapping[str, Any]) -> dict[str, str]:
    """Return an item's tags."""
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags", [])}


def _described(region: RegionWanted) -> dict[str, str]:
    """Return the description as EC2 takes it, ASCII alone ("Character sets beyond ASCII are not supported")."""
    said = region.description.encode("ascii", "replace").decode()[:LONGEST_DESCRIPTION]
    return {"Description": said} if said else {}
