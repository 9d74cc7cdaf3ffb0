"""Executions of workflows and of their steps (2.12, 9.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder.listing import answer_page
from goldsmith.aws.imagebuilder.references import IMAGE_BUILD, parse_arn
from goldsmith.aws.imagebuilder.refusals import not_found
from goldsmith.aws.operations import imagebuilder
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource


@imagebuilder.operation()
def get_workflow_execution(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Look at one execution of a workflow."""
    return dict(_own(call, "workflow-execution", parameters["workflowExecutionId"]).document)


@imagebuilder.operation()
def get_workflow_step_execution(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Look at one execution of a step."""
    return dict(_own(call, "workflow-step", parameters["stepExecutionId"]).document)


@imagebuilder.operation()
def list_workflow_executions(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the executions of an image's workflows, those of earlier tries among them."""
    arn = str(parse_arn(call.operation, parameters["imageBuildVersionArn"], "image", path="imageBuildVersionArn"))
    image = call.catalog.own(IMAGE_BUILD, arn)
    answer = _rows(call, parameters, "workflow-execution", arn, "workflowExecutions")
    reason = (image.document["state"].get("reason") if image else None) or ""
    return {**answer, "imageBuildVersionArn": arn, **({"message": reason[:500]} if reason else {})}


@imagebuilder.operation()
def list_workflow_step_executions(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the executions of a workflow execution's steps."""
    execution = _own(call, "workflow-execution", parameters["workflowExecutionId"])
    answer = _rows(call, parameters, "workflow-step", execution.id, "steps")
    named = ("workflowBuildVersionArn", "workflowExecutionId", "imageBuildVersionArn", "message")
    return {**answer, **{name: execution.document[name] for name in named if execution.document.get(name)}}


def _rows(call: Call, parameters: dict[str, Any], kind: str, name: str, member: str) -> dict[str, Any]:
    query = Query(kind, names=(name,), owners=(call.account.id,))
    return answer_page(call, parameters, member, lambda after: call.catalog.find(query, after=after or 0))


def _own(call: Call, kind: str, identifier: str) -> Resource:
    found = call.catalog.own(kind, identifier)
    if found is None:
        raise not_found(identifier)
    return found
