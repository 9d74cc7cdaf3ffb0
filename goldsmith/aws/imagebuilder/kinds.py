"""Image Builder's resources, one declaration a kind: from it come its create, get, list, update and delete."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder import (
    components,
    configurations,
    lifecycle_policies,
    pipelines,
    recipes,
    workflows,
)
from goldsmith.pipelines.schedules.timing import plan_next

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

    Describe = Callable[[Call, dict[str, Any]], dict[str, Any]]


def _as_it_is(resource: Resource, _: float) -> Resource:
    return resource


@dataclass(frozen=True)
class Kind:
    """One kind of resource.

    ``noun`` names it in ARNs, ``title`` in operations and messages, ``arn`` and ``member`` are the members of answers
    with its ARN and with it. ``listing`` is the list operation and ``rows`` the member with its rows. ``describe``
    turns a request into the resource's document, or refuses it. ``filters`` are JMESPath expressions into rows.
    ``settle`` adds to a record what follows from it at a moment.
    ``versioned`` kinds have a version in their ARN, ``built`` ones a build's number too.
    """

    noun: str
    title: str
    arn: str
    member: str
    listing: str
    rows: str
    quota: int
    describe: Describe | None
    filters: Mapping[str, str] = field(default_factory=dict)
    versioned: bool = False
    built: bool = False
    owners: tuple[str, ...] = ()
    updates: bool = False
    keeps: Callable[[Call, Mapping[str, Any], dict[str, Any]], dict[str, Any]] | None = None
    settle: Callable[[Resource, float], Resource] = _as_it_is
    builds_listing: str = ""
    builds_rows: str = ""
    version_arn: str = ""

    @property
    def stored(self) -> str:
        """The kind's name in the catalogue, where an image is an AMI."""
        return "image-build" if self.noun == "image" else self.noun


NAMED = {"name": "name"}
EVERY_OWNER = ("Self", "Shared", "Amazon", "ThirdParty", "AWSMarketplace")

COMPONENT = Kind(
    noun="component",
    title="Component",
    arn="componentBuildVersionArn",
    member="component",
    listing="ListComponents",
    rows="componentVersionList",
    quota=1000,
    describe=components.describe,
    filters={
        "description": "description",
        "name": "name",
        "platform": "platform",
        "productCodes": "productCodes[].productCodeId",
        "status": "status",
        "supportedOsVersion": "supportedOsVersions",
        "type": "type",
        "version": "version",
    },
    versioned=True,
    built=True,
    owners=EVERY_OWNER,
    builds_listing="ListComponentBuildVersions",
    builds_rows="componentSummaryList",
    version_arn="componentVersionArn",
)
WORKFLOW = Kind(
    noun="workflow",
    title="Workflow",
    arn="workflowBuildVersionArn",
    member="workflow",
    listing="ListWorkflows",
    rows="workflowVersionList",
    quota=1000,
    describe=workflows.describe,
    filters={"description": "description", "name": "name", "type": "type", "version": "version"},
    versioned=True,
    built=True,
    owners=("Self", "Amazon", "AWSMarketplace"),
    builds_listing="ListWorkflowBuildVersions",
    builds_rows="workflowSummaryList",
    version_arn="workflowVersionArn",
)
IMAGE_RECIPE = Kind(
    noun="image-recipe",
    title="ImageRecipe",
    arn="imageRecipeArn",
    member="imageRecipe",
    listing="ListImageRecipes",
    rows="imageRecipeSummaryList",
    quota=1000,
    describe=recipes.describe_image_recipe,
    filters={"name": "name", "parentImage": "parentImage", "platform": "platform"},
    versioned=True,
    owners=EVERY_OWNER,
)
CONTAINER_RECIPE = Kind(
    noun="container-recipe",
    title="ContainerRecipe",
    arn="containerRecipeArn",
    member="containerRecipe",
    listing="ListContainerRecipes",
    rows="containerRecipeSummaryList",
    quota=1000,
    describe=recipes.describe_container_recipe,
    filters={"containerType": "containerType", "name": "name", "parentImage": "parentImage", "platform": "platform"},
    versioned=True,
    owners=("Self", "Shared", "Amazon"),
)
INFRASTRUCTURE = Kind(
    noun="infrastructure-configuration",
    title="InfrastructureConfiguration",
    arn="infrastructureConfigurationArn",
    member="infrastructureConfiguration",
    listing="ListInfrastructureConfigurations",
    rows="infrastructureConfigurationSummaryList",
    quota=1000,
    describe=configurations.describe_infrastructure,
    filters=NAMED,
    updates=True,
)
DISTRIBUTION = Kind(
    noun="distribution-configuration",
    title="DistributionConfiguration",
    arn="distributionConfigurationArn",
    member="distributionConfiguration",
    listing="ListDistributionConfigurations",
    rows="distributionConfigurationSummaryList",
    quota=1000,
    describe=configurations.describe_distribution,
    filters=NAMED,
    updates=True,
)
PIPELINE = Kind(
    noun="image-pipeline",
    title="ImagePipeline",
    arn="imagePipelineArn",
    member="imagePipeline",
    listing="ListImagePipelines",
    rows="imagePipelineList",
    quota=75,
    describe=pipelines.describe,
    filters={
        "description": "description",
        "distributionConfigurationArn": "distributionConfigurationArn",
        "imageRecipeArn": "imageRecipeArn",
        "infrastructureConfigurationArn": "infrastructureConfigurationArn",
        "name": "name",
        "status": "status",
    },
    updates=True,
    keeps=pipelines.keep,
    settle=plan_next,
)
LIFECYCLE_POLICY = Kind(
    noun="lifecycle-policy",
    title="LifecyclePolicy",
    arn="lifecyclePolicyArn",
    member="lifecyclePolicy",
    listing="ListLifecyclePolicies",
    rows="lifecyclePolicySummaryList",
    quota=50,
    describe=lifecycle_policies.describe,
    filters={"name": "name", "resourceType": "resourceType", "status": "status"},
    updates=True,
    keeps=lifecycle_policies.keep,
)

IMAGE = Kind(
    noun="image",
    title="Image",
    arn="imageBuildVersionArn",
    member="image",
    listing="ListImages",
    rows="imageVersionList",
    quota=0,
    describe=None,
    filters={"name": "name", "osVersion": "osVersion", "platform": "platform", "type": "type", "version": "version"},
    versioned=True,
    built=True,
    owners=EVERY_OWNER,
    builds_listing="ListImageBuildVersions",
    builds_rows="imageSummaryList",
    version_arn="imageVersionArn",
)
"""Images come of builds and have operations of their own; they share the lists."""

KINDS = (
    COMPONENT,
    WORKFLOW,
    IMAGE_RECIPE,
    CONTAINER_RECIPE,
    INFRASTRUCTURE,
    DISTRIBUTION,
    PIPELINE,
    LIFECYCLE_POLICY,
)
