"""A served cloud on a home of its own, and a boto3 client that signs for its administrator."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from goldsmith.aws.cloud import Cloud
from goldsmith.aws.wire.times import iso
from goldsmith.blocks.disk_files import store_disk
from goldsmith.catalog.accounts import all_accounts
from goldsmith.catalog.resources import Resource, new_id
from goldsmith.pipelines.home import Home

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "us-east-1"
GIB = 1 << 30


@dataclass(frozen=True)
class World:
    """A cloud served by `goldsmith serve` in a process of its own."""

    home: Path
    url: str
    cloud: Cloud
    ec2: Any

    def store(self, disk: Path, *, size: int = 0) -> str:
        """Make an AMI of a raw disk, of ``size`` bytes where that is more than it has; return its id."""
        with self.cloud.blocks(REGION).writing() as writing:
            kept = store_disk(writing, disk)
            name = writing.save(kept.merged({}, max(size, kept.size)))
        with self.cloud.database.reading() as connection:
            account = all_accounts(connection)[0]
        gibibytes = -(-max(size, kept.size) // GIB)
        document = {
            "VolumeSize": gibibytes,
            "VolumeId": "vol-ffffffff",
            "Encrypted": False,
            "Description": "",
            "StartTime": iso(time.time()),
            "Progress": "100%",
        }
        with self.cloud.catalog(account, REGION) as catalog:
            snapshot = catalog.add(
                Resource(new_id("snap"), "snapshot", account.id, REGION, "", "completed", 0, document, {"map": name})
            )
        return str(
            self.ec2.register_image(
                Name=f"bench-{snapshot.id}",
                Architecture="x86_64",
                VirtualizationType="hvm",
                RootDeviceName="/dev/xvda",
                BootMode="uefi-preferred",
                BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot.id}}],
            )["ImageId"]
        )

    def stored_bytes(self) -> int:
        """Return how many bytes of files the block store has."""
        return sum(file.stat().st_size for file in (self.home / "blocks").rglob("*") if file.is_file())


@contextmanager
def served(home: Path) -> Iterator[World]:
    """Serve a fresh cloud until the block ends; its instances end with it."""
    home.mkdir(parents=True)
    environment = {
        **os.environ,
        "GOLDSMITH_HOME": str(home),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        "AWS_CONFIG_FILE": str(home / "config"),
    }
    command = [str(Path(sys.executable).with_name("goldsmith"))]
    subprocess.run([*command, "init", "--account", "bench"], env=environment, check=True, stdout=subprocess.DEVNULL)
    port = 18580
    server = subprocess.Popen([*command, "serve", "--port", str(port)], env=environment, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    cloud = Cloud(Home(home))
    try:
        _await(url)
        yield World(home, url, cloud, client(home, url))
    finally:
        server.terminate()
        server.wait()
        for instance_id in cloud.instances.ids():
            cloud.instances.remove(instance_id)
        cloud.close()


def client(home: Path, url: str, service: str = "ec2") -> Any:
    """Return a client for the home's administrator."""
    text = (home / "credentials").read_text()
    key, secret = re.search(r"id = (\S+)", text), re.search(r"secret_access_key = (\S+)", text)
    assert key
    assert secret
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=key[1],
        aws_secret_access_key=secret[1],
        config=Config(retries={"total_max_attempts": 1}),
    )


def _await(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError):
            urllib.request.urlopen(f"{url}/-/health").close()  # noqa: S310 - our own server
            return
        time.sleep(0.05)
    raise TimeoutError(f"{url} does not answer")
