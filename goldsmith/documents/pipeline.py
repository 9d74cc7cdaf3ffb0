"""A pipeline file: AWS-shaped blocks nested in one document, where AWS has one resource for each."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from goldsmith.documents.arns import Arn, ArnError
from goldsmith.documents.distribution import DistributionConfiguration  # noqa: TC001  # pydantic reads it
from goldsmith.documents.image_tests import ImageTestsConfiguration
from goldsmith.documents.infrastructure import InfrastructureConfiguration
from goldsmith.documents.recipe import ImageRecipe  # noqa: TC001  # pydantic reads it
from goldsmith.documents.scanning import ImageScanningConfiguration  # noqa: TC001  # pydantic reads it
from goldsmith.documents.schedule import Schedule  # noqa: TC001  # pydantic reads it
from goldsmith.documents.shape import ClientToken, LogGroupName, NonEmpty, ResourceName, Shape, Tags, like, refuse
from goldsmith.documents.shape_faults import read_shape


def _check_workflow(value: str) -> str:
    try:
        arn = Arn.parse(value)
    except ArnError as error:
        raise refuse(f"is not valid: {error.message} {error.mend}") from None
    if arn.kind != "workflow":
        raise refuse(f"is the ARN of a {arn.kind}, not of a workflow")
    return value


class WorkflowParameter(Shape):
    """A value for one of a workflow's parameters."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    value: tuple[str, ...]


class WorkflowConfiguration(Shape):
    """A workflow that the pipeline runs in place of the managed ones."""

    workflow_arn: Annotated[str, AfterValidator(_check_workflow)]
    parameters: tuple[WorkflowParameter, ...] = ()
    parallel_group: Annotated[str, like(r"[A-Za-z0-9][A-Za-z0-9-_+#]{0,99}", "a group's name")] | None = None
    on_failure: Literal["CONTINUE", "ABORT"] | None = None


class PipelineLogging(Shape):
    """The log groups of the pipeline and its images."""

    image_log_group_name: LogGroupName | None = None
    pipeline_log_group_name: LogGroupName | None = None


class Cleanup(Shape):
    """A local addition: cleanup rules, by name, that are left out, and rules off by default that are wanted.

    ``allow`` are globs of paths that the scan lets be. ``accounts`` says what becomes of people's accounts (uid from
    1000) that the parent did not have: "keep", as Image Builder does, or "remove".
    """

    skip: tuple[NonEmpty, ...] = ()
    enable: tuple[NonEmpty, ...] = ()
    allow: tuple[NonEmpty, ...] = ()
    accounts: Literal["keep", "remove"] = "keep"


class Pipeline(Shape):
    """A pipeline and all it is made of."""

    name: ResourceName
    image_recipe: ImageRecipe
    description: NonEmpty | None = None
    infrastructure_configuration: InfrastructureConfiguration = InfrastructureConfiguration()
    distribution_configuration: DistributionConfiguration | None = None
    image_tests_configuration: ImageTestsConfiguration = ImageTestsConfiguration()
    image_scanning_configuration: ImageScanningConfiguration | None = None
    cleanup: Cleanup = Cleanup()
    schedule: Schedule | None = None
    workflows: tuple[WorkflowConfiguration, ...] = ()
    enhanced_image_metadata_enabled: bool = True
    status: Literal["ENABLED", "DISABLED"] = "ENABLED"
    tags: Tags = Field(default_factory=dict)
    image_tags: Tags = Field(default_factory=dict)
    logging_configuration: PipelineLogging | None = None
    execution_role: (
        Annotated[
            str,
            Field(max_length=2048),
            like(r"(?:arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:role/)?[a-zA-Z_0-9+=,.@\-_/]+", "a role's name or ARN"),
        ]
        | None
    ) = None
    client_token: ClientToken | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _workflows_need_role(self) -> Self:
        if self.workflows and not self.execution_role:
            raise refuse("needs an executionRole to run workflows")
        return self


def parse_pipeline(text: str, file: str) -> Pipeline:
    """Return the pipeline that a YAML or JSON text holds; ``file`` is what its faults call it.

    Raises DocumentError with every fault at once.
    """
    return read_shape(text, file, Pipeline, "A pipeline")
