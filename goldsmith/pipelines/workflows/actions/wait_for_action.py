"""WaitForAction: the build waits until somebody says RESUME or STOP with SendWorkflowStepAction (5.3, 9.4)."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.events.event import SNS_NOTIFICATION, STEP_WAITING, step_waiting
from goldsmith.pipelines.events.events import Events
from goldsmith.pipelines.events.notification import envelope
from goldsmith.pipelines.workflows.action import ActionFailedError
from goldsmith.pipelines.workflows.catalogued import STEP
from goldsmith.pipelines.workflows.waiting import RESUME, begun, given_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.workflows.action import StepRun

PACE = 1.0
"""Seconds between two looks for the answer."""

LONGEST_PAYLOAD = 16 << 10


def run(step: StepRun) -> Mapping[str, Any]:
    """Wait for the answer; a killed server goes on waiting for it, until the time that the first start began."""
    payload = _payload(step)
    since = _begin(step)
    _tell(step, payload, since)
    step.say(f"Waiting for an action on step {step.name} ({step.id})")
    ends = since + step.timeout_seconds
    with step.idle():
        while (answer := _answer(step, final=step.world.clock() >= ends)) is None:
            step.stop.wait(PACE)
    return _taken(step, answer)


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - as every action's
    """Have nothing to undo."""
    return False


def _payload(step: StepRun) -> Any:
    if function := step.inputs.get("lambdaFunctionName"):
        raise ActionFailedError(
            f"The step {step.name} calls the function {function}, and there is no Lambda here.",
            mend="Leave lambdaFunctionName out; a webhook of cloud.yml hears of each step that waits.",
        )
    text = str(step.inputs.get("payload") or "null")
    try:
        if len(text.encode()) <= LONGEST_PAYLOAD:
            return json.loads(text)
    except ValueError:
        pass
    raise ActionFailedError(
        f"The payload of the step {step.name} is no JSON of at most 16 KiB.", mend="Write a JSON text as payload."
    )


def _begin(step: StepRun) -> float:
    """Note that the step waits; return since when, in seconds since the epoch."""
    with step.world.catalog(step.image.account, step.image.region) as catalog:
        waiting = catalog.save(begun(_record(catalog, step), step.world.clock()))
    return float(waiting.inner["waiting_since"])


def _answer(step: StepRun, *, final: bool) -> Mapping[str, str] | None:
    """Return the answer, if it is there. At the end of the time no other is taken, and ActionFailedError raised."""
    with step.world.catalog(step.image.account, step.image.region, writes=final) as catalog:
        record = _record(catalog, step)
        answer: Mapping[str, str] | None = record.inner.get("answer")
        if answer is None and final:
            catalog.save(given_up(record))
    if answer is None and final:
        raise ActionFailedError(f"No action was sent to the step {step.name} within {step.timeout_seconds} seconds.")
    return answer


def _taken(step: StepRun, answer: Mapping[str, str]) -> Mapping[str, Any]:
    reason = answer.get("reason", "")
    if answer["action"] == RESUME:
        return {"action": RESUME, "reason": reason}
    raise ActionFailedError(
        f"The step {step.name} was stopped{f': {reason}' if reason else '.'}", outputs={**answer, "reason": reason}
    )


def _record(catalog: Catalog, step: StepRun) -> Resource:
    found = catalog.own(STEP, step.id)
    if found is None:
        raise ActionFailedError(
            f"The step {step.name} has no record in the catalogue under which it could be answered."
        )
    return found


def _tell(step: StepRun, payload: Any, since: float) -> None:
    """Tell that the step waits; under the same ids when a killed server tells it again."""
    image = step.image
    emit = partial(
        Events(step.world.home, (), step.world.clock).emit, account=image.account, region=image.region, moment=since
    )
    emit(STEP_WAITING, [image.arn], step_waiting(step.workflow_execution, step.id, step.name))
    if topic := str(step.inputs.get("snsTopicArn") or ""):
        message = {
            "imageBuildVersionArn": image.arn,
            "workflowExecutionId": step.workflow_execution,
            "stepExecutionId": step.id,
            "stepName": step.name,
            "payload": payload,
        }
        emit(SNS_NOTIFICATION, [topic, image.arn], envelope(topic, message, since))
