"""A cloud of three regions with an image's AMI of real blocks, and steps that distribute it."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from goldsmith.aws.cloud import Cloud
from goldsmith.aws.imagebuilder.world import CloudWorld
from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.catalog.accounts import create_account
from goldsmith.catalog.resources import Resource
from goldsmith.pipelines.distribution.agreement import ROLE
from goldsmith.pipelines.distribution.naming import output_name, output_tags
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.stop import Stop
from goldsmith.pipelines.workflows.action import ActionFailedError, StepRun, find_action
from tests.pipelines.distribution.runs import a_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from goldsmith.pipelines.image_run import ImageRun

HOME, AWAY, STRANGER = "100000000001", "100000000002", "100000000003"


@dataclass
class Bench:
    """A world, an AMI in it that a build has made, and what its steps have said."""

    world: CloudWorld
    folder: Path
    run: ImageRun
    ami: str = ""
    said: list[str] = field(default_factory=list)
    stop: Stop = field(default_factory=Stop)

    def ask(
        self, operation: str, *, account: str = HOME, region: str = "us-east-1", service: str = "ec2", **asked: Any
    ):
        """Run an operation as an account."""
        return self.world.call(account, region, service, operation, **asked)

    def step(self, *, run: ImageRun | None = None, step_id: str = "step-1", attempt: int = 1, **inputs: Any) -> StepRun:
        """Return a step of the image's distribution."""
        return StepRun(
            world=self.world,
            image=run or self.run,
            workflow_execution="wf-1",
            id=step_id,
            name="Distribute",
            stage="DISTRIBUTION",
            inputs=inputs,
            timeout_seconds=60,
            attempt=attempt,
            output_image=self.ami,
            logs=self.folder / step_id,
            say=self.said.append,
            stop=self.stop,
        )

    def do(self, action: str, **asked: Any) -> dict[str, Any]:
        """Run an action, and return its outputs."""
        return dict(find_action(action).run(self.step(**asked)))

    def fail(self, action: str, **asked: Any) -> ActionFailedError:
        """Run an action that fails, and return how."""
        with pytest.raises(ActionFailedError) as failed:
            self.do(action, **asked)
        return failed.value

    def images(self, region: str, account: str = HOME) -> dict[str, dict[str, Any]]:
        """Return an account's own AMIs of a region by name."""
        found = self.ask("DescribeImages", region=region, account=account, Owners=["self"])["Images"]
        return {image["Name"]: image for image in found}

    def agree(self, account: str, *sources: str) -> None:
        """Make an account agree to get images from others."""
        principal = {"AWS": [f"arn:aws:iam::{source}:root" for source in sources]}
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.ask("CreateRole", account=account, service="iam", RoleName=ROLE, AssumeRolePolicyDocument=policy)

    def register(self, name: str, letters: str, tags: dict[str, str] | None = None, *, account: str = HOME) -> str:
        """Register an AMI of a disk of 1 GiB with a block full of each letter."""
        with self.world.blocks("us-east-1").writing() as writing:
            digests = {index: writing.put(letter.encode() * BLOCK) for index, letter in enumerate(letters)}
            saved = writing.save(BlockMap(1 << 30, digests))
        snapshot = f"snap-{abs(hash((name, account))) % 10**17:017d}"
        document = {"VolumeSize": 1, "VolumeId": "vol-ffffffff", "Description": "", "Encrypted": False}
        with self.world.catalog(account, "us-east-1") as catalog:
            made = Resource(snapshot, "snapshot", account, "us-east-1", "", "completed", 1.0, document, {"map": saved})
            catalog.add(made)
        answer = self.ask(
            "RegisterImage",
            account=account,
            Name=name,
            Architecture="x86_64",
            VirtualizationType="hvm",
            RootDeviceName="/dev/xvda",
            BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}],
            TagSpecifications=[{"ResourceType": "image", "Tags": pairs(tags or {"any": "tag"})}],
        )
        return str(answer["ImageId"])


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags as EC2 has them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def plain(tags: Sequence[dict[str, str]]) -> dict[str, str]:
    """Return EC2's tags as a map."""
    return {tag["Key"]: tag["Value"] for tag in tags}


@pytest.fixture
def settings() -> str:
    """Return the cloud's cloud.yml."""
    return "regions: {us-east-1: {}, us-west-2: {}, eu-west-1: {}}\n"


@pytest.fixture
def bench(tmp_path: Path, settings: str) -> Iterator[Bench]:
    """Open a cloud in which the account HOME has built an AMI, and two other accounts have nothing."""
    home = Home(tmp_path / "home").ready()
    (home.path / "cloud.yml").write_text(settings)
    cloud = Cloud(home)
    cloud.database.prepare()
    with cloud.database.writing() as connection:
        for number in (HOME, AWAY, STRANGER):
            create_account(connection, f"account-{number}", number=number)
    bench = Bench(CloudWorld(cloud), tmp_path / "logs", a_run())
    bench.ami = bench.register(output_name(bench.run), "abc", output_tags(bench.run))
    try:
        yield bench
    finally:
        cloud.close()
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("Distribute")]
