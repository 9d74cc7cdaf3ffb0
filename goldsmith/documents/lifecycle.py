"""A lifecycle policy: the input of CreateLifecyclePolicy (8.1 to 8.5); StartResourceStateUpdate shares parts of it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from goldsmith.documents.shape import (
    AccountId,
    ClientToken,
    NonEmpty,
    ResourceName,
    Shape,
    TagKey,
    Tags,
    TagValue,
    like,
    refuse,
)
from goldsmith.documents.shape_faults import read_shape
from goldsmith.documents.versions import VersionError, VersionPattern

SERVICE_LINKED_ROLE = "AWSServiceRoleForImageBuilder"

ActionType = Literal["DEPRECATE", "DISABLE", "DELETE"]
ResourceType = Literal["AMI_IMAGE", "CONTAINER_IMAGE"]
TimeUnit = Literal["DAYS", "WEEKS", "MONTHS", "YEARS"]
SomeTags = Annotated[dict[TagKey, TagValue], Field(min_length=1, max_length=50)]


def _check_role(value: str) -> str:
    if value.rpartition("/")[2] == SERVICE_LINKED_ROLE:
        raise refuse(f"is the service-linked role {SERVICE_LINKED_ROLE}; name a role of your own")
    return value


def _check_version(value: str) -> str:
    try:
        pattern = VersionPattern.parse(value)
    except VersionError as error:
        raise refuse(f"is not valid: {error.message} {error.mend}") from None
    if pattern.build:
        raise refuse("names a build; a recipe's version has none")
    return value


ExecutionRole = Annotated[
    str,
    Field(min_length=1, max_length=2048),
    like(r"(?:arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:role/)?[a-zA-Z_0-9+=,.@\-_/]+", "a role's name or ARN"),
    AfterValidator(_check_role),
]


class IncludeResources(Shape):
    """What an action is applied to beside the image's record."""

    amis: bool = False
    snapshots: bool = False
    containers: bool = False

    @model_validator(mode="after")
    def _snapshots_with_amis(self) -> Self:
        if self.snapshots and not self.amis:
            raise refuse("can only include snapshots together with amis")
        return self


class LifecycleAction(Shape):
    """What becomes of an image."""

    type: ActionType
    include_resources: IncludeResources | None = None

    @model_validator(mode="after")
    def _only_delete_takes_more(self) -> Self:
        include = self.include_resources
        if include and self.type != "DELETE" and (include.snapshots or include.containers):
            raise refuse(f"can only include amis when it is {self.type}", at=("includeResources",))
        return self


class LifecycleFilter(Shape):
    """Which images have had their time. ``value`` is an age in units of ``unit``, or a count."""

    type: Literal["AGE", "COUNT"]
    value: Annotated[int, Field(ge=1, le=1000)]
    unit: TimeUnit | None = None
    retain_at_least: Annotated[int, Field(ge=1, le=10)] | None = None

    @model_validator(mode="after")
    def _unit_of_age(self) -> Self:
        if self.type == "AGE" and self.unit is None:
            raise refuse("needs a unit when it is of type AGE")
        if self.type == "COUNT" and self.unit is not None:
            raise refuse("has no unit when it is of type COUNT", at=("unit",))
        if self.type == "COUNT" and self.retain_at_least is not None:
            raise refuse("has no retainAtLeast when it is of type COUNT", at=("retainAtLeast",))
        return self


class LastLaunched(Shape):
    """A span before now in which an AMI that was launched is spared."""

    value: Annotated[int, Field(ge=1, le=365)]
    unit: TimeUnit


class AmiExclusions(Shape):
    """AMIs that are left alone."""

    is_public: bool = False
    regions: tuple[NonEmpty, ...] = ()
    shared_accounts: Annotated[tuple[AccountId, ...], Field(min_length=1, max_length=1536)] | None = None
    last_launched: LastLaunched | None = None
    tag_map: SomeTags | None = None


class ExclusionRules(Shape):
    """Images and AMIs that are left alone."""

    tag_map: SomeTags | None = None
    amis: AmiExclusions | None = None


class PolicyDetail(Shape):
    """One action, and which images it is for."""

    action: LifecycleAction
    filter: LifecycleFilter
    exclusion_rules: ExclusionRules | None = None

    @model_validator(mode="after")
    def _count_deletes(self) -> Self:
        if self.filter.type == "COUNT" and self.action.type != "DELETE":
            raise refuse(f"of type COUNT goes with the action DELETE, not with {self.action.type}", at=("filter",))
        return self


class RecipeSelection(Shape):
    """A recipe whose images a policy is for; its version may have wildcards, looked up at each run."""

    name: ResourceName
    semantic_version: Annotated[str, AfterValidator(_check_version)]


class ResourceSelection(Shape):
    """The images a policy is for: those of recipes, or those with any of some tags."""

    recipes: Annotated[tuple[RecipeSelection, ...], Field(min_length=1, max_length=50)] | None = None
    tag_map: SomeTags | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.recipes) == bool(self.tag_map):
            raise refuse("takes either recipes or a tagMap")
        return self


class LifecyclePolicy(Shape):
    """A policy that deprecates, disables or deletes images when their time has come."""

    name: ResourceName
    execution_role: ExecutionRole
    resource_type: ResourceType
    policy_details: Annotated[tuple[PolicyDetail, ...], Field(min_length=1, max_length=3)]
    resource_selection: ResourceSelection
    description: NonEmpty | None = None
    status: Literal["ENABLED", "DISABLED"] = "ENABLED"
    tags: Tags = Field(default_factory=dict)
    client_token: ClientToken | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _one_detail_an_action(self) -> Self:
        kinds = [each.action.type for each in self.policy_details]
        for number, kind in enumerate(kinds):
            if kind in kinds[:number]:
                raise refuse(f"is a second detail of the action {kind}", at=("policyDetails", number))
        return self

    @model_validator(mode="after")
    def _resources_of_the_type(self) -> Self:
        for number, each in enumerate(self.policy_details):
            self._check_detail(("policyDetails", number), each)
        return self

    def _check_detail(self, at: tuple[str | int, ...], detail: PolicyDetail) -> None:
        include = detail.action.include_resources or IncludeResources()
        resources = (*at, "action", "includeResources")
        if self.resource_type == "AMI_IMAGE":
            if include.containers:
                raise refuse("includes containers in a policy for AMI_IMAGE", at=resources)
            return
        if detail.action.type != "DELETE":
            raise refuse("can only be DELETE in a policy for CONTAINER_IMAGE", at=(*at, "action", "type"))
        if include.amis:
            raise refuse("includes amis in a policy for CONTAINER_IMAGE", at=resources)
        if detail.exclusion_rules and detail.exclusion_rules.amis:
            raise refuse("excludes AMIs in a policy for CONTAINER_IMAGE", at=(*at, "exclusionRules", "amis"))


class StateUpdateExclusions(Shape):
    """AMIs of one image that are left alone."""

    amis: AmiExclusions | None = None


class WantedState(Shape):
    """The state that an image is to have."""

    status: Literal["AVAILABLE", "DEPRECATED", "DISABLED", "DELETED"]


class StateUpdate(Shape):
    """What StartResourceStateUpdate asks for; ``update_at`` is in seconds since the epoch."""

    state: WantedState
    execution_role: ExecutionRole | None = None
    include_resources: IncludeResources | None = None
    exclusion_rules: StateUpdateExclusions | None = None
    update_at: float | None = None

    @model_validator(mode="after")
    def _members_go_together(self) -> Self:
        include, status = self.include_resources, self.state.status
        if bool(include) != bool(self.execution_role):
            raise refuse("executionRole and includeResources are given together, or neither")
        if status == "DELETED" and include is None:
            raise refuse("includeResources is needed when the state is DELETED")
        if self.exclusion_rules and include is None:
            raise refuse("exclusionRules are only for resources that includeResources names")
        if include and status != "DELETED" and (include.snapshots or include.containers):
            raise refuse("snapshots and containers are only included when the state is DELETED")
        if self.update_at is not None and status != "DEPRECATED":
            raise refuse("updateAt is only for the state DEPRECATED")
        return self


def parse_lifecycle_policy(text: str, file: str) -> LifecyclePolicy:
    """Return the policy that a YAML or JSON text holds; ``file`` is what its faults call it.

    Raises DocumentError with every fault at once.
    """
    return read_shape(text, file, LifecyclePolicy, "A lifecycle policy")
