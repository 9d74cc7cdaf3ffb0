"""Executions of lifecycle actions, and what they did to which resource (2.13, 8.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.listing import answer_page
from goldsmith.aws.imagebuilder.references import IMAGE_BUILD, parse_arn
from goldsmith.aws.imagebuilder.refusals import not_found
from goldsmith.aws.imagebuilder.state_updates import run_later
from goldsmith.aws.operations import imagebuilder
from goldsmith.catalog.resources import Query
from goldsmith.pipelines.lifecycle.records import EXECUTION, ROW, in_status

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

CANCELLABLE = ("PENDING", "IN_PROGRESS")


@imagebuilder.operation()
def get_lifecycle_execution(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Look at one execution."""
    return {"lifecycleExecution": dict(_own(call, parameters).document)}


@imagebuilder.operation()
def list_lifecycle_executions(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the executions of a policy, or those that an image was in; nothing for an ARN that is not there."""
    arn = parse_arn(call.operation, parameters["resourceArn"], "lifecycle-policy", "image", path="resourceArn")
    query = Query(EXECUTION, names=(str(arn),), owners=(call.account.id,))
    if arn.kind == "image":
        image = call.catalog.own(IMAGE_BUILD, str(arn))
        known = tuple(image.inner.get("lifecycle", ())) if image else ()
        if not known:
            return {"lifecycleExecutions": []}
        query = Query(EXECUTION, ids=known, owners=(call.account.id,))
    return answer_page(
        call, parameters, "lifecycleExecutions", lambda after: call.catalog.find(query, after=after or 0)
    )


@imagebuilder.operation()
def list_lifecycle_execution_resources(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List what an execution did to images, or to the AMIs of the image that is named as parent."""
    execution = _own(call, parameters)
    parent = parameters.get("parentResourceId")
    name = f"{execution.id} {parent}" if parent else execution.id
    query = Query(ROW, names=(name,), owners=(call.account.id,))
    answer = answer_page(call, parameters, "resources", lambda after: call.catalog.find(query, after=after or 0))
    shown = {"lifecycleExecutionId": execution.id, "lifecycleExecutionState": execution.document["state"]}
    return {**shown, **answer}


@imagebuilder.operation()
def cancel_lifecycle_execution(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """End an execution after the image that it is at; what was done stays done."""
    execution = _own(call, parameters)
    if execution.state not in CANCELLABLE:
        raise AwsError(
            "ResourceInUseException",
            f"The lifecycle execution '{execution.id}' is {execution.state}: there is nothing to cancel.",
        )
    call.catalog.save(in_status(execution, "CANCELLING"))
    run_later(call, execution)
    return {"lifecycleExecutionId": execution.id}


def _own(call: Call, parameters: dict[str, Any]) -> Resource:
    identifier = parameters["lifecycleExecutionId"]
    execution = call.catalog.own(EXECUTION, identifier)
    if execution is None:
        raise not_found(identifier)
    return execution
