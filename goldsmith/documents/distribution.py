"""A distribution configuration: the input of CreateDistributionConfiguration (7)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from goldsmith.documents.shape import AccountId, ClientToken, NonEmpty, ResourceName, Shape, Tags, like, refuse

_ORGANIZATION = r"arn:aws[^:]*:organizations::[0-9]{12}:organization/o-[a-z0-9]{10,32}"
_UNIT = r"arn:aws[^:]*:organizations::[0-9]{12}:ou/o-[a-z0-9]{10,32}/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}"
_LICENSE = r"arn:aws[^:]*:license-manager:[^:]+:[0-9]{12}:license-configuration:lic-[a-z0-9-_]{32}"

AmiName = Annotated[
    str,
    Field(max_length=127),
    like(r"[-_A-Za-z0-9{][-_A-Za-z0-9\s:{}.]+[-_A-Za-z0-9}]", "an AMI's name"),
    like(
        r"(?s).*\{\{\s*imagebuilder:buildDate\b[^{}]*\}\}.*",
        "unique to each build: it must hold {{ imagebuilder:buildDate }}",
    ),
]
LaunchTemplateId = Annotated[str, like(r"lt-[a-z0-9-_]{17}", "a launch template's id")]


class LaunchPermission(Shape):
    """Who may launch the image."""

    user_ids: Annotated[tuple[AccountId, ...], Field(min_length=1, max_length=1536)] | None = None
    user_groups: tuple[Literal["all"], ...] | None = None
    organization_arns: (
        Annotated[
            tuple[Annotated[str, like(_ORGANIZATION, "an organization's ARN")], ...], Field(min_length=1, max_length=25)
        ]
        | None
    ) = None
    organizational_unit_arns: (
        Annotated[
            tuple[Annotated[str, like(_UNIT, "an organizational unit's ARN")], ...], Field(min_length=1, max_length=25)
        ]
        | None
    ) = None

    @property
    def grantees(self) -> tuple[tuple[str, str], ...]:
        """All whom it names, each with the member of EC2's LaunchPermission that names it so."""
        return (
            *(("UserId", account) for account in self.user_ids or ()),
            *(("Group", str(group)) for group in self.user_groups or ()),
            *(("OrganizationArn", arn) for arn in self.organization_arns or ()),
            *(("OrganizationalUnitArn", arn) for arn in self.organizational_unit_arns or ()),
        )


class AmiDistribution(Shape):
    """The AMI of one region."""

    name: AmiName | None = None
    description: NonEmpty | None = None
    target_account_ids: Annotated[tuple[AccountId, ...], Field(min_length=1, max_length=1536)] | None = None
    ami_tags: Tags = Field(default_factory=dict)
    kms_key_id: NonEmpty | None = None
    launch_permission: LaunchPermission | None = None


class TargetRepository(Shape):
    """A container registry's repository."""

    service: Literal["ECR"]
    repository_name: NonEmpty


class ContainerDistribution(Shape):
    """The container image of one region."""

    target_repository: TargetRepository
    container_tags: tuple[NonEmpty, ...] = ()
    description: NonEmpty | None = None


class LaunchTemplateConfiguration(Shape):
    """A launch template that gets a new version with the AMI."""

    launch_template_id: LaunchTemplateId
    account_id: AccountId | None = None
    set_default_version: bool = True


class S3Export(Shape):
    """A disk file in a bucket."""

    role_name: NonEmpty
    disk_image_format: Literal["VMDK", "RAW", "VHD"]
    s3_bucket: NonEmpty
    s3_prefix: NonEmpty | None = None


class FastLaunchSnapshot(Shape):
    """How many snapshots are kept ready."""

    target_resource_count: Annotated[int, Field(ge=1, le=10000)] | None = None


class FastLaunchTemplate(Shape):
    """The launch template that snapshots are made with."""

    launch_template_id: LaunchTemplateId | None = None
    launch_template_name: NonEmpty | None = None
    launch_template_version: NonEmpty | None = None


class FastLaunch(Shape):
    """Windows snapshots made ahead of launches."""

    enabled: bool
    snapshot_configuration: FastLaunchSnapshot | None = None
    max_parallel_launches: Annotated[int, Field(ge=1)] | None = None
    launch_template: FastLaunchTemplate | None = None
    account_id: AccountId | None = None


class SsmParameterConfiguration(Shape):
    """A parameter of the Parameter Store that gets the AMI's id."""

    parameter_name: Annotated[str, like(r"[a-zA-Z0-9_.\-/]{1,1011}", "a parameter's name")]
    ami_account_id: AccountId | None = None
    data_type: Literal["text", "aws:ec2:image"] | None = None


class Distribution(Shape):
    """What one region gets."""

    region: NonEmpty
    ami_distribution_configuration: AmiDistribution | None = None
    container_distribution_configuration: ContainerDistribution | None = None
    license_configuration_arns: (
        Annotated[
            tuple[Annotated[str, like(_LICENSE, "a license configuration's ARN")], ...],
            Field(min_length=1, max_length=50),
        ]
        | None
    ) = None
    launch_template_configurations: (
        Annotated[tuple[LaunchTemplateConfiguration, ...], Field(min_length=1, max_length=100)] | None
    ) = None
    s3_export_configuration: S3Export | None = None
    fast_launch_configurations: Annotated[tuple[FastLaunch, ...], Field(min_length=1, max_length=1000)] | None = None
    ssm_parameter_configurations: tuple[SsmParameterConfiguration, ...] = ()

    @model_validator(mode="after")
    def _has_output(self) -> Self:
        if self.model_fields_set <= {"region"}:
            raise refuse(
                "is empty: One or more outputs should be provided for each region in a distribution configuration"
            )
        return self


class DistributionConfiguration(Shape):
    """Where images go. AWS requires ``name``; here it may be left out."""

    distributions: Annotated[tuple[Distribution, ...], Field(min_length=1)]
    name: ResourceName | None = None
    description: NonEmpty | None = None
    tags: Tags = Field(default_factory=dict)
    client_token: ClientToken | None = None
    dry_run: bool = False

    @field_validator("distributions")
    @classmethod
    def _each_region_once(cls, distributions: tuple[Distribution, ...]) -> tuple[Distribution, ...]:
        seen: set[str] = set()
        for index, each in enumerate(distributions):
            if each.region in seen:
                raise refuse(f"is {each.region} again: each region stands once", at=(index, "region"))
            seen.add(each.region)
        return distributions
