"""Snapshots with contents, and instances that no machine runs."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.conftest import Served

BLOCK = 524288


@pytest.fixture(scope="session")
def upload_blocks() -> Callable[[Any, dict[str, bytes]], str]:
    """Upload a snapshot of 1 GiB with blocks of one letter each: {"b7": b"x"} is block 7 full of x."""

    def upload(ebs: Any, contents: dict[str, bytes]) -> str:
        snapshot: str = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
        for place, letter in contents.items():
            block = letter * BLOCK
            ebs.put_snapshot_block(
                SnapshotId=snapshot,
                BlockIndex=int(place[1:]),
                BlockData=block,
                DataLength=BLOCK,
                Checksum=base64.b64encode(hashlib.sha256(block).digest()).decode(),
                ChecksumAlgorithm="SHA256",
            )
        ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=len(contents))
        return snapshot

    return upload


@pytest.fixture(scope="session")
def place_instance() -> Callable[..., str]:
    """Put an instance into an account's catalogue, in its first subnet and the groups of these ids."""

    def place(
        served: Served,
        groups: list[str],
        *,
        address: str = "169.254.2.20",
        state: str = "running",
        account: str = "acme",
    ) -> str:
        subnet = served.client(account=account).describe_subnets()["Subnets"][0]
        document = {
            "Placement": {"AvailabilityZone": subnet["AvailabilityZone"]},
            "LaunchTime": iso(served.cloud.clock()),
            "PrivateIpAddress": address,
            "PrivateDnsName": f"ip-{address.replace('.', '-')}.ec2.internal",
            "SecurityGroups": [{"GroupId": group, "GroupName": group} for group in groups],
            "SourceDestCheck": True,
            "SubnetId": subnet["SubnetId"],
            "VpcId": subnet["VpcId"],
        }
        inner = {
            "reservation": new_id("r"),
            "attachment": new_id("eni-attach"),
            "interface": new_id("eni"),
            "mac": "02:00:00:00:00:01",
            "address": "127.64.0.9",
            "groups": groups,
        }
        owner = served.credential(account).account
        with served.cloud.catalog(owner, "us-east-1") as catalog:
            made = Resource(new_id("i"), "instance", owner.id, "us-east-1", "", state, 0, document, inner)
            return catalog.add(made).id

    return place
