"""Whole runs: statuses, order, phases, logs."""

from __future__ import annotations

import json
import re

import pytest

from goldsmith.executor import events
from goldsmith.guests.guest import GuestError


def test_a_step_gives_its_output_and_the_run_its_summary(bench):
    result = bench.steps(bench.bash("Hello", "echo hi there  "))
    assert bench.outputs(result) == [{"stdout": "hi there"}]
    assert result.summary() == {
        "executionId": result.execution_id,
        "status": "success",
        "failedStepCount": 0,
        "executedStepCount": 1,
        "ignoredFailedStepCount": 0,
        "skippedStepCount": 0,
        "failureMessage": "",
        "logUrl": str(result.log_folder),
    }
    assert result.exit_code == 0


def test_commands_are_one_script(bench):
    result = bench.steps(bench.bash("One", "x=5; cd /usr", "f() { echo $x $PWD; }", "false", "f"))
    assert bench.outputs(result) == [{"stdout": "5 /usr"}]


def test_the_log_folder_holds_the_files_of_awstoe(bench):
    result = bench.steps(bench.bash("Hello", "echo hi; echo oops >&2"), execution_id="my-id")
    assert re.fullmatch(r"TOE_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_UTC-0_my-id", result.log_folder.name)
    names = {path.name for path in result.log_folder.iterdir()}
    assert names == {"document.yaml", "application.log", "console.log", "detailedoutput.json", "chaining.json"}
    detail = json.loads((result.log_folder / "detailedoutput.json").read_text())
    step = detail["documents"][0]["phases"][0]["steps"][0]
    assert step["inputs"] == '[{"commands": ["echo hi; echo oops >&2"]}]'
    assert json.loads(step["outputs"]) == [{"stdout": "hi"}]
    assert (detail["status"], step["status"], step["loop"], step["detailedOutput"]) == (
        "success",
        "success",
        None,
        None,
    )
    assert step["timeoutSeconds"] == 7200


def test_the_console_log_follows_the_grammar(bench):
    said = bench.console(bench.steps(bench.bash("Hello", "echo hi")))
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} Info "
    assert all(re.match(stamp, line) for line in said.splitlines())
    wanted = [
        r"Setup: Currently validating document .*doc0\.yml",
        "Executor: STARTED EXECUTION OF ALL DOCUMENTS",
        r"Document .*doc0\.yml",
        "Phase build",
        "Step Hello",
        "ExecuteBash: STARTED EXECUTION",
        r"ExecuteBash: Created temporary directory: /tmp/AWSTOE\w+",
        r"ExecuteBash: Created temporary script file at: /tmp/AWSTOE\w+/script-\d+\.sh",
        r"CmdExecution: Preparing object for command bash with arguments \[.*\]",
        r"CmdExecution: Starting execution of command with arguments \[bash .*\]",
        "Stdout: hi",
        "CmdExecution: Terminating read operation on STDOUT pipe - EOF",
        "CmdExecution: Command execution has been completed",
        "CmdExecution: Command execution was completed successfully",
        "CmdExecution: ExitCode 0",
        "ExecuteBash: Removing temporary directory: .*",
        "ExecuteBash: Successfully removed temporary directory: .*",
        "ExecuteBash: FINISHED EXECUTION",
        "Executor: FINISHED EXECUTION OF ALL DOCUMENTS",
        "TOE has completed execution successfully",
    ]
    lines = [re.sub(stamp, "", line) for line in said.splitlines()]
    assert len(lines) == len(wanted)
    for line, pattern in zip(lines, wanted, strict=True):
        assert re.fullmatch(pattern, line)


@pytest.mark.parametrize(
    ("on_failure", "statuses", "counts"),
    [
        ("Abort", ("failed", "failed", "failed"), (1, 1, 0)),
        ("Continue", ("failed", "failed", "failed"), (2, 1, 0)),
        ("Ignore", ("success", "ignoredFailure", "successWithIgnoredFailure"), (2, 0, 1)),
    ],
)
def test_on_failure(bench, on_failure, statuses, counts):
    status, step, phase = statuses
    mark = bench.folder / "second"
    result = bench.steps(
        bench.bash("Bad", "exit 3", more=f"onFailure: {on_failure}\n"), bench.bash("Next", f"touch {mark}")
    )
    assert result.status == status
    assert result.documents[0].phases[0].steps[0].status == step
    assert result.documents[0].phases[0].status == result.documents[0].status == phase
    assert (result.executed, result.failed, result.ignored) == counts
    assert mark.exists() is (on_failure != "Abort")
    assert result.exit_code == (status == "failed")


def test_abort_ends_later_phases_and_documents(bench):
    bad = (
        bench.document(bench.bash("Bad", "exit 1"))
        + "  - name: test\n    steps:\n"
        + "      - name: Later\n        action: Reboot\n"
    )
    result = bench.run(bad, bench.document(bench.bash("Other", "echo x")))
    assert [[phase.name for phase in each.phases] for each in result.documents] == [["build"]]
    assert bench.guest.reboots == 0


def test_the_failure_is_told_in_a_block(bench):
    result = bench.steps(bench.bash("Bad", "echo one >&2; echo two >&2; exit 7"))
    failure = result.failure
    assert (failure.phase, failure.step, failure.action) == ("build", "Bad", "ExecuteBash")
    assert failure.message == "The script ended with exit code 7."
    assert failure.stderr == "one\ntwo"
    assert result.failure_message == f"Document {bench.folder}/doc0.yml failed!"
    lines = [line.split(" ", 3)[-1] for line in bench.console(result).splitlines()]
    begin = lines.index(f"Document: {bench.folder}/doc0.yml")
    assert lines[begin + 1 : begin + 8] == [
        "ComponentArn: ",
        "Phase: build",
        "Step: Bad",
        "Action: ExecuteBash",
        "ErrorMessage: The script ended with exit code 7.",
        "Stderr: one",
        "two",
    ]
    assert lines[-1] == "TOE has completed execution with failure - Execution failed!"


def test_phases_run_in_the_documents_order(bench):
    order = bench.folder / "order"
    text = f"""
name: Doc
schemaVersion: 1.0
phases:
  - name: validate
    steps: [{{name: One, action: ExecuteBash, inputs: {{commands: ["echo validate >>{order}"]}}}}]
  - name: build
    steps: [{{name: One, action: ExecuteBash, inputs: {{commands: ["echo build >>{order}"]}}}}]
  - name: test
    steps: [{{name: One, action: ExecuteBash, inputs: {{commands: ["echo test >>{order}"]}}}}]
"""
    assert bench.run(text, phases=["build", "validate"]).executed == 2
    assert order.read_text().split() == ["validate", "build"]


def test_a_phase_that_is_not_there_is_a_success_of_no_steps(bench):
    result = bench.steps(bench.bash("Hello", "echo hi"), phases=["nothing"])
    assert (result.status, result.executed) == ("success", 0)


def test_attempts_are_repeated(bench):
    count = bench.folder / "count"
    step = bench.bash("Try", f"echo x >>{count}; [ $(wc -l <{count}) = 3 ]", more="maxAttempts: 3\n")
    result = bench.steps(step)
    assert (result.status, count.read_text()) == ("success", "x\nx\nx\n")
    failed = [event for event in bench.events if isinstance(event, events.AttemptFailed)]
    assert [(event.attempt, event.left) for event in failed] == [(1, 2), (2, 1)]


def test_blocked_modules_are_refused(bench):
    result = bench.steps(bench.bash("Hello", "echo hi"), blocked_modules=["ExecuteBash"])
    assert result.failure.message == "The action module ExecuteBash is blocked in this run."


def test_windows_modules_fail_here(bench):
    result = bench.steps("name: Power\naction: ExecutePowerShell\ninputs:\n  commands: [dir]")
    assert result.failure.message == "The action module ExecutePowerShell is not supported on this platform."


@pytest.mark.parametrize("level", ["document", "phase", "step"])
def test_disable_logging_hides_inputs_and_output(bench, level):
    quiet = "disableLogging: true\n"
    step = bench.bash("Hello", "echo hid''den; echo hid''den >&2", more=quiet if level == "step" else "")
    text = bench.document(step, head=quiet if level == "document" else "")
    if level == "phase":
        text = text.replace("  - name: build\n", "  - name: build\n    disableLogging: true\n")
    result = bench.run(text)
    assert result.status == "success"
    for path in result.log_folder.iterdir():
        assert "hidden" not in path.read_text()
    detail = json.loads((result.log_folder / "detailedoutput.json").read_text())
    step = detail["documents"][0]["phases"][0]["steps"][0]
    assert (step["inputs"], step["outputs"]) == (None, None)
    assert not [event for event in bench.events if isinstance(event, events.StepOutput)]


def test_what_a_guest_that_is_gone_leaves(bench):
    def gone():
        raise GuestError("The machine is gone.")

    bench.guest.reboot = gone
    with pytest.raises(GuestError):
        bench.steps(bench.bash("First", "echo first"), "name: Again\naction: Reboot")
    [folder] = (bench.folder / "logs").iterdir()
    detail = json.loads((folder / "detailedoutput.json").read_text())
    assert detail["status"] == "failed"
    steps = detail["documents"][0]["phases"][0]["steps"]
    assert [step["status"] for step in steps] == ["success", "failed"]
    assert steps[1]["failureMessage"] == "The run was interrupted before this ended."


def test_events_tell_the_run_in_order(bench):
    bench.steps(bench.bash("Hello", "echo hi; echo ho >&2"))
    kinds = [type(event).__name__ for event in bench.events if not isinstance(event, events.StepOutput)]
    assert kinds == ["DocumentStarted", "PhaseStarted", "StepStarted", "StepEnded", "PhaseEnded", "DocumentEnded"]
    said = {(event.stream, event.text) for event in bench.events if isinstance(event, events.StepOutput)}
    assert said == {("stdout", "hi"), ("stderr", "ho")}


def test_a_tracing_run_sends_the_application_log(bench):
    bench.steps(bench.bash("Hello", "echo hi", more="if: {stringEquals: a, value: a}\n"), trace=True)
    assert any(isinstance(event, events.LogLine) and "condition" in event.text for event in bench.events)
