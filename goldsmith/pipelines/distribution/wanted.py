"""What a distribution is to do: a workflow step's inputs, or else the distribution configuration of the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import Field, ValidationError, field_validator

from goldsmith.documents.distribution import (  # pydantic reads them
    FastLaunch,  # noqa: TC001
    LaunchPermission,  # noqa: TC001
    LaunchTemplateConfiguration,  # noqa: TC001
    S3Export,  # noqa: TC001
    SsmParameterConfiguration,  # noqa: TC001
)
from goldsmith.documents.shape import AccountId, NonEmpty, Shape, Tags, like
from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from goldsmith.pipelines.workflows.action import StepRun

Wanted = TypeVar("Wanted", bound="CopyWanted | AttributesWanted | ConfigurationsWanted")

_LONGEST_NAME = 1024


class CopyWanted(Shape):
    """An AMI that a region, or accounts in it, are to have."""

    region: NonEmpty
    name: Annotated[str, Field(max_length=_LONGEST_NAME)] | None = None
    description: NonEmpty | None = None
    target_account_ids: tuple[AccountId, ...] | None = None
    ami_tags: Tags = Field(default_factory=dict)
    kms_key_id: NonEmpty | None = None


class AttributesWanted(Shape):
    """Who may launch a region's AMIs."""

    region: NonEmpty
    launch_permission: LaunchPermission | None = None


class ConfigurationsWanted(Shape):
    """What is to know of a region's AMIs."""

    region: NonEmpty
    license_configuration_arns: tuple[NonEmpty, ...] = ()
    launch_template_configurations: tuple[LaunchTemplateConfiguration, ...] = ()
    s3_export_configuration: S3Export | None = None
    fast_launch_configurations: tuple[FastLaunch, ...] = ()
    ssm_parameter_configurations: tuple[SsmParameterConfiguration, ...] = ()

    @field_validator("ssm_parameter_configurations", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        """Take a map for a list of it: AWS's guide calls the step's input a map, the API's is a list."""
        return (value,) if isinstance(value, Mapping) else value

    @field_validator("s3_export_configuration", mode="before")
    @classmethod
    def _the_one(cls, value: object) -> object:
        """Take a list of one for it: AWS's guide calls the step's input an array, the API's is a map."""
        return value[0] if isinstance(value, list) and len(value) == 1 else value


class DistributedImage(Shape):
    """An AMI of an earlier step's outputs."""

    region: NonEmpty
    account_id: AccountId
    ami_id: Annotated[str, like(r"ami-[0-9a-f]{8,32}", "an AMI's id")] = ""
    name: str = ""
    description: str = ""
    status: str = ""
    step: str = ""
    date_started: str = ""
    date_stopped: str = ""
    error_message: str = ""


_COPY_MEMBERS = ("name", "description", "targetAccountIds", "amiTags", "kmsKeyId")
_CONFIGURATIONS = (
    "licenseConfigurationArns",
    "launchTemplateConfigurations",
    "s3ExportConfiguration",
    "fastLaunchConfigurations",
    "ssmParameterConfigurations",
)


def copies_wanted(step: StepRun) -> list[CopyWanted]:
    """Return what DistributeImage is to do. Raises ActionFailedError for inputs of another form."""
    return _wanted(step, "distributions", CopyWanted, _copy_settings)


def attributes_wanted(step: StepRun) -> list[AttributesWanted]:
    """Return what ModifyImageAttributes is to do. Raises ActionFailedError for inputs of another form."""
    return _wanted(step, "attributes", AttributesWanted, _attribute_settings)


def configurations_wanted(step: StepRun) -> list[ConfigurationsWanted]:
    """Return what ApplyImageConfigurations is to do. Raises ActionFailedError for inputs of another form."""
    return _wanted(step, "configurations", ConfigurationsWanted, _configuration_settings)


def distributed_images(step: StepRun) -> list[DistributedImage]:
    """Return the AMIs that an earlier step distributed. Raises ActionFailedError for an input that is no such list."""
    rows = step.inputs.get("distributedImages")
    if not isinstance(rows, list):
        raise ActionFailedError(
            f"The step {step.name} has no list distributedImages.",
            mend="Give it a DistributeImage step's outputs: distributedImages.$: $.stepOutputs.….distributedImages",
        )
    images = _read(step, "distributedImages", DistributedImage, rows)
    return [image for image in images if image.ami_id and image.status in {"", "Completed"}]


def _wanted(step: StepRun, member: str, model: type[Wanted], settings: Any) -> list[Wanted]:
    given = step.inputs.get(member)
    if given is None:
        entries = (step.image.distribution or {}).get("distributions") or ()
        given = [settings(entry) for entry in entries if "containerDistributionConfiguration" not in entry]
    if not isinstance(given, list):
        raise ActionFailedError(f"The input {member} of the step {step.name} is no list.", mend="Make it one.")
    return _read(step, member, model, given)


def _copy_settings(entry: Mapping[str, Any]) -> dict[str, Any]:
    ami = entry.get("amiDistributionConfiguration") or {}
    return {"region": entry["region"], **{name: ami[name] for name in _COPY_MEMBERS if name in ami}}


def _attribute_settings(entry: Mapping[str, Any]) -> dict[str, Any]:
    ami = entry.get("amiDistributionConfiguration") or {}
    return {"region": entry["region"], "launchPermission": ami.get("launchPermission")}


def _configuration_settings(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"region": entry["region"], **{name: entry[name] for name in _CONFIGURATIONS if name in entry}}


AnyRow = TypeVar("AnyRow", bound=Shape)


def _read(step: StepRun, member: str, model: type[AnyRow], rows: list[Any]) -> list[AnyRow]:
    read = []
    for place, row in enumerate(rows):
        try:
            read.append(model.model_validate(row))
        except ValidationError as wrong:
            fault = wrong.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"]))
            raise ActionFailedError(
                f"The input {member}[{place}]{'.' if where else ''}{where} of the step {step.name} is not valid: "
                f"{fault['msg']}.",
                mend="docs/distribution.md says what it may hold.",
            ) from None
    return read
