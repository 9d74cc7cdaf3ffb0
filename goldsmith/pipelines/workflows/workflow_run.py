"""One execution of one workflow: everything that it needs, resolved before it begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goldsmith.documents.workflows.resolution import Values
from goldsmith.pipelines.workflows.action import StepRun, find_action
from goldsmith.pipelines.workflows.identity import step_execution_id, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldsmith.documents.workflows.document import WorkflowDocument
    from goldsmith.documents.workflows.step import WorkflowStep
    from goldsmith.pipelines.image_run import ImageRun
    from goldsmith.pipelines.stop import Stop
    from goldsmith.pipelines.workflows.action import Action
    from goldsmith.pipelines.workflows.ledger import Ledger
    from goldsmith.pipelines.world import World


@dataclass(frozen=True)
class WorkflowRun:
    """``execution`` is its id (wf-…), ``arn`` the workflow's build version.

    ``parameters`` are bound, ``variables`` those below $.imagebuilder, ``output_image`` is the id of the AMI that was
    built before, empty in BUILD. ``parallel_group`` and ``continues`` (onFailure CONTINUE) are for TEST workflows.
    """

    world: World
    image: ImageRun
    document: WorkflowDocument
    arn: str
    execution: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    workflow_outputs: Mapping[str, Any] = field(default_factory=dict)
    output_image: str = ""
    parallel_group: str = ""
    continues: bool = False
    find: Callable[[str], Action] = find_action

    def now(self) -> str:
        """Return the moment as AWS writes it."""
        return written(self.world.clock())

    def values(self, step_outputs: Mapping[str, Mapping[str, Any]]) -> Values:
        """Return what references reach after steps gave out ``step_outputs``."""
        return Values(self.parameters, step_outputs, self.workflow_outputs, self.variables)

    def step_run(
        self, step: WorkflowStep, attempt: int, inputs: Mapping[str, Any], port: Ledger, stop: Stop
    ) -> StepRun:
        """Return what an attempt's action gets."""
        identifier = self.step_id(step, attempt)
        return StepRun(
            world=self.world,
            image=self.image,
            workflow_execution=self.execution,
            id=identifier,
            name=step.name,
            stage=self.document.type,
            inputs=inputs,
            timeout_seconds=step.timeout_seconds,
            attempt=attempt,
            output_image=self.output_image,
            logs=self.image.folder(self.world.home) / "steps" / identifier,
            say=port.say,
            stop=stop,
            idle=port.idle,
        )

    def step_id(self, step: WorkflowStep, attempt: int) -> str:
        """Return the id of an attempt's step execution."""
        return step_execution_id(self.execution, step.name, attempt)
