"""Running a workflow: step after step, each recorded, so that a killed server goes on after the last that ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.documents.workflows.contract import ContractError, check_outputs
from goldsmith.documents.workflows.resolution import UnresolvedError, resolve
from goldsmith.pipelines.workflows.outcome import MAX_MESSAGE, StepFailure, WorkflowOutcome
from goldsmith.pipelines.workflows.rollback import roll_back
from goldsmith.pipelines.workflows.step import run_step

if TYPE_CHECKING:
    from goldsmith.pipelines.workflows.ledger import Ledger
    from goldsmith.pipelines.workflows.outcome import End
    from goldsmith.pipelines.workflows.step import StepResult
    from goldsmith.pipelines.workflows.workflow_run import WorkflowRun


def run_workflow(run: WorkflowRun, port: Ledger) -> WorkflowOutcome:
    """Run a workflow to its end; a failing step, a cancelled build and a bug in an action are outcomes, not errors."""
    port.once(f"{run.execution} begin", lambda: _begin(run, port))
    results = _run_steps(run, port)
    status, failure, outputs = _conclude(run, results)
    recorded: str = status
    if status != "COMPLETED":
        port.once(f"{run.execution} failing", lambda: _begin_rollback(run, failure, port))
        clean = roll_back(run, results, run.values(_given(results)), port)
        if status == "FAILED":
            recorded = "ROLLBACK_COMPLETED" if clean else "FAILED"
    port.once(f"{run.execution} end", lambda: _end(run, recorded, failure, port))
    return WorkflowOutcome(run.execution, run.arn, status, outputs, failure)


def _run_steps(run: WorkflowRun, port: Ledger) -> list[StepResult]:
    results: list[StepResult] = []

    def tally(status: str) -> None:
        port.record_workflow(run.execution, _counts([*(each.status for each in results), status]))

    for step in run.document.steps:
        result = run_step(run, step, run.values(_given(results)), port, tally)
        results.append(result)
        if result.status == "CANCELLED" or (result.status == "FAILED" and step.on_failure == "Abort"):
            break
    return results


def _given(results: list[StepResult]) -> dict[str, Any]:
    """Return the outputs of the steps that completed, by their names."""
    return {each.step.name: each.outputs for each in results if each.status == "COMPLETED"}


def _conclude(run: WorkflowRun, results: list[StepResult]) -> tuple[End, StepFailure | None, dict[str, Any]]:
    last = results[-1]
    if last.status == "CANCELLED":
        return "CANCELLED", None, {}
    if last.status == "FAILED" and last.step.on_failure == "Abort":
        identifier = run.step_id(last.step, last.attempt)
        failure = StepFailure(last.message, last.step.name, identifier, last.component, last.regions)
        return "FAILED", failure, {}
    values = run.values(_given(results))
    outputs: dict[str, Any] = {}
    for each in run.document.outputs:
        try:
            outputs[each.name] = resolve(each.value, values)
        except UnresolvedError:
            continue  # its step was skipped: who refers to it is told that there is none
    try:
        check_outputs(outputs, run.document.type, "AMI" if run.image.kind == "AMI" else "DOCKER")
    except ContractError as broken:
        return "FAILED", StepFailure(broken.message), {}
    return "COMPLETED", None, outputs


def _begin(run: WorkflowRun, port: Ledger) -> None:
    port.record_workflow(
        run.execution,
        {
            "workflowBuildVersionArn": run.arn,
            "workflowExecutionId": run.execution,
            "imageBuildVersionArn": run.image.arn,
            "type": run.document.type,
            "status": "RUNNING",
            "message": "",
            "totalStepCount": len(run.document.steps),
            **_counts([]),
            "startTime": run.now(),
            **({"parallelGroup": run.parallel_group} if run.parallel_group else {}),
        },
    )
    port.say(f"Started {run.document.type} workflow {run.arn}")
    port.say(f"Total {len(run.document.steps)} steps to run for workflow {run.arn}")


def _counts(statuses: list[str]) -> dict[str, int]:
    return {
        "totalStepsSucceeded": statuses.count("COMPLETED"),
        "totalStepsFailed": statuses.count("FAILED"),
        "totalStepsSkipped": statuses.count("SKIPPED"),
    }


def _begin_rollback(run: WorkflowRun, failure: StepFailure | None, port: Ledger) -> None:
    message = failure.message if failure else "The workflow was cancelled."
    port.record_workflow(run.execution, {"status": "ROLLBACK_IN_PROGRESS", "message": message[:MAX_MESSAGE]})
    port.say(f"Rolling back workflow {run.arn}: {message}")


def _end(run: WorkflowRun, status: str, failure: StepFailure | None, port: Ledger) -> None:
    port.record_workflow(run.execution, {"status": status, "endTime": run.now()})
    ended = "completed" if status == "COMPLETED" else "failed" if failure else "was cancelled"
    port.say(f"{run.document.type} workflow {run.arn} {ended}")
