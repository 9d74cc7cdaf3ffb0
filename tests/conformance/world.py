"""A server that begins anew whenever it is asked to, for test suites that were written for AWS or a clone of it.

`POST /moto-api/reset` gives it an empty home, with what such suites take for granted: the account 123456789012 and
its key, and a few public AMIs that are there under the same ids in every region. All else is as `goldsmith serve`
has it: instances are QEMU machines, which find an empty disk.

A clone that invents its instances has them running when RunInstances answers, and such suites do not wait. Here a
request waits instead until what earlier ones began has come to its end.

Importing this changes the program that imports it (operations, patience): it is for a program of its own.
"""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import uvicorn
import yaml
from sqlalchemy import insert
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse

from goldsmith.aws import signature
from goldsmith.aws.app import application
from goldsmith.aws.autoscaling.keeper import reconcile
from goldsmith.aws.cloud import Cloud
from goldsmith.aws.ec2.images import image_document
from goldsmith.aws.ec2.snapshot_records import GIB, blank_snapshot, completed
from goldsmith.aws.ssm.image_references import publish_parameter
from goldsmith.aws.upkeep import Upkeep
from goldsmith.blocks.block_map import BlockMap
from goldsmith.catalog.accounts import create_account
from goldsmith.catalog.resources import EVERYBODY, Resource, every
from goldsmith.catalog.tables import ACCESS_KEYS
from goldsmith.machines.instances.instances import Instances
from goldsmith.pipelines.home import Home
from tests.conformance import stand_ins  # noqa: F401 - registers its operations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

    from goldsmith.catalog.accounts import Account

RESET = "/moto-api/reset"
ACCOUNT = "123456789012"
PUBLISHER = "801119661308"
KEY_ID, SECRET = "FOOBARKEY", "FOOBARSECRET"
IMAGES = {
    "ami-12c6146b": "ubuntu/images/hvm-ssd/ubuntu-trusty-14.04-amd64-server-20170727",
    "ami-03cf127a": "Windows_Server-2016-English-Full-Base-2017.10.13",
    "ami-fa7cdd89": "amzn-ami-pv-2017.03.1.20170812-x86_64-ebs",
    "ami-f4cf1d8d": "Windows_Server-2016-English-Full-SQL_2017_Enterprise-2017.10.13",
}
"""Ids that suites launch from (moto's EXAMPLE_AMI_ID and its fellows), and the names that those have there."""

OTHER_TYPES = {"t1.micro": {"vcpus": 1, "memory": 627}, "c4.2xlarge": {"vcpus": 8, "memory": 15360}}
PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64"


PATIENCE = 20.0
GUESTLESS_PATIENCE = 1.0
"""Seconds in which a machine with an empty disk may shut down or restart; it never does."""

PASSING = {
    "instance": ("pending", "stopping", "shutting-down"),
    "volume": ("creating", "deleting"),
    "snapshot": ("pending",),
    "image": ("pending",),
}
"""States that pass."""


class World:
    """The ASGI application: today's cloud and its server, and in the background the ends of earlier ones."""

    def __init__(self, folder: Path, regions: Sequence[str]) -> None:
        self._folder = folder
        self._template = folder / "template"
        self._lock = threading.Lock()
        self._ending: list[threading.Thread] = []
        self._number = 0
        self._used = False
        for method in (Instances.begin_stop, Instances.stop, Instances.reboot, Instances.detach):
            method.__kwdefaults__["patience"] = GUESTLESS_PATIENCE
        signature.GOOD_AFTER_FIRST_USE += PATIENCE
        _prepare(self._template, regions)
        self._begin()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == RESET:
            await run_in_threadpool(self.reset)
            await PlainTextResponse("reset\n")(scope, receive, send)
            return
        self._used = self._used or scope["type"] == "http"
        await run_in_threadpool(self._settle)
        await self._application(scope, receive, send)

    def reset(self) -> None:
        """Put a fresh cloud in the place of the one that was used, whose machines end in the background."""
        with self._lock:
            if not self._used:
                return
            self._end()
            self._begin()

    def close(self) -> None:
        """End all that still runs."""
        self._end()
        for thread in self._ending:
            thread.join()

    def _settle(self) -> None:
        """Return when nothing is on its way any more, or does not come to its end."""
        reconcile(self._cloud)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and _unsettled(self._cloud):
            time.sleep(0.05)

    def _begin(self) -> None:
        self._number += 1
        home = self._folder / f"home-{self._number}"
        shutil.copytree(self._template, home)
        self._cloud = Cloud(Home(home))
        self._upkeep = Upkeep(self._cloud)
        self._upkeep.__enter__()
        self._application: ASGIApp = application(self._cloud)
        self._used = False

    def _end(self) -> None:
        self._ending = [thread for thread in self._ending if thread.is_alive()]
        thread = threading.Thread(target=_end, args=(self._cloud, self._upkeep))
        thread.start()
        self._ending.append(thread)


def _end(cloud: Cloud, upkeep: Upkeep) -> None:
    upkeep.__exit__(None, None, None)
    cloud.close()
    for instance in cloud.instances.ids():
        cloud.instances.remove(instance)
    shutil.rmtree(cloud.home.path, ignore_errors=True)


def _unsettled(cloud: Cloud) -> bool:
    with cloud.database.reading() as connection:
        return any(
            "upload" not in resource.inner
            for kind, states in PASSING.items()
            for resource in every(connection, kind, states=states)
        ) or any(
            attachment["State"] in {"attaching", "detaching"}
            for volume in every(connection, "volume", states=("in-use",))
            for attachment in volume.document["Attachments"]
        )


def every_region() -> list[str]:
    """Return the regions that boto3 knows."""
    partitions = ("aws", "aws-cn", "aws-us-gov")
    known = boto3.Session().get_available_regions
    return [region for partition in partitions for region in known("ec2", partition_name=partition)]


def _prepare(folder: Path, regions: Sequence[str]) -> None:
    """Make the home that every world begins with."""
    home = Home(folder).ready()
    settings: dict[str, Any] = {
        "regions": {
            name: {"zones": 6 if name == "us-east-1" else 3, "blocks": (folder.parent / "blocks" / name).as_uri()}
            for name in regions
        },
        "instance_types": OTHER_TYPES,
    }
    (folder / "cloud.yml").write_text(yaml.safe_dump(settings))
    cloud = Cloud(home)
    cloud.database.prepare()
    with cloud.database.writing() as connection:
        account = create_account(connection, "moto", number=ACCOUNT)
        publisher = create_account(connection, "publisher", number=PUBLISHER)
        secret = cloud.vault.seal(f"access key {KEY_ID}", SECRET.encode())
        row = {"id": KEY_ID, "account": account.id, "user": "moto", "role": "admin", "secret": secret, "active": True}
        connection.execute(insert(ACCESS_KEYS).values(**row, created=time.time()))
    for region in cloud.settings.regions:
        _publish(cloud, publisher, region)
        publish_parameter(cloud, region, PARAMETER, next(iter(IMAGES)))
    cloud.close()


def _publish(cloud: Cloud, publisher: Account, region: str) -> None:
    """Register the public AMIs in a region, on one snapshot of an empty disk."""
    empty = BlockMap(GIB, {})
    now = cloud.clock()
    with cloud.blocks(region).writing() as writing, cloud.catalog(publisher, region) as catalog:
        blank = blank_snapshot(publisher.id, region, now, 1, description="An empty disk")
        snapshot = catalog.add(completed(blank, writing.save(empty), empty, now))
        catalog.share(snapshot, add=(EVERYBODY,))
        for identifier, name in IMAGES.items():
            windows = name.startswith("Windows")
            root = "/dev/sda1"
            ebs = {"SnapshotId": snapshot.id, "VolumeSize": 8, "VolumeType": "standard", "Encrypted": False}
            document = image_document(
                Architecture="x86_64",
                Description=name,
                RootDeviceName=root,
                EnaSupport=True,
                BlockDeviceMappings=[{"DeviceName": root, "Ebs": {**ebs, "DeleteOnTermination": True}}],
                VirtualizationType="paravirtual" if "-pv-" in name else "hvm",
                Platform="windows" if windows else None,
            )
            image = Resource(
                identifier,
                "image",
                publisher.id,
                region,
                name,
                "available",
                now,
                document,
                {"lends": {snapshot.id: {"size": 1, "map": snapshot.inner["map"]}}},
            )
            catalog.share(catalog.add(image), add=(EVERYBODY,))


@contextmanager
def served(folder: Path, regions: Sequence[str]) -> Iterator[str]:
    """Serve a world in ``folder`` on a loopback port for the block; give its URL."""
    world = World(folder, regions)
    server = uvicorn.Server(uvicorn.Config(world, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        world.close()
