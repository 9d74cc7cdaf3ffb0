from __future__ import annotations

import json
import re
import threading

import pytest

from goldsmith.pipelines.stop import Stop
from goldsmith.pipelines.workflows.outcome import WorkflowOutcome
from goldsmith.pipelines.workflows.run import run_workflow
from goldsmith.workflows import library

from .running import IMAGE, MemoryLedger, run_to_the_end

HEAD = "schemaVersion: 1.0\nsteps:\n"
LAUNCH = """
  - name: Launch
    action: LaunchInstance
    inputs: {waitFor: ssmAgent}
"""
EVERYTHING = """
name: everything
schemaVersion: 1.0
parameters:
  - {name: document, default: flaky}
  - {name: wanted, type: boolean, default: false}
steps:
  - name: Launch
    action: LaunchInstance
    description: Launch it.
    inputs: {waitFor: ssmAgent}
  - name: Skipped
    action: RunCommand
    if: {booleanEquals: true, value: $.parameters.wanted}
    inputs: {documentName: never, instanceId.$: $.stepOutputs.Launch.instanceId}
  - name: Flaky
    action: RunCommand
    retry: {maxAttempts: 3, backoffSeconds: 0}
    inputs:
      documentName.$: $.parameters.document
      instanceId: $.stepOutputs.Launch.instanceId
      parameters: {commands: ["echo {{ $.imagebuilder.imageName }} {{ $.stepOutputs.Launch.instanceId }}"]}
  - name: Nothing
    action: ExecuteComponents
    inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}
  - name: Continues
    action: RunCommand
    onFailure: Continue
    inputs: {documentName: broken, instanceId.$: $.stepOutputs.Launch.instanceId}
  - name: Create
    action: CreateImage
    inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}
  - name: Terminate
    action: TerminateInstance
    onFailure: Continue
    inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}
outputs:
  - {name: ImageId, value: $.stepOutputs.Create.imageId}
  - {name: Said, value: "{{ $.stepOutputs.Flaky.output[1] }}!"}
  - {name: OfSkipped, value: $.stepOutputs.Skipped.output}
"""
ABORTS = (
    HEAD
    + LAUNCH
    + """
  - name: Kept
    action: RunCommand
    rollbackEnabled: false
    inputs: {documentName: good, instanceId.$: $.stepOutputs.Launch.instanceId}
  - name: Continues
    action: RunCommand
    onFailure: Continue
    inputs: {documentName: broken, instanceId.$: $.stepOutputs.Launch.instanceId}
  - name: Clean
    action: SanitizeInstance
    inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}
  - name: Create
    action: CreateImage
    inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}
"""
)


def test_steps_run_in_order_with_their_inputs_resolved(bench):
    ledger = MemoryLedger()
    outcome = run_workflow(bench.run(EVERYTHING, "BUILD"), ledger)
    assert outcome.status == "COMPLETED"
    instance = outcome_of(ledger, "Launch")["instanceId"]
    assert bench.effects.inputs["Flaky"] == {
        "documentName": "flaky",
        "instanceId": instance,
        "parameters": {"commands": [f"echo golden {instance}"]},
    }
    assert outcome.outputs == {"ImageId": outcome_of(ledger, "Create")["imageId"], "Said": "two!"}
    assert ledger.records.workflow == {
        "workflowBuildVersionArn": outcome.arn,
        "workflowExecutionId": outcome.execution,
        "imageBuildVersionArn": IMAGE,
        "type": "BUILD",
        "status": "COMPLETED",
        "message": "",
        "totalStepCount": 7,
        "totalStepsSucceeded": 4,
        "totalStepsFailed": 1,
        "totalStepsSkipped": 2,
        "startTime": ledger.records.workflow["startTime"],
        "endTime": ledger.records.workflow["endTime"],
    }


def outcome_of(ledger, step):
    return json.loads(ledger.records.step(step)["outputs"])


def test_what_is_recorded_of_a_step(bench):
    ledger = MemoryLedger()
    run_workflow(bench.run(EVERYTHING, "BUILD"), ledger)
    launch = ledger.records.step("Launch")
    assert re.fullmatch(r"step-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", launch["stepExecutionId"])
    assert launch | {"status": "COMPLETED", "description": "Launch it.", "timeoutSeconds": 4500} == launch
    assert launch["startTime"] < launch["endTime"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", launch["endTime"])
    skipped = ledger.records.step("Skipped")
    assert skipped["status"] == "SKIPPED"
    assert skipped["startTime"] == skipped["endTime"]
    assert json.loads(skipped["inputs"])["instanceId.$"] == "$.stepOutputs.Launch.instanceId"
    assert ledger.records.step("Nothing")["status"] == "SKIPPED"
    assert ledger.records.step("Nothing")["message"] == "No component has anything to do."
    assert [ledger.records.step("Flaky", attempt)["status"] for attempt in (1, 2, 3)] == [
        "FAILED",
        "FAILED",
        "COMPLETED",
    ]
    assert ledger.records.step("Flaky", 2)["message"] == "Attempt 2 failed."
    assert ledger.records.step("Flaky", 2)["maxAttempts"] == 3


def test_the_service_log_tells_what_aws_tells(bench):
    ledger = MemoryLedger()
    outcome = run_workflow(bench.run(EVERYTHING, "BUILD"), ledger)
    assert ledger.lines[:4] == [
        f"Started BUILD workflow {outcome.arn}",
        f"Total 7 steps to run for workflow {outcome.arn}",
        "No 'if' conditions to evaluate for step: Launch",
        "Started step Launch with action LaunchInstance",
    ]
    assert "Skipped step Skipped: its 'if' is not met" in ledger.lines
    assert "Action failed for step Continues. Failing step: Attempt 1 failed." in ledger.lines


def test_a_failing_step_ends_the_workflow_and_what_was_done_is_undone_last_first(bench):
    ledger = MemoryLedger()
    outcome = run_workflow(bench.run(ABORTS), ledger)
    assert outcome.status == "FAILED"
    assert bench.effects.undone == ["Clean", "Continues", "Launch"]
    assert [ledger.records.step(name).get("rollbackStatus") for name in ("Launch", "Kept", "Continues", "Clean")] == [
        "COMPLETED",
        "SKIPPED",
        "COMPLETED",
        "SKIPPED",
    ]
    assert [name.split(".")[0] for name in bench.effects.left] == ["RunCommand"]
    assert ledger.records.statuses[outcome.execution] == ["RUNNING", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETED"]
    assert ledger.records.workflow["message"] == "Document arn:component failed!"
    assert "Create" not in bench.effects.begun
    assert outcome.reason == (
        f"Workflow Execution ID: '{outcome.execution}' failed with reason: Document arn:component failed!"
    )
    assert outcome.failure_context("BUILDING") == {
        "imageStatus": "BUILDING",
        "workflowExecutionId": outcome.execution,
        "workflowArn": outcome.arn,
        "stepExecutionId": ledger.records.step("Clean")["stepExecutionId"],
        "failedStep": "Clean",
        "componentFailure": {
            "componentArn": "arn:component",
            "phaseName": "build",
            "stepName": "Install",
            "action": "ExecuteBash",
            "errorMessage": "exit status 1\nno such file",
        },
    }
    assert WorkflowOutcome.from_json(json.loads(json.dumps(outcome.as_json()))) == outcome


def test_a_rollback_that_fails_is_told_and_the_others_go_on(bench):
    text = ABORTS.replace("name: Kept", "name: StuckFast").replace("    rollbackEnabled: false\n", "")
    ledger = MemoryLedger()
    outcome = run_workflow(bench.run(text), ledger)
    assert ledger.records.step("StuckFast")["rollbackStatus"] == "FAILED"
    assert ledger.records.step("Launch")["rollbackStatus"] == "COMPLETED"
    assert ledger.records.statuses[outcome.execution][-1] == "FAILED"


@pytest.mark.parametrize(("given", "undone"), [("true", ["Clean", "Launch"]), ("false", ["Clean"])])
def test_rollback_can_hang_on_a_parameter(bench, given, undone):
    text = """
schemaVersion: 1.0
parameters: [{name: undo, type: boolean}]
steps:
  - name: Launch
    action: LaunchInstance
    rollbackEnabled: $.parameters.undo
    inputs: {waitFor: ssmAgent}
  - name: Clean
    action: SanitizeInstance
    inputs: {instanceId: i-1}
"""
    run_workflow(bench.run(text, given=[{"name": "undo", "value": [given]}]), MemoryLedger())
    assert bench.effects.undone == undone


def test_a_failed_attempt_is_undone_before_the_next(bench):
    run_workflow(bench.run(EVERYTHING, "BUILD"), MemoryLedger())
    assert bench.effects.undone == ["Flaky", "Flaky"]
    assert [name.split(".")[0] for name in bench.effects.left] == ["CreateImage", "RunCommand", "RunCommand"]


def test_a_step_that_takes_too_long_fails(bench):
    text = HEAD + "  - {name: Slow, action: CollectImageMetadata, timeoutSeconds: 1, inputs: {instanceId: i-1}}\n"
    outcome = run_workflow(bench.run(text), MemoryLedger())
    assert outcome.failure.message == "The step did not end within its timeoutSeconds of 1."


def test_a_bug_in_an_action_fails_the_step_and_nothing_else(bench):
    text = HEAD + "  - {name: Bug, action: RunCommand, inputs: {instanceId: i-1, documentName: bug}}\n"
    outcome = run_workflow(bench.run(text), MemoryLedger())
    assert outcome.failure.message == "The action broke: KeyError('bug'). The server's log tells more."


def test_a_step_that_refers_to_a_skipped_one_fails_and_is_not_undone(bench):
    text = (
        EVERYTHING.replace("value: $.stepOutputs.Skipped", "value: $.parameters")
        .replace(
            "documentName: broken, instanceId.$: $.stepOutputs.Launch.instanceId",
            "documentName: good, instanceId.$: $.stepOutputs.Skipped.runCommandId",
        )
        .replace("    onFailure: Continue\n", "")
        .replace("$.parameters.output", "$.parameters.document")
    )
    ledger = MemoryLedger()
    outcome = run_workflow(bench.run(text, "BUILD"), ledger)
    assert outcome.failure.step == "Continues"
    assert outcome.failure.message == (
        "$.stepOutputs.Skipped.runCommandId has no value. Step Skipped gave out nothing: it was skipped or it failed."
    )
    assert ledger.records.step("Continues")["startTime"] == ledger.records.step("Continues")["endTime"]
    assert "Continues" not in bench.effects.undone
    assert not [name for name in bench.effects.left if name.startswith("LaunchInstance")]


def test_a_build_without_an_ami_fails(bench):
    text = HEAD + LAUNCH + "outputs: [{name: ImageId, value: $.stepOutputs.Launch.instanceId}]\n"
    outcome = run_workflow(bench.run(text, "BUILD"), MemoryLedger())
    assert outcome.status == "FAILED"
    assert outcome.failure.message == "Invalid ImageId output value, must be AMI ID as a string."
    assert bench.effects.left == []
    assert "failedStep" not in outcome.failure_context("BUILDING")


def boundaries(bench, text, stage):
    ledger = MemoryLedger()
    outcome = run_workflow(bench.run(text, stage), ledger)
    return ledger, outcome


@pytest.mark.parametrize(("text", "stage"), [(EVERYTHING, "BUILD"), (ABORTS, "TEST")])
@pytest.mark.parametrize("lost", [False, True])
def test_a_server_killed_at_any_boundary_goes_on_to_the_same_end(bench, text, stage, lost):
    reference, expected = boundaries(bench, text, stage)
    left = bench.effects.left
    for cut in range(1, reference.made + 1):
        for file in bench.effects.folder.iterdir():
            file.unlink()
        bench.effects.begun.clear()
        ledger = MemoryLedger()
        outcome = run_to_the_end(lambda port: run_workflow(bench.run(text, stage), port), ledger, [(cut, lost)])
        assert outcome == expected, cut
        assert bench.effects.left == left, cut
        assert list(ledger.done) == list(reference.done), cut
        assert sorted(ledger.records.steps) == sorted(reference.records.steps)
        redone = lost and list(reference.done)[cut - 1].endswith(" rollback")  # what it finds undone, it skips
        assert told(ledger, rollback=not redone) == told(reference, rollback=not redone), cut
        again = len(bench.effects.begun) - len(begun_in(reference))
        assert again == (1 if lost and list(reference.done)[cut - 1].endswith(" run") else 0), cut


def begun_in(ledger):
    return [key for key in ledger.done if key.endswith(" run")]


def told(ledger, *, rollback):
    """All that is recorded, but for the times."""
    left_out = ("startTime", "endTime", *(() if rollback else ("rollbackStatus",)))
    return [
        {name: value for name, value in each.items() if name not in left_out}
        for each in (*ledger.records.workflows.values(), *ledger.records.steps.values())
    ]


def test_a_server_killed_again_and_again_gets_there(bench):
    _, expected = boundaries(bench, EVERYTHING, "BUILD")
    cuts = [(1, lost) for _ in range(60) for lost in (True, False)]
    outcome = run_to_the_end(lambda port: run_workflow(bench.run(EVERYTHING, "BUILD"), port), MemoryLedger(), cuts)
    assert outcome == expected


def test_no_status_goes_back_when_a_workflow_is_taken_up_again(bench):
    ledger = MemoryLedger()
    run_to_the_end(lambda port: run_workflow(bench.run(ABORTS), port), ledger, [(n, False) for n in (3, 4, 5, 6, 7)])
    reference, _ = boundaries(bench, ABORTS, "TEST")
    assert ledger.records.statuses == reference.records.statuses


def test_a_build_that_is_cancelled_at_any_boundary_leaves_nothing(bench):
    text = EVERYTHING.replace(
        "  - name: Create\n    action: CreateImage", "  - name: Create\n    action: LaunchInstance"
    )
    text = text.replace(
        "    inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}\n  - name: Terminate",
        "    inputs: {waitFor: ssmAgent}\n  - name: Terminate",
    )
    text = text.replace("$.stepOutputs.Create.imageId", "$.stepOutputs.Create.instanceId")
    reference, _ = boundaries(bench, text, "TEST")
    for cancel_at in range(1, reference.made - 4):
        for file in bench.effects.folder.iterdir():
            file.unlink()
        ledger = MemoryLedger(cancel_at=cancel_at)
        outcome = run_workflow(bench.run(text), ledger)
        assert outcome.status == "CANCELLED", cancel_at
        assert bench.effects.left == [], cancel_at
        assert ledger.records.workflow["status"] == "CANCELLED"
        assert ledger.records.workflow["endTime"]
        assert all(each["status"] != "RUNNING" for each in ledger.records.steps.values())


def test_a_step_that_runs_is_cancelled(bench):
    text = (
        HEAD
        + LAUNCH
        + "  - {name: Slow, action: CollectImageMetadata, timeoutSeconds: 20, inputs: {instanceId: i-1}}\n"
    )
    ledger = MemoryLedger()
    launched = threading.Event()

    def say(line):
        if line == "Started step Slow with action CollectImageMetadata":
            launched.set()

    ledger.say = say
    canceller = threading.Thread(target=lambda: (launched.wait(30), ledger.stop.ask()))
    canceller.start()
    outcome = run_workflow(bench.run(text), ledger)
    canceller.join()
    assert outcome.status == "CANCELLED"
    assert ledger.records.step("Slow")["status"] == "CANCELLED"
    assert bench.effects.left == []


def test_a_wait_is_cancelled_and_is_not_begun_anew_after_a_restart(bench):
    text = HEAD + "  - {name: Later, action: LaunchInstance, waitSeconds: 80000, inputs: {waitFor: ssmAgent}}\n"
    ledger = MemoryLedger(cancel_at=2)
    assert run_workflow(bench.run(text), ledger).status == "CANCELLED"
    assert bench.effects.begun == []
    due = next(value for key, value in ledger.done.items() if key.endswith("wait until"))
    bench.world.clock = lambda: due - 7
    waited = []

    class Waiting(Stop):
        def wait(self, seconds):
            waited.append(seconds)

    kept = {key: value for key, value in ledger.done.items() if key.endswith((" begin", " until"))}
    assert run_workflow(bench.run(text), MemoryLedger(done=kept, stop=Waiting())).status == "COMPLETED"
    assert waited == [7]


def test_the_managed_build_workflow_runs(bench):
    managed = library.default_for("BUILD", "AMI")
    run = bench.run(managed.text.replace("SanitizeInstance", "WaitForSSMAgent"), "BUILD")
    actions = {
        "WaitForSSMAgent": lambda step: {"status": "ok"},
        "CollectImageMetadata": lambda step: {"osVersion": "Debian 12"},
    }

    class Fitting:
        def __init__(self, action):
            self.action = action

        def __getattr__(self, name):
            if name == "run" and self.action in actions:
                return actions[self.action]
            return getattr(bench.effects.find(self.action), name)

    from dataclasses import replace

    ledger = MemoryLedger()
    outcome = run_workflow(replace(run, find=Fitting), ledger)
    assert outcome.status == "COMPLETED"
    assert set(outcome.outputs) == {"ImageId"}
    statuses = {each["name"]: each["status"] for each in ledger.records.steps.values()}
    assert statuses["RunSysPrepScript"] == "SKIPPED"
    assert [name.split(".")[0] for name in bench.effects.left] == ["CreateImage"]
