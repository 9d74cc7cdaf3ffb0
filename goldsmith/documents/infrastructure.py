"""An infrastructure configuration: the input of CreateInfrastructureConfiguration (6.3)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from goldsmith.documents.shape import ClientToken, NonEmpty, ResourceName, ResourceTags, Shape, Tags, like, refuse

_RESERVED_TAGS = ("CreatedBy", "Ec2ImageBuilderArn", "Name", "Tags")


class S3Logs(Shape):
    """Where a build's logs go."""

    s3_bucket_name: NonEmpty | None = None
    s3_key_prefix: NonEmpty | None = None


class Logging(Shape):
    """Where logs go."""

    s3_logs: S3Logs | None = None


class InstanceMetadataOptions(Shape):
    """How the build's machine may read its metadata."""

    http_tokens: Literal["optional", "required"] | None = None
    http_put_response_hop_limit: Annotated[int, Field(ge=1, le=64)] | None = None


class Placement(Shape):
    """Where the build's machine runs."""

    availability_zone: NonEmpty | None = None
    tenancy: Literal["default", "dedicated", "host"] | None = None
    host_id: NonEmpty | None = None
    host_resource_group_arn: NonEmpty | None = None

    @model_validator(mode="after")
    def _one_host(self) -> Self:
        if self.host_id and self.host_resource_group_arn:
            raise refuse("takes either hostId or hostResourceGroupArn")
        return self


class AutoScalingGroup(Shape):
    """A group to borrow a warm machine from."""

    name: NonEmpty
    capacity_wait_timeout_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None


class ParentInstance(Shape):
    """Where a ready machine comes from."""

    auto_scaling_group: AutoScalingGroup


class InfrastructureConfiguration(Shape):
    """What a build runs on. AWS requires ``name`` and ``instanceProfileName``; here they may be left out."""

    name: ResourceName | None = None
    description: NonEmpty | None = None
    instance_types: tuple[str, ...] = ()
    instance_profile_name: Annotated[str, like(r"[\w+=,.@-]{1,256}", "an instance profile's name")] | None = None
    security_group_ids: tuple[NonEmpty, ...] = ()
    subnet_id: NonEmpty | None = None
    logging: Logging | None = None
    key_pair: NonEmpty | None = None
    terminate_instance_on_failure: bool = True
    terminate_instance_on_completion: bool = True
    sns_topic_arn: (
        Annotated[str, like(r"arn:aws[^:]*:sns:[^:]+:[0-9]{12}:[a-zA-Z0-9-_]{1,256}", "an SNS topic's ARN")] | None
    ) = None
    resource_tags: ResourceTags = Field(default_factory=dict)
    instance_metadata_options: InstanceMetadataOptions | None = None
    tags: Tags = Field(default_factory=dict)
    placement: Placement | None = None
    parent_instance: ParentInstance | None = None
    client_token: ClientToken | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _subnet_needs_groups(self) -> Self:
        if self.subnet_id and not self.security_group_ids:
            raise refuse("needs securityGroupIds when it has a subnetId")
        for key in _RESERVED_TAGS:
            if key in self.resource_tags:
                raise refuse("is a tag that every machine gets by itself", at=("resourceTags", key))
        return self
