"""1,000 DescribeImages at 100,000 AMIs, beside moto's server on the same calls."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from sqlalchemy import insert

from bench.catalogue.world import REGION, served
from goldsmith.aws.ec2.images import image_document
from goldsmith.catalog.accounts import all_accounts
from goldsmith.catalog.tables import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.catalogue.__main__ import Table

IMAGES = 100_000
CALLS = 1_000
SAMPLE = 101
"""Moto's server takes seconds for some kinds of call: it is asked every 101st, by which each kind has its turn."""

GOAL = 0.050
MOTO_PORT = 18581
MOTO_OWNER = "123456789012"


def measure(table: Table, folder: Path, disk: Path) -> None:  # noqa: ARG001 - every case gets the disk
    """Ask both the same calls over HTTP, in turn, with the same client."""
    with served(folder) as world:
        with world.cloud.database.reading() as connection:
            owner = all_accounts(connection)[0].id
        _fill(world.cloud, owner)
        with _moto(folder, owner) as moto:
            calls = list(_calls(owner))
            ours = [_seconds(world.ec2, call) for call in calls]
            theirs = [_seconds(moto, call) for call in calls[::SAMPLE]]
    p95, their95 = _p95(ours), _p95(theirs)
    table.add(
        f"{CALLS} DescribeImages at {IMAGES} AMIs: by id, name, name*, owner and page of 100",
        f"median {statistics.median(ours) * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms",
        f"p95 under {GOAL * 1000:.0f} ms",
        met=p95 < GOAL,
    )
    table.add(
        "the same calls to moto's server (every 101st)",
        f"median {statistics.median(theirs) * 1000:.0f} ms, p95 {their95 * 1000:.0f} ms: "
        f"{their95 / p95:.0f} times as long",
    )


def _name(number: int) -> str:
    return f"fleet-{number // 100:04d}/image-{number:06d}"


def _id(number: int) -> str:
    return f"ami-{number:017x}"


def _fill(cloud: Any, owner: str) -> None:
    mapping = {
        "DeviceName": "/dev/xvda",
        "Ebs": {
            "SnapshotId": "snap-0123456789abcdef0",
            "VolumeSize": 4,
            "VolumeType": "gp3",
            "DeleteOnTermination": True,
            "Encrypted": False,
        },
    }
    document = image_document(
        Architecture="x86_64", RootDeviceName="/dev/xvda", EnaSupport=True, BlockDeviceMappings=[mapping]
    )
    rows = [
        {
            "id": _id(n),
            "kind": "image",
            "account": owner,
            "region": REGION,
            "name": _name(n),
            "state": "available",
            "created": 1_700_000_000.0 + n,
            "document": document,
            "inner": {},
        }
        for n in range(IMAGES)
    ]
    with cloud.database.writing() as connection:
        connection.execute(insert(RESOURCES), rows)


def _calls(owner: str) -> Iterator[dict[str, Any]]:
    draw = random.Random(7)  # noqa: S311 - the same calls in each run
    kinds: list[Callable[[int], dict[str, Any]]] = [
        lambda n: {"ImageIds": [_id(n)]},
        lambda n: {"Owners": ["self"], "Filters": [{"Name": "name", "Values": [_name(n)]}]},
        lambda n: {
            "Owners": [owner],
            "Filters": [
                {"Name": "name", "Values": [f"{_name(n)[:-1]}*"]},
                {"Name": "state", "Values": ["available"]},
            ],
        },
        lambda _: {"Owners": ["self"], "MaxResults": 100},
    ]
    for number in range(CALLS):
        yield kinds[number % len(kinds)](draw.randrange(IMAGES))


def _seconds(client: Any, call: dict[str, Any]) -> float:
    begun = time.perf_counter()
    found = client.describe_images(**call)["Images"]
    taken = time.perf_counter() - begun
    assert found, call
    return taken


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


@contextmanager
def _moto(folder: Path, owner: str) -> Iterator[Any]:
    """Serve the same images with moto's server, which reads them from a file."""
    file = folder / "amis.json"
    file.write_text(
        json.dumps(
            [
                {
                    "ami_id": _id(n),
                    "name": _name(n),
                    "description": "",
                    "owner_id": owner,
                    "public": False,
                    "virtualization_type": "hvm",
                    "architecture": "x86_64",
                    "state": "available",
                    "platform": None,
                    "image_type": "machine",
                    "hypervisor": "xen",
                    "root_device_name": "/dev/xvda",
                    "root_device_type": "ebs",
                    "sriov": "simple",
                    "creation_date": "2024-01-01T00:00:00.000Z",
                }
                for n in range(IMAGES)
            ]
        )
    )
    environment = {**os.environ, "MOTO_AMIS_PATH": str(file), "MOTO_ACCOUNT_ID": owner}
    argv = [sys.executable, "-m", "moto.server", "-p", str(MOTO_PORT)]
    server = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{MOTO_PORT}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError):
                urllib.request.urlopen(f"{url}/moto-api/").close()  # noqa: S310 - our own server
                break
            time.sleep(0.1)
        yield boto3.client(
            "ec2",
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106
            config=Config(retries={"total_max_attempts": 1}, read_timeout=600),
        )
    finally:
        server.terminate()
        server.wait()
