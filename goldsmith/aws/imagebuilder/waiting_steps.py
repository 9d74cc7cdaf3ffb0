"""Workflow steps that wait for somebody's answer, and the answers (2.12, 9.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.listing import answer_page
from goldsmith.aws.imagebuilder.refusals import invalid, not_found
from goldsmith.aws.operations import imagebuilder
from goldsmith.catalog.resources import Query
from goldsmith.pipelines.workflows.catalogued import STEP, waiting_step
from goldsmith.pipelines.workflows.waiting import ACTION, answered, waits

if TYPE_CHECKING:
    from goldsmith.aws.call import Call


@imagebuilder.operation()
def list_waiting_workflow_steps(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the account's steps that wait for an answer now."""
    query = Query(STEP, states=("RUNNING",), owners=(call.account.id,))
    return answer_page(
        call,
        parameters,
        "steps",
        lambda after: (each for each in call.catalog.find(query, after=after or 0) if waits(each)),
        show=waiting_step,
    )


@imagebuilder.operation()
def send_workflow_step_action(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Answer a step that waits: RESUME goes on, STOP fails it."""
    identifier, image = parameters["stepExecutionId"], parameters["imageBuildVersionArn"]
    step = call.catalog.own(STEP, identifier)
    if step is None:
        raise not_found(identifier)
    if step.document.get("imageBuildVersionArn") != image:
        raise invalid(call.operation, "imageBuildVersionArn", f"The step {identifier} is not of the image '{image}'.")
    if step.document.get("action") != ACTION:
        raise invalid(
            call.operation, "stepExecutionId", f"The step runs {step.document.get('action')}, which takes no answer."
        )
    if "answer" in step.inner:
        said = step.inner["answer"]["action"]
        raise AwsError("ResourceInUseException", f"The step {identifier} was already answered with {said}.")
    if not waits(step):
        reason = f"The step is {step.state} and does not wait for an answer."
        raise invalid(call.operation, "stepExecutionId", reason)
    call.catalog.save(answered(step, parameters["action"], parameters.get("reason") or ""))
    return {"stepExecutionId": identifier, "imageBuildVersionArn": image}
