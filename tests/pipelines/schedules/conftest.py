"""A cloud on a temporary home with a clock that tests move, and pipelines in it that nobody builds but the test."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from goldsmith.aws.cloud import Cloud
from goldsmith.aws.imagebuilder.world import CloudWorld
from goldsmith.catalog.accounts import create_account
from goldsmith.catalog.resources import Resource
from goldsmith.pipelines.engine.states import in_state
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.schedules.scheduler import Scheduler, Trigger

REGION = "eu-central-1"
START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC).timestamp()
NGINX = f"arn:aws:imagebuilder:{REGION}:aws:component/nginx/x.x.x"
DAILY = {"scheduleExpression": "cron(0 10 * * ? *)"}


@dataclass
class House:
    """A world, an account in it, and what its pipelines started and told."""

    world: CloudWorld
    account: str
    now: list[float]
    started: list[tuple[str, Trigger]] = field(default_factory=list)
    told: list[tuple[str, list[str], dict[str, Any]]] = field(default_factory=list)

    def move(self, to: str) -> None:
        self.now[0] = datetime.fromisoformat(to).replace(tzinfo=UTC).timestamp()

    def ask(self, operation: str, service: str = "imagebuilder", **parameters: Any) -> dict[str, Any]:
        writes = operation.startswith(("Create", "Update", "Start"))
        token = {"clientToken": str(uuid.uuid4())} if service == "imagebuilder" and writes else {}
        return self.world.call(self.account, REGION, service, operation, **token, **parameters)

    def arn(self, tail: str) -> str:
        return f"arn:aws:imagebuilder:{REGION}:{self.account}:{tail}"

    def recipe(
        self, version: str = "1.0.0", *, parent: str = "debian/12", components: tuple[str, ...] = (NGINX,)
    ) -> str:
        configured = [{"componentArn": each} for each in components]
        asked = {"name": "web", "semanticVersion": version, "parentImage": parent, "components": configured}
        return str(self.ask("CreateImageRecipe", **asked)["imageRecipeArn"])

    def pipeline(self, schedule: dict[str, Any] | None = None, **members: Any) -> str:
        asked = {"infrastructureConfigurationArn": self.arn("infrastructure-configuration/infra"), **members}
        asked = {"imageRecipeArn": self.arn("image-recipe/web/x.x.x"), "schedule": schedule or DAILY, **asked}
        return str(self.ask("CreateImagePipeline", name="web", **asked)["imagePipelineArn"])

    def start(self, pipeline: Resource, trigger: Trigger) -> str:
        """Begin an image as the house does, but for its build."""
        arn = str(self.ask("StartImagePipelineExecution", imagePipelineArn=pipeline.id)["imageBuildVersionArn"])
        with self.world.catalog(self.account, REGION) as catalog:
            image = catalog.own("image-build", arn)
            catalog.save(image.having(buildType="SCHEDULED").knowing(because=trigger.as_json()))
        self.started.append((arn, trigger))
        return arn

    def tell(self, detail_type: str, resources: list[str], detail: dict[str, Any], **where: Any) -> None:
        assert where == {"account": self.account, "region": REGION}
        self.told.append((detail_type, resources, detail))

    def scheduler(self, **changes: Any) -> Scheduler:
        return Scheduler(self.world, changes.pop("start", self.start), self.tell, **changes)

    def finish(self, arn: str, state: str = "AVAILABLE", **facts: Any) -> Resource:
        """End an image's build, with what it was made of as the engine notes it."""
        with self.world.catalog(self.account, REGION) as catalog:
            image = in_state(catalog.own("image-build", arn), state)
            return catalog.save(image.knowing(**facts))

    def show(self, arn: str) -> dict[str, Any]:
        return dict(self.ask("GetImagePipeline", imagePipelineArn=arn)["imagePipeline"])

    def log(self, arn: str) -> str:
        folder = self.world.home.path / "imagebuilder" / self.account / REGION / "pipelines" / arn.rpartition("/")[2]
        return "".join(file.read_text() for file in sorted(folder.rglob("*.log")))

    def packages(self, image: str, versions: dict[str, str]) -> None:
        """Keep the packages of an image as CollectImageMetadata does."""
        listed = [{"packageName": name, "packageVersion": version} for name, version in versions.items()]
        kept = Resource(image, "image-packages", self.account, REGION, document={"packages": listed})
        with self.world.catalog(self.account, REGION) as catalog:
            catalog.add(kept)


@pytest.fixture
def house(tmp_path):
    now = [START]
    cloud = Cloud(Home(tmp_path).ready(), clock=lambda: now[0])
    cloud.database.prepare()
    with cloud.database.writing() as connection:
        account = create_account(connection, "acme").id
    made = House(CloudWorld(cloud), account, now)
    made.ask("CreateInfrastructureConfiguration", name="infra", instanceProfileName="p")
    yield made
    cloud.close()
