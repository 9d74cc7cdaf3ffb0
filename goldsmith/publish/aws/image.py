"""The AMI of a snapshot, and copies of it in other regions: registered once, found again by what they hold."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from goldsmith.publish.aws.clients import AwsPublishError
from goldsmith.publish.aws.upload import CONTENT_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.publish.aws.clients import Clients
    from goldsmith.publish.aws.wanted import AwsWanted, RegionWanted
    from goldsmith.publish.source import Facts

ROOT = "/dev/xvda"
COPYING: Any = {"Delay": 2, "MaxAttempts": 3600}
"""A copy takes minutes; two hours are waited for it."""


def find_image(clients: Clients, wanted: RegionWanted, content: str) -> dict[str, Any] | None:
    """Return the account's AMI of that name, None for none. Raises AwsPublishError when it holds something else."""
    found = clients.ec2(wanted.region).describe_images(
        Owners=["self"], Filters=[{"Name": "name", "Values": [wanted.name]}], IncludeDeprecated=True
    )["Images"]
    if not found:
        return None
    image: Any = found[0]
    tags = tags_of(image)
    if tags.get(CONTENT_TAG) != content:
        raise AwsPublishError(
            f"The name {wanted.name} is {image['ImageId']}'s in {wanted.region}, which holds another disk.",
            mend="Say another --name, or deregister that one.",
        )
    result: dict[str, Any] = image
    return result


def register(
    clients: Clients, wanted: AwsWanted, region: RegionWanted, facts: Facts, snapshot: str, tags: Mapping[str, str]
) -> str:
    """Register the AMI of a snapshot with the tags; return its id."""
    asked: dict[str, Any] = {
        "Name": region.name,
        "Description": region.description[:255],
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
        "ImdsSupport": "v2.0",
        "TagSpecifications": [{"ResourceType": "image", "Tags": tag_list(tags)}],
    }
    if wanted.tpm:
        asked["TpmSupport"] = "v2.0"
    image: str = clients.ec2(region.region).register_image(**asked)["ImageId"]
    return image


def copy(
    clients: Clients, source: str, source_region: str, wanted: AwsWanted, region: RegionWanted, tags: Mapping[str, str]
) -> str:
    """Begin a copy in another region, once for the source and the name; return its id. It has the tags at once."""
    token = hashlib.sha256(f"{source_region} {source} {region.region} {region.name}".encode()).hexdigest()
    asked: dict[str, Any] = {
        "Name": region.name,
        "SourceImageId": source,
        "SourceRegion": source_region,
        "Description": region.description[:255],
        "ClientToken": token,
        "TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(tags)} for kind in ("image", "snapshot")],
    }
    if wanted.encrypted or region.kms_key:
        asked |= {"Encrypted": True} | ({"KmsKeyId": region.kms_key} if region.kms_key else {})
    image: str = clients.ec2(region.region).copy_image(**asked)["ImageId"]
    return image


def await_available(clients: Clients, region: str, image: str) -> dict[str, Any]:
    """Wait until an AMI is available; return it."""
    ec2 = clients.ec2(region)
    ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig=COPYING)
    found: Any = ec2.describe_images(ImageIds=[image])["Images"][0]
    result: dict[str, Any] = found
    return result


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as EC2 takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags_of(item: Mapping[str, Any]) -> dict[str, str]:
    """Return an item's tags."""
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags", [])}
