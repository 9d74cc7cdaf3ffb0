"""What an operator can set in cloud.yml of the home: regions and their stores, instance types, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from goldsmith.documents.shape import AccountId, refuse
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.builders.containers.registry import Registry  # noqa: TC001 - pydantic reads it
from goldsmith.pipelines.events.webhook import Webhook  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from pathlib import Path

FILE = "cloud.yml"
DEFAULT_REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-central-1", "eu-west-1")
"""Names that clients know: Packer and Terraform refuse a region that is in no list of theirs."""


class SettingsError(GoldsmithError):
    """cloud.yml cannot be used."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Region(_Model):
    """A region: a catalogue view with a block store, by default a folder of the home."""

    blocks: str = Field(default="", description="file:// or s3:// URL of its block store.")
    zones: int = Field(default=3, ge=1, le=6)


class AwsRegion(_Model):
    """A region of AWS's own that pipelines publish to, with credentials of the server's user."""

    accounts: Annotated[tuple[AccountId, ...], Field(min_length=1)] = Field(description="Whose pipelines may.")
    region: str = Field(default="", description="Its name at AWS, if it is another here.")
    profile: str = Field(default="", description="boto3's profile, if not the default one.")
    endpoint: str = Field(default="", description="Another URL than AWS's own.")


class InstanceType(_Model):
    """An instance type that a user adds: processors, and memory in MiB."""

    vcpus: int = Field(ge=1, le=512)
    memory: int = Field(ge=64, description="MiB")


class Settings(_Model):
    """cloud.yml."""

    database: str = Field(default="", description="A PostgreSQL URL instead of the home's SQLite file.")
    regions: dict[str, Region] = Field(default_factory=lambda: {name: Region() for name in DEFAULT_REGIONS})
    aws: dict[str, AwsRegion] = Field(default_factory=dict, description="Regions of AWS's own, by their names here.")
    default_region: str = "us-east-1"
    instance_types: dict[str, InstanceType] = Field(default_factory=dict)
    instance_memory: int = Field(default=0, ge=0, description="MiB for all instances; 0: what the host has to spare.")
    buckets: dict[str, str] = Field(default_factory=dict, description="Bucket name to file:// or s3:// URL.")
    registries: dict[str, Registry] = Field(
        default_factory=dict,
        description="Region to the container registry that stands for its ECR; images stay in the home without one.",
    )
    quotas: dict[str, int] = Field(
        default_factory=dict,
        description="Image Builder's resources of an account: kind (as in ARNs) to number; image: builds at once; "
        "components-of-a-recipe.",
    )
    builds: int = Field(default=2, ge=1, description="Images that are built beside each other; others wait.")
    snapshot_concurrency: int = Field(default=20, ge=1)
    webhooks: tuple[Webhook, ...] = Field(default=(), description="Who is told of events; each URL once.")

    @field_validator("webhooks")
    @classmethod
    def _require_each_once(cls, webhooks: tuple[Webhook, ...]) -> tuple[Webhook, ...]:
        if len({hook.id for hook in webhooks}) < len(webhooks):
            raise refuse("two webhooks have the same URL; give one of them both lists of events")
        return webhooks

    @model_validator(mode="after")
    def _require_one_region_to_a_name(self) -> Self:
        if both := sorted(self.aws.keys() & self.regions.keys()):
            raise refuse(
                f"`aws` and `regions` both have {both[0]}; name AWS's otherwise, as in "
                f"aws: {{aws-{both[0]}: {{region: {both[0]}, …}}}}"
            )
        return self

    def regions_of(self, account: str) -> list[str]:
        """Return the names of the regions that an account's images may go to: all here, and AWS's own that it has."""
        return [*self.regions, *(name for name, region in self.aws.items() if account in region.accounts)]

    @classmethod
    def load(cls, home: Path) -> Settings:
        """Read cloud.yml of ``home``; all is default without one. Raises SettingsError naming each fault."""
        file = home / FILE
        if not file.exists():
            return cls()
        try:
            read = yaml.safe_load(file.read_text())
            return cls.model_validate(read or {})
        except yaml.YAMLError as wrong:
            raise SettingsError(f"{file} is no YAML: {wrong}") from wrong
        except ValidationError as wrong:
            faults = "\n".join(
                f"  {'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in wrong.errors()
            )
            raise SettingsError(f"{file} has faults:\n{faults}", mend="docs/serve.md lists the settings.") from wrong
