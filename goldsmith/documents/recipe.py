"""An image recipe: the input of CreateImageRecipe (6.1), and the local additions to it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from goldsmith.documents.component_reference import (
    ComponentReference,
    ComponentReferenceError,
    parse_component_reference,
)
from goldsmith.documents.parent_image import ParentImage, ParentImageError, parse_parent_image
from goldsmith.documents.shape import ClientToken, NonEmpty, ResourceName, Shape, Tags, like, refuse
from goldsmith.documents.versions import VersionError, VersionPattern

DEFAULT_WORKING_DIRECTORY = "/tmp"  # noqa: S108  # AWS's default, inside the image

_RESERVED_TAGS = ("CreatedBy", "Ec2ImageBuilderArn")


def _check_version(value: str) -> str:
    try:
        pattern = VersionPattern.parse(value)
    except VersionError as error:
        raise refuse(f"is not valid: {error.message} {error.mend}") from None
    if pattern.build:
        raise refuse(f"is not valid: '{value}' has a build, and builds are counted by themselves")
    return value


def _check_parent(value: str) -> str:
    try:
        parse_parent_image(value)
    except ParentImageError as error:
        raise refuse(f"is not valid: {error.message} {error.mend}", meant=error.meant) from None
    return value


def _check_component(value: str) -> str:
    try:
        parse_component_reference(value)
    except ComponentReferenceError as error:
        raise refuse(f"is not valid: {error.message} {error.mend}") from None
    return value


class ComponentParameter(Shape):
    """A value for one of a component's parameters, as AWS's list of one."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    value: Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def text(self) -> str:
        """The value; several are joined with commas, as a StringList is."""
        return ",".join(self.value)


class ComponentConfiguration(Shape):
    """A component of a recipe and the values of its parameters."""

    component_arn: Annotated[str, AfterValidator(_check_component)]
    parameters: tuple[ComponentParameter, ...] = ()

    @property
    def reference(self) -> ComponentReference:
        """What ``componentArn`` names."""
        return parse_component_reference(self.component_arn)


class Ebs(Shape):
    """A volume; sizes in GiB, throughput in MiB/s."""

    encrypted: bool | None = None
    delete_on_termination: bool | None = None
    iops: Annotated[int, Field(ge=100, le=64000)] | None = None
    kms_key_id: NonEmpty | None = None
    snapshot_id: NonEmpty | None = None
    volume_size: Annotated[int, Field(ge=1, le=16000)] | None = None
    volume_type: Literal["standard", "io1", "io2", "gp2", "gp3", "sc1", "st1"] | None = None
    throughput: Annotated[int, Field(ge=125, le=1000)] | None = None


class BlockDeviceMapping(Shape):
    """A device of the image; the first with a volume size sets the disk's."""

    device_name: NonEmpty | None = None
    virtual_name: NonEmpty | None = None
    no_device: Literal[""] | None = None
    ebs: Ebs | None = None


class SystemsManagerAgent(Shape):
    """Whether AWS's agent is taken away again after the build."""

    uninstall_after_build: bool | None = None


class AdditionalInstanceConfiguration(Shape):
    """What the build's machine gets besides."""

    systems_manager_agent: SystemsManagerAgent | None = None
    user_data_override: (
        Annotated[
            str,
            Field(max_length=21847),
            like(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", "base64 text"),
        ]
        | None
    ) = None


class ImageRecipe(Shape):
    """A recipe. ``builder`` is a local addition: where the build phases run."""

    name: ResourceName
    semantic_version: Annotated[str, AfterValidator(_check_version)]
    parent_image: Annotated[str, AfterValidator(_check_parent)]
    description: NonEmpty | None = None
    components: tuple[ComponentConfiguration, ...] = ()
    block_device_mappings: tuple[BlockDeviceMapping, ...] = ()
    working_directory: Annotated[str, like(r"(/|[A-Za-z]:[/\\]).*", "an absolute path")] = DEFAULT_WORKING_DIRECTORY
    additional_instance_configuration: AdditionalInstanceConfiguration | None = None
    tags: Tags = Field(default_factory=dict)
    ami_tags: Tags = Field(default_factory=dict)
    ami_watermarks: Annotated[tuple[Annotated[str, Field(min_length=3, max_length=128)], ...], Field(max_length=5)] = ()
    client_token: ClientToken | None = None
    dry_run: bool = False
    builder: Literal["sandbox", "machine"] = "sandbox"

    @property
    def version(self) -> VersionPattern:
        """The version, or the pattern that the next one is counted from."""
        return VersionPattern.parse(self.semantic_version)

    @property
    def parent(self) -> ParentImage:
        """What ``parentImage`` names."""
        return parse_parent_image(self.parent_image)

    @property
    def volume_size(self) -> int | None:
        """The disk's size in GiB, if the recipe sets one."""
        sizes = (mapping.ebs.volume_size for mapping in self.block_device_mappings if mapping.ebs)
        return next((size for size in sizes if size), None)

    @field_validator("components")
    @classmethod
    def _each_once(cls, components: tuple[ComponentConfiguration, ...]) -> tuple[ComponentConfiguration, ...]:
        seen: set[str] = set()
        for index, component in enumerate(components):
            if component.component_arn in seen:
                rule = "A component may be specified in an image recipe at most once"
                raise refuse(f"is '{component.component_arn}' again: {rule}", at=(index, "componentArn"))
            seen.add(component.component_arn)
        return components

    @field_validator("ami_tags")
    @classmethod
    def _no_reserved_tags(cls, tags: dict[str, str]) -> dict[str, str]:
        for key in _RESERVED_TAGS:
            if key in tags:
                raise refuse("is a tag that every image gets by itself", at=(key,))
        return tags
