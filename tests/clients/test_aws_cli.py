"""The AWS CLI, as Debian ships it, on the catalogue."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Server

AWS = shutil.which("aws", path="/usr/bin:/usr/local/bin")

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.network,
    pytest.mark.skipif(AWS is None, reason="the AWS CLI is not installed"),
]


def aws(server: Server, *words: str) -> Any:
    said = server.run(str(AWS), "--endpoint-url", server.url, "--output", "json", *words).stdout
    return json.loads(said) if said.strip() else None


def test_an_image_is_described_tagged_and_shared(server: Server, image: str):
    found = aws(server, "ec2", "describe-images", "--owners", "self", "--filters", "Name=name,Values=debian-12-test")
    assert [each["ImageId"] for each in found["Images"]] == [image]
    aws(server, "ec2", "create-tags", "--resources", image, "--tags", "Key=stage,Value=test")
    aws(
        server,
        "ec2",
        "modify-image-attribute",
        "--image-id",
        image,
        "--launch-permission",
        "Add=[{UserId=123456789012}]",
    )
    held = aws(server, "ec2", "describe-image-attribute", "--image-id", image, "--attribute", "launchPermission")
    assert held["LaunchPermissions"] == [{"UserId": "123456789012"}]
    aws(server, "ec2", "reset-image-attribute", "--image-id", image, "--attribute", "launchPermission")
    tags = aws(server, "ec2", "describe-tags", "--filters", f"Name=resource-id,Values={image}")
    assert {"stage"} <= {tag["Key"] for tag in tags["Tags"]}


def test_a_disk_goes_up_and_comes_down_by_the_ebs_direct_apis(server: Server, tmp_path: Path):
    block = tmp_path / "block"
    block.write_bytes(bytes(range(256)) * 2048)
    begun = aws(server, "ebs", "start-snapshot", "--volume-size", "1", "--description", "by the CLI")
    snapshot = begun["SnapshotId"]
    digest = base64.b64encode(hashlib.sha256(block.read_bytes()).digest()).decode()
    aws(
        server,
        "ebs",
        "put-snapshot-block",
        "--snapshot-id",
        snapshot,
        "--block-index",
        "3",
        "--block-data",
        str(block),
        "--data-length",
        "524288",
        "--checksum",
        digest,
        "--checksum-algorithm",
        "SHA256",
    )
    aws(server, "ebs", "complete-snapshot", "--snapshot-id", snapshot, "--changed-blocks-count", "1")
    aws(server, "ec2", "wait", "snapshot-completed", "--snapshot-ids", snapshot)
    listed = aws(server, "ebs", "list-snapshot-blocks", "--snapshot-id", snapshot)["Blocks"]
    assert [each["BlockIndex"] for each in listed] == [3]
    down = tmp_path / "down"
    aws(
        server,
        "ebs",
        "get-snapshot-block",
        "--snapshot-id",
        snapshot,
        "--block-index",
        "3",
        "--block-token",
        listed[0]["BlockToken"],
        str(down),
    )
    assert down.read_bytes() == block.read_bytes()


def test_parameters_name_images(server: Server, image: str):
    aws(
        server,
        "ssm",
        "put-parameter",
        "--name",
        "/golden/debian",
        "--value",
        image,
        "--type",
        "String",
        "--data-type",
        "aws:ec2:image",
    )
    found = aws(server, "ssm", "get-parameters-by-path", "--path", "/golden")
    assert [each["Value"] for each in found["Parameters"]] == [image]
