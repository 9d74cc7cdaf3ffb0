"""`goldsmith serve` in a process of its own, with an AMI that boots, and the environment that clients find it by."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from goldsmith.aws.cloud import Cloud
from goldsmith.aws.wire.times import iso
from goldsmith.blocks.disk_files import store_disk
from goldsmith.catalog.accounts import all_accounts
from goldsmith.catalog.resources import Resource, new_id
from goldsmith.pipelines.home import Home

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDSMITH = str(Path(sys.executable).with_name("goldsmith"))
REGION = "us-east-1"


@dataclass
class Server:
    """A served home: its URL, the environment for clients, and a way to kill the server and start it again."""

    home: Path
    port: int
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str = "ec2", region: str = REGION) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def run(self, *argv: str, timeout: float = 900, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a client to its end; a failure shows what it said."""
        done = subprocess.run(
            argv, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False, cwd=cwd
        )
        assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self) -> None:
        log = (self.home / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [GOLDSMITH, "serve", "--port", str(self.port)], env=self.environment, stdout=log, stderr=log
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.home / "serve.log").read_text()
            with suppress(OSError):
                urllib.request.urlopen(f"{self.url}/-/health").close()
                return
            time.sleep(0.1)
        raise TimeoutError(self.url)

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def server(home: Path) -> Iterator[Server]:
    """A server of a fresh home; its instances end with the tests."""
    place = home / "served"
    place.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "GOLDSMITH_HOME": str(place),
        "AWS_SHARED_CREDENTIALS_FILE": str(place / "credentials"),
        "AWS_CONFIG_FILE": str(place / "config"),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    subprocess.run([GOLDSMITH, "init", "--account", "acme"], env=environment, check=True, stdout=subprocess.DEVNULL)
    text = (place / "credentials").read_text()
    for name, key in (("AWS_ACCESS_KEY_ID", "access_key_id"), ("AWS_SECRET_ACCESS_KEY", "secret_access_key")):
        environment[name] = re.search(rf"aws_{key} = (\S+)", text)[1]  # type: ignore[index]
    made = Server(place, port, environment)
    made.start()
    try:
        yield made
    finally:
        assert made.process
        made.process.terminate()
        made.process.wait()
        cloud = Cloud(Home(place))
        for instance_id in cloud.instances.ids():
            cloud.instances.remove(instance_id)
        cloud.close()


@pytest.fixture(scope="session")
def image(server: Server, disk: Path) -> str:
    """An AMI of the disk that all tests boot, named debian-12-test."""
    cloud = Cloud(Home(server.home))
    with cloud.blocks(REGION).writing() as writing:
        name = writing.save(store_disk(writing, disk))
    with cloud.database.reading() as connection:
        account = all_accounts(connection)[0]
    document = {
        "VolumeSize": 3,
        "VolumeId": "vol-ffffffff",
        "Encrypted": False,
        "Description": "",
        "Progress": "100%",
        "StartTime": iso(time.time()),
    }
    with cloud.catalog(account, REGION) as catalog:
        snapshot = catalog.add(
            Resource(new_id("snap"), "snapshot", account.id, REGION, "", "completed", 0, document, {"map": name})
        )
    cloud.close()
    return server.client().register_image(
        Name="debian-12-test",
        Architecture="x86_64",
        VirtualizationType="hvm",
        RootDeviceName="/dev/xvda",
        BootMode="uefi-preferred",
        EnaSupport=True,
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot.id}}],
    )["ImageId"]


@pytest.fixture(scope="session")
def ssh_key(server: Server, home: Path) -> Path:
    """A private key whose public half is the key pair "tests"."""
    made = server.client().create_key_pair(KeyName="tests", KeyType="ed25519")
    key = home / "tests.pem"
    key.write_text(made["KeyMaterial"] + "\n")
    key.chmod(0o600)
    return key


@pytest.fixture(scope="session")
def open_group(server: Server) -> str:
    """A security group that lets SSH in."""
    ec2 = server.client()
    group = ec2.create_security_group(GroupName="tests", Description="SSH")["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")
    return group
