"""Running one step of a workflow: its condition, its inputs, its attempts, and what is recorded of each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from goldsmith.documents.workflows.actions import ACTIONS
from goldsmith.documents.workflows.decision import holds
from goldsmith.documents.workflows.resolution import UnresolvedError, resolve
from goldsmith.documents.workflows.settling import settle_inputs
from goldsmith.pipelines.stop import StoppedError
from goldsmith.pipelines.workflows.attempt import perform
from goldsmith.pipelines.workflows.outcome import MAX_MESSAGE
from goldsmith.pipelines.workflows.rollback import roll_back_step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldsmith.documents.workflows.resolution import Values
    from goldsmith.documents.workflows.step import WorkflowStep
    from goldsmith.pipelines.workflows.ledger import Ledger
    from goldsmith.pipelines.workflows.workflow_run import WorkflowRun

    Tally = Callable[[str], None]


@dataclass(frozen=True)
class StepResult:
    """How a step ended: SKIPPED, COMPLETED, FAILED or CANCELLED. ``ran``: there may be something to undo."""

    step: WorkflowStep
    status: str
    attempt: int = 1
    ran: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    component: Mapping[str, Any] | None = None
    regions: tuple[Mapping[str, Any], ...] = ()


def run_step(run: WorkflowRun, step: WorkflowStep, values: Values, port: Ledger, tally: Tally) -> StepResult:
    """Run a step to its end; it does not raise for what an action does. ``tally`` notes how the step ended."""
    try:
        if step.condition is None:
            met = None
        elif not (met := holds(step.condition, values)):
            return _never_begun(run, step, port, tally, "SKIPPED", "its 'if' is not met")
        inputs = settle_inputs(ACTIONS[step.action], resolve(step.inputs, values))
    except UnresolvedError as unresolved:
        return _never_begun(run, step, port, tally, "FAILED", f"{unresolved.message} {unresolved.mend}".strip())
    condition = f"No 'if' conditions to evaluate for step: {step.name}" if met is None else ""
    wait, what = step.wait_seconds, "wait"
    for attempt in range(1, step.retry.max_attempts + 1):
        if not _waited(run, step, attempt, wait, what, port):
            return StepResult(step, "CANCELLED")
        result = _attempt(run, step, attempt, inputs, condition, port, tally)
        if result.status != "FAILED" or attempt == step.retry.max_attempts:
            break
        roll_back_step(run, step, result.attempt, inputs, result.outputs, values, port)
        wait, what = step.retry.backoff_seconds, "backoff"
    return result


def _never_begun(run: WorkflowRun, step: WorkflowStep, port: Ledger, tally: Tally, status: str, why: str) -> StepResult:
    """Record a step whose action does not run: its end is its start, and its inputs stay as they are written."""

    def record() -> str:
        if port.stop.asked:
            return "CANCELLED"
        moment = run.now()
        ended = {"status": status, "startTime": moment, "endTime": moment, "message": why[:MAX_MESSAGE]}
        port.record_step(run.step_id(step, 1), {**_facts(run, step, 1, step.inputs), **ended})
        port.say(_last_line(step, status, why))
        tally(status)
        return status

    return StepResult(step, port.once(_key(run, step, 1, "begin"), record), inputs=step.inputs, message=why)


def _waited(run: WorkflowRun, step: WorkflowStep, attempt: int, seconds: int, what: str, port: Ledger) -> bool:
    """Wait until it is time for an attempt, which is not put off by a restart; tell whether the attempt may begin."""
    if not seconds:
        return True
    due = port.once(_key(run, step, attempt, f"{what} until"), lambda: run.world.clock() + seconds)

    def wait() -> bool:
        port.say(f"Waiting for {seconds} seconds before step {step.name}")
        try:
            port.stop.wait(max(0.0, due - run.world.clock()))
        except StoppedError:
            return False
        return True

    return bool(port.once(_key(run, step, attempt, what), wait))


def _attempt(
    run: WorkflowRun,
    step: WorkflowStep,
    attempt: int,
    inputs: dict[str, Any],
    condition: str,
    port: Ledger,
    tally: Tally,
) -> StepResult:
    identifier = run.step_id(step, attempt)

    def begin() -> str:
        if port.stop.asked:
            return ""
        moment = run.now()
        port.record_step(identifier, {**_facts(run, step, attempt, inputs), "status": "RUNNING", "startTime": moment})
        for line in (condition, f"Started step {step.name} with action {step.action}"):
            if line:
                port.say(line)
        return moment

    begun = port.once(_key(run, step, attempt, "begin"), begin)
    if not begun:
        return StepResult(step, "CANCELLED")

    def act() -> dict[str, Any]:
        stop = port.stop.within(_seconds_left(run, step, begun))
        return perform(run.find, step.action, run.step_run(step, attempt, inputs, port, stop))

    ended = port.once(_key(run, step, attempt, "run"), act)

    def end() -> None:
        port.record_step(identifier, {**_ending(ended), "endTime": run.now()})
        port.say(_last_line(step, ended["status"], ended["message"]))
        if ended["status"] != "FAILED" or attempt == step.retry.max_attempts:
            tally(ended["status"])

    port.once(_key(run, step, attempt, "end"), end)
    return StepResult(
        step,
        ended["status"],
        attempt,
        ran=ended["status"] != "SKIPPED",
        inputs=inputs,
        outputs=ended["outputs"],
        message=ended["message"],
        component=ended["component"],
        regions=tuple(ended["regions"]),
    )


def _seconds_left(run: WorkflowRun, step: WorkflowStep, begun: str) -> float:
    """Return how long an action may take now: all its time again after a restart, but for waiting for people."""
    if not ACTIONS[step.action].waits_for_people:
        return step.timeout_seconds
    return datetime.fromisoformat(begun).timestamp() + step.timeout_seconds - run.world.clock()


def _facts(run: WorkflowRun, step: WorkflowStep, attempt: int, inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stepExecutionId": run.step_id(step, attempt),
        "workflowBuildVersionArn": run.arn,
        "workflowExecutionId": run.execution,
        "imageBuildVersionArn": run.image.arn,
        "name": step.name,
        **({"description": step.description[:MAX_MESSAGE]} if step.description else {}),
        "action": step.action,
        "inputs": json.dumps(inputs, ensure_ascii=False),
        "onFailure": step.on_failure,
        "timeoutSeconds": step.timeout_seconds,
        "attemptNumber": attempt,
        "maxAttempts": step.retry.max_attempts,
    }


def _ending(ended: Mapping[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"status": ended["status"]}
    if ended["message"]:
        facts["message"] = ended["message"][:MAX_MESSAGE]
    if ended["outputs"]:
        facts["outputs"] = json.dumps(ended["outputs"], ensure_ascii=False)
    return facts


def _last_line(step: WorkflowStep, status: str, message: str) -> str:
    match status:
        case "COMPLETED":
            return f"Step {step.name} completed"
        case "SKIPPED":
            return f"Skipped step {step.name}: {message}"
        case "CANCELLED":
            return f"Step {step.name} was cancelled"
    return f"Action failed for step {step.name}. Failing step: {message}"


def _key(run: WorkflowRun, step: WorkflowStep, attempt: int, what: str) -> str:
    return f"{run.execution} {step.name} {attempt} {what}"
