"""What an instance can learn about itself: the tree of values that the metadata service serves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSIONS = (
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
    "2011-01-01",
    "2011-05-01",
    "2012-01-12",
    "2014-02-25",
    "2014-11-05",
    "2015-10-20",
    "2016-04-19",
    "2016-06-30",
    "2016-09-02",
    "2018-03-28",
    "2018-08-17",
    "2018-09-24",
    "2019-10-01",
    "2020-10-27",
    "2021-01-03",
    "2021-03-23",
    "2021-07-15",
    "2022-09-24",
    "latest",
)
"""The versions that the service lists (EC2 user guide, "Use a previous version of the instance metadata service")."""


@dataclass(frozen=True)
class InstanceMetadata:
    """An instance as its own metadata describes it (EC2 user guide, "Instance metadata categories").

    ``public_keys`` maps a key pair's name to its OpenSSH line. ``tags`` is None where instance metadata tags
    are disabled. ``block_devices`` maps a virtual name (ami, root, ebs1) to a device name. ``profile`` is the
    instance profile as iam/info tells it, and ``credentials`` maps its role to the credentials, both JSON texts.
    ``spot_action`` is the JSON text of spot/instance-action. What is empty is not there. ``hop_limit`` is a value
    only: QEMU's user network does not carry a packet's time to live.
    """

    instance_id: str
    mac: str
    image_id: str = "ami-00000000000000000"
    instance_type: str = "t3.micro"
    account: str = "123456789012"
    region: str = "us-east-1"
    zone: str = "us-east-1a"
    zone_id: str = "use1-az1"
    local_ipv4: str = "169.254.1.10"
    subnet: str = "169.254.0.0/16"
    public_keys: Mapping[str, str] = field(default_factory=dict)
    security_groups: tuple[str, ...] = ("default",)
    block_devices: Mapping[str, str] = field(
        default_factory=lambda: {"ami": "/dev/xvda", "root": "/dev/xvda"},
    )
    tags: Mapping[str, str] | None = None
    user_data: bytes | None = None
    launched: datetime = datetime(2025, 1, 1, tzinfo=UTC)
    reservation_id: str = "r-00000000000000000"
    interface_id: str = "eni-00000000000000000"
    subnet_id: str = "subnet-00000000000000000"
    vpc_id: str = "vpc-00000000000000000"
    group_ids: tuple[str, ...] = ("sg-00000000000000000",)
    domain: str = "amazonaws.com"
    partition: str = "aws"
    tokens_required: bool = True
    enabled: bool = True
    hop_limit: int = 1
    launch_index: int = 0
    life_cycle: str = "on-demand"
    public_ipv4: str = ""
    public_hostname: str = ""
    placement_group: str = ""
    product_codes: tuple[str, ...] = ()
    ancestor_images: tuple[str, ...] = ()
    profile: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict)
    target_lifecycle_state: str = ""
    spot_action: str = ""
    spot_termination_time: str = ""
    rebalance: str = ""

    @property
    def hostname(self) -> str:
        """The private DNS name that EC2 would give, by its address and region."""
        domain = "ec2.internal" if self.region == "us-east-1" else f"{self.region}.compute.internal"
        return f"ip-{self.local_ipv4.replace('.', '-')}.{domain}"


def leaves(instance: InstanceMetadata) -> dict[str, bytes]:
    """Return every value below a version, by its path ("meta-data/ami-id"); what is not there answers 404."""
    values = {f"meta-data/{path}": value.encode() for path, value in _meta_data(instance).items()}
    values["dynamic/instance-identity/document"] = identity_document(instance).encode()
    for unsigned in ("pkcs7", "rsa2048", "signature"):
        values[f"dynamic/instance-identity/{unsigned}"] = b""
    if instance.user_data is not None:
        values["user-data"] = instance.user_data
    return values


def identity_document(instance: InstanceMetadata) -> str:
    """Return the instance identity document (EC2 user guide, "Instance identity documents")."""
    document = {
        "accountId": instance.account,
        "architecture": "x86_64",
        "availabilityZone": instance.zone,
        "billingProducts": None,
        "devpayProductCodes": None,
        "marketplaceProductCodes": list(instance.product_codes) or None,
        "imageId": instance.image_id,
        "instanceId": instance.instance_id,
        "instanceType": instance.instance_type,
        "kernelId": None,
        "pendingTime": instance.launched.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "privateIp": instance.local_ipv4,
        "ramdiskId": None,
        "region": instance.region,
        "version": "2017-09-30",
    }
    return json.dumps(document, indent=2)


def _meta_data(instance: InstanceMetadata) -> dict[str, str]:
    values = {
        "ami-id": instance.image_id,
        "ami-launch-index": str(instance.launch_index),
        "ami-manifest-path": "(unknown)",
        "events/maintenance/history": "[]",
        "events/maintenance/scheduled": "[]",
        "hostname": instance.hostname,
        "instance-action": "none",
        "instance-id": instance.instance_id,
        "instance-life-cycle": instance.life_cycle,
        "instance-type": instance.instance_type,
        "local-hostname": instance.hostname,
        "local-ipv4": instance.local_ipv4,
        "mac": instance.mac,
        "metrics/vhostmd": '<?xml version="1.0" encoding="UTF-8"?>',
        "placement/availability-zone": instance.zone,
        "placement/availability-zone-id": instance.zone_id,
        "placement/region": instance.region,
        "profile": "default-hvm",
        "reservation-id": instance.reservation_id,
        "security-groups": "\n".join(instance.security_groups),
        "services/domain": instance.domain,
        "services/partition": instance.partition,
        "system": "nitro",
    }
    values |= {f"block-device-mapping/{name}": device for name, device in instance.block_devices.items()}
    values |= _interface(instance)
    values |= {path: value for path, value in _optional(instance).items() if value}
    values |= {f"iam/security-credentials/{role}": secret for role, secret in instance.credentials.items()}
    values |= {f"public-keys/{number}/openssh-key": key for number, key in enumerate(instance.public_keys.values())}
    values |= {f"tags/instance/{key}": value for key, value in (instance.tags or {}).items()}
    return values


def _optional(instance: InstanceMetadata) -> dict[str, str]:
    """Return what only some instances have; empty for those that do not."""
    card = f"network/interfaces/macs/{instance.mac}"
    associations = {f"{card}/ipv4-associations/{instance.public_ipv4}": instance.local_ipv4}
    return {
        "ancestor-ami-ids": "\n".join(instance.ancestor_images),
        "autoscaling/target-lifecycle-state": instance.target_lifecycle_state,
        "events/recommendations/rebalance": instance.rebalance,
        "iam/info": instance.profile,
        "placement/group-name": instance.placement_group,
        "product-codes": "\n".join(instance.product_codes),
        "public-hostname": instance.public_hostname,
        "public-ipv4": instance.public_ipv4,
        "spot/instance-action": instance.spot_action,
        "spot/termination-time": instance.spot_termination_time,
        f"{card}/public-hostname": instance.public_hostname,
        f"{card}/public-ipv4s": instance.public_ipv4,
        **(associations if instance.public_ipv4 else {}),
    }


def _interface(instance: InstanceMetadata) -> dict[str, str]:
    values = {
        "device-number": "0",
        "interface-id": instance.interface_id,
        "local-hostname": instance.hostname,
        "local-ipv4s": instance.local_ipv4,
        "mac": instance.mac,
        "network-card": "0",
        "owner-id": instance.account,
        "security-group-ids": "\n".join(instance.group_ids),
        "security-groups": "\n".join(instance.security_groups),
        "subnet-id": instance.subnet_id,
        "subnet-ipv4-cidr-block": instance.subnet,
        "vpc-id": instance.vpc_id,
        "vpc-ipv4-cidr-block": instance.subnet,
        "vpc-ipv4-cidr-blocks": instance.subnet,
    }
    return {f"network/interfaces/macs/{instance.mac}/{name}": value for name, value in values.items()}
