"""Workflow and step executions in the catalogue, and the shapes in which operations tell of them (9.3, 9.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import Query, Resource
from goldsmith.pipelines.workflows.outcome import MAX_MESSAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.catalog.catalog import Catalog
    from goldsmith.pipelines.image_run import ImageRun
    from goldsmith.pipelines.world import World

WORKFLOW = "workflow-execution"
STEP = "workflow-step"

_UNENDED = ("PENDING", "RUNNING", "ROLLBACK_IN_PROGRESS")

_WORKFLOW_SUMMARY = (
    *("workflowBuildVersionArn", "workflowExecutionId", "type", "status", "message", "totalStepCount"),
    *("totalStepsSucceeded", "totalStepsFailed", "totalStepsSkipped", "startTime", "endTime", "parallelGroup"),
    "retried",
)
_STEP_SUMMARY = (
    *("stepExecutionId", "name", "description", "action", "status", "rollbackStatus", "message", "inputs", "outputs"),
    *("startTime", "endTime", "attemptNumber", "maxAttempts"),
)
_WAITING = (
    *("stepExecutionId", "imageBuildVersionArn", "workflowExecutionId", "workflowBuildVersionArn", "name", "action"),
    "startTime",
)


class Executions:
    """The executions of one image's workflows and steps."""

    def __init__(self, world: World, image: ImageRun) -> None:
        self._world = world
        self._image = image

    def record_workflow(self, execution: str, facts: Mapping[str, Any]) -> None:
        """Write members of a workflow execution; it is made when it is not there."""
        self._record(WORKFLOW, execution, self._image.arn, facts)

    def record_step(self, step: str, facts: Mapping[str, Any]) -> None:
        """Write members of a step execution; it is made when it is not there."""
        self._record(STEP, step, str(facts.get("workflowExecutionId", "")), facts)

    def _record(self, kind: str, identifier: str, name: str, facts: Mapping[str, Any]) -> None:
        image = self._image
        with self._world.catalog(image.account, image.region) as catalog:
            known = catalog.own(kind, identifier)
            if known is None:
                created = self._world.clock()
                known = Resource(identifier, kind, image.account, image.region, name, created=created)
                catalog.add(known.showing(facts).having(state=str(facts.get("status", ""))))
            else:
                catalog.save(known.showing(facts).having(state=str(facts.get("status", known.state))))


def mark_retried(catalog: Catalog, image: str) -> None:
    """Note of all workflow executions that an image has so far that it was tried again."""
    for each in list(catalog.find(Query(WORKFLOW, names=(image,), owners=(catalog.account.id,)))):
        catalog.save(each.having(retried=True))


def mark_broken(catalog: Catalog, image: str, message: str, moment: str) -> None:
    """Note that what an image's workflows had begun will not be ended by anybody; ``moment`` is as AWS writes it."""
    facts = {"status": "FAILED", "message": message[:MAX_MESSAGE], "endTime": moment}
    for execution in list(catalog.find(Query(WORKFLOW, names=(image,), owners=(catalog.account.id,)))):
        steps = list(catalog.find(Query(STEP, names=(execution.id,), owners=(catalog.account.id,))))
        for each in (execution, *steps):
            if each.state in _UNENDED:
                catalog.save(each.showing(facts).having(state="FAILED"))


def workflow_execution(resource: Resource) -> dict[str, Any]:
    """Return GetWorkflowExecution's answer, but for the request's id."""
    return {name: value for name, value in resource.document.items() if name != "retried"}


def step_execution(resource: Resource) -> dict[str, Any]:
    """Return GetWorkflowStepExecution's answer, but for the request's id."""
    return dict(resource.document)


def workflow_summary(resource: Resource) -> dict[str, Any]:
    """Return WorkflowExecutionMetadata."""
    return {"retried": False} | _members(resource, _WORKFLOW_SUMMARY)


def step_summary(resource: Resource) -> dict[str, Any]:
    """Return WorkflowStepMetadata."""
    return _members(resource, _STEP_SUMMARY)


def waiting_step(resource: Resource) -> dict[str, Any]:
    """Return WorkflowStepExecution, as waiting steps are listed."""
    return _members(resource, _WAITING)


def _members(resource: Resource, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: resource.document[name] for name in names if name in resource.document}
