"""Packer's amazon-ebs builder, as Debian ships it, makes an AMI of an AMI."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Server

pytestmark = [
    pytest.mark.boots,
    pytest.mark.long,
    pytest.mark.network,
    pytest.mark.skipif(shutil.which("packer") is None, reason="packer is not installed"),
]


def test_packer_makes_an_ami_of_an_ami_with_a_shell_provisioner(server: Server, image: str, tmp_path: Path):
    template = {
        "builders": [
            {
                "type": "amazon-ebs",
                "region": "us-east-1",
                "custom_endpoint_ec2": server.url,
                "instance_type": "t3.micro",
                "source_ami_filter": {
                    "filters": {"name": "debian-12-t*", "root-device-type": "ebs", "virtualization-type": "hvm"},
                    "owners": ["self"],
                    "most_recent": True,
                },
                "ssh_username": "admin",
                "ssh_timeout": "10m",
                "ami_name": "made-by-packer",
                "ami_description": "a description",
                "tags": {"made-by": "packer"},
                "snapshot_tags": {"made-by": "packer"},
            }
        ],
        "provisioners": [{"type": "shell", "inline": ["echo made by packer | sudo tee /etc/made-by"]}],
    }
    (tmp_path / "template.json").write_text(json.dumps(template))
    server.environment["AWS_POLL_DELAY_SECONDS"] = "2"
    server.run("packer", "build", "-color=false", "template.json", cwd=tmp_path)
    ec2 = server.client()
    found = ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": ["made-by-packer"]}])["Images"]
    assert [made["State"] for made in found] == ["available"]
    assert found[0]["Description"] == "a description"
    assert found[0]["Tags"] == [{"Key": "made-by", "Value": "packer"}]
    assert found[0]["SourceImageId"] == image
    snapshot = found[0]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    assert ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["Tags"][0]["Value"] == "packer"
    assert not ec2.describe_key_pairs(Filters=[{"Name": "key-name", "Values": ["packer*"]}])["KeyPairs"]
    assert not ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["packer*"]}])["SecurityGroups"]
