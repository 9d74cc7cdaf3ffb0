"""A cloud with real AMIs on real blocks, records of images that have them, and a clock that tests move."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from goldsmith.aws.cloud import Cloud
from goldsmith.aws.imagebuilder.world import CloudWorld
from goldsmith.catalog.accounts import create_account
from goldsmith.catalog.resources import Resource
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.lifecycle.lifecycles import Lifecycles
from goldsmith.pipelines.moments import iso

if TYPE_CHECKING:
    from pathlib import Path

REGION = "eu-central-1"
ELSEWHERE = "us-east-1"
START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC).timestamp()
DAY = 24 * 3600.0
EVERYTHING = {"amis": True, "snapshots": True}


@dataclass
class House:
    """A world, two accounts, and what was told."""

    world: CloudWorld
    account: str
    other: str
    now: list[float]
    told: list[tuple[str, str]] = field(default_factory=list)

    def days_pass(self, days: float) -> None:
        self.now[0] += days * DAY

    def ask(
        self,
        operation: str,
        service: str = "imagebuilder",
        *,
        account: str = "",
        region: str = REGION,
        **parameters: Any,
    ) -> dict[str, Any]:
        writes = operation.startswith(("Create", "Update", "Start", "Cancel"))
        token = {"clientToken": str(uuid.uuid4())} if service == "imagebuilder" and writes else {}
        return self.world.call(account or self.account, region, service, operation, **token, **parameters)

    def ec2(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self.ask(operation, "ec2", **parameters)

    def arn(self, tail: str) -> str:
        return f"arn:aws:imagebuilder:{REGION}:{self.account}:{tail}"

    def ami(self, *, region: str = REGION, account: str = "") -> str:
        """Make an AMI of a disk of random bytes."""
        disk = self.world.home.path / f"{uuid.uuid4().hex}.raw"
        disk.write_bytes(os.urandom(600_000) + bytes(2 << 20))
        try:
            name = f"ami {uuid.uuid4().hex}"
            return self.world.keep_disk(account or self.account, region, disk, token=name, name=name, facts={})
        finally:
            disk.unlink()

    def image(
        self, version: str, *amis: tuple[str, str] | tuple[str, str, str], state: str = "AVAILABLE", **members: Any
    ) -> str:
        """Keep the record of an image with AMIs, each its region, id and, of others, account."""
        arn = self.arn(f"image/web/{version}")
        shown = [
            {"region": region, "image": ami, "accountId": account[0] if account else self.account}
            for region, ami, *account in amis
        ]
        document = {
            "arn": arn,
            "name": "web",
            "version": version,
            "type": "AMI",
            "dateCreated": iso(self.now[0]),
            "state": {"status": state},
            "outputResources": {"amis": shown},
            **members,
        }
        name = f"web/{version.partition('/')[0]}"
        with self.world.catalog(self.account, REGION) as catalog:
            catalog.add(Resource(arn, "image-build", self.account, REGION, name, state, self.now[0], document))
        return arn

    def policy(self, *details: dict[str, Any], **members: Any) -> str:
        selection = {"recipes": [{"name": "web", "semanticVersion": "x.x.x"}]}
        asked = {
            "name": "tidy",
            "executionRole": "janitor",
            "resourceType": "AMI_IMAGE",
            "resourceSelection": selection,
        }
        return str(
            self.ask("CreateLifecyclePolicy", **asked, policyDetails=list(details), **members)["lifecyclePolicyArn"]
        )

    def emit(self, detail_type: str, resources: list[str], detail: dict[str, Any], **where: Any) -> None:
        self.told.append((resources[0], detail["state"]["status"]))

    def lifecycles(self) -> Lifecycles:
        return Lifecycles(self.world, self.emit)

    def status(self, image: str) -> str:
        return str(self.ask("GetImage", imageBuildVersionArn=image)["image"]["state"]["status"])

    def executions(self, arn: str) -> list[dict[str, Any]]:
        return list(self.ask("ListLifecycleExecutions", resourceArn=arn)["lifecycleExecutions"])

    def rows(self, execution: str, parent: str | None = None) -> list[dict[str, Any]]:
        asked = {"lifecycleExecutionId": execution, "parentResourceId": parent}
        return list(self.ask("ListLifecycleExecutionResources", **asked)["resources"])

    def described(self, ami: str, **where: Any) -> list[dict[str, Any]]:
        found = self.ec2("DescribeImages", Owners=["self"], IncludeDisabled=True, IncludeDeprecated=True, **where)[
            "Images"
        ]
        return [each for each in found if each["ImageId"] == ami]

    def snapshots(self, **where: Any) -> list[str]:
        return [each["SnapshotId"] for each in self.ec2("DescribeSnapshots", OwnerIds=["self"], **where)["Snapshots"]]

    def change(self, kind: str, identifier: str, **facts: Any) -> None:
        """Note an inner fact of a record."""
        with self.world.catalog(self.account, REGION) as catalog:
            record = catalog.own(kind, identifier)
            catalog.save(replace(record, inner={**record.inner, **facts}))


def detail(
    action: str,
    days: int | None = None,
    *,
    include: dict[str, bool] | None = None,
    amis: dict[str, Any] | None = None,
    kept: int = 0,
) -> dict[str, Any]:
    """Return a policy's detail, by age in days or by count."""
    when = {"type": "AGE", "value": days, "unit": "DAYS"} if days else {"type": "COUNT", "value": kept}
    what = {"type": action, **({"includeResources": include} if include else {})}
    return {"action": what, "filter": when, **({"exclusionRules": {"amis": amis}} if amis else {})}


@pytest.fixture
def house(tmp_path: Path):
    now = [START]
    cloud = Cloud(Home(tmp_path).ready(), clock=lambda: now[0])
    cloud.database.prepare()
    with cloud.database.writing() as connection:
        account, other = (create_account(connection, name).id for name in ("acme", "other"))
    yield House(CloudWorld(cloud), account, other, now)
    cloud.close()
