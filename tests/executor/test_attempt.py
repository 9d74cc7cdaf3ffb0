"""What commands leave behind: time-outs, escaped children, reboots, floods, daemons."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from goldsmith.executor.attempt import REBOOT_LIMIT
from goldsmith.executor.output import CUT, KEPT_BYTES, LOGGED_LINES


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def pids(folder: Path) -> list[int]:
    return [int(path.read_text()) for path in folder.glob("*.pid")]


def test_a_timeout_kills_the_group_and_whoever_left_it(bench):
    here = bench.folder
    result = bench.steps(
        bench.bash(
            "Long",
            f"setsid bash -c 'echo $$ >{here}/one.pid; exec sleep 1000' &",
            f"setsid -f bash -c '(echo $BASHPID >{here}/two.pid; exec sleep 1000) & wait'",
            f"echo $$ >{here}/three.pid; echo begun; echo late >&2",
            f"while [ ! -s {here}/one.pid ] || [ ! -s {here}/two.pid ]; do sleep 0.01; done; sleep 1000",
            more="timeoutSeconds: 2\n",
        )
    )
    assert result.status == "timedOut"
    assert result.documents[0].phases[0].steps[0].status == "timedOut"
    assert result.failure.message == "The step did not end within its 2 seconds."
    assert result.failure.stderr == "late"
    assert len(pids(here)) == 3
    assert all(map(gone, pids(here)))


def test_each_attempt_has_its_own_time(bench):
    count = bench.folder / "count"
    result = bench.steps(
        bench.bash(
            "Slow",
            f"echo x >>{count}; [ $(wc -l <{count}) = 2 ] || sleep 100",
            more="timeoutSeconds: 1\nmaxAttempts: 2\n",
        )
    )
    assert result.status == "success"


def test_a_loops_time_covers_all_turns(bench):
    result = bench.steps(
        bench.bash("Slow", "sleep {{ loop.value }}", more='timeoutSeconds: 1\nloop: {forEach: ["0", "100"]}\n')
    )
    assert result.status == "timedOut"
    assert result.failure.message.startswith("The loop timed out at index 1: ")


def test_a_command_that_floods_meets_its_deadline(bench):
    assert (
        bench.steps(bench.bash("Yes", "while :; do echo x >&2; done", more="timeoutSeconds: 1\n")).status == "timedOut"
    )


def test_a_command_that_never_stops_writing_is_ended(bench):
    here = bench.folder
    result = bench.steps(bench.bash("Yes", f"setsid bash -c 'echo $$ >{here}/one.pid; exec sleep 1000' & exec yes"))
    assert result.failure.message == "The command wrote more than 256 MiB, so it was ended."
    assert all(map(gone, pids(here)))


def test_a_flood_is_cut_in_outputs_and_logs(bench):
    result = bench.steps(bench.bash("Flood", "yes 0123456789 | head -c 100000000"))
    [output] = bench.outputs(result)
    assert output["stdout"].endswith(CUT)
    assert len(output["stdout"]) <= KEPT_BYTES + len(CUT) + 1
    said = bench.console(result)
    assert said.count("Stdout: 0123456789\n") == LOGGED_LINES
    assert "left out of the log" in said


def test_binary_output_is_text_in_the_end(bench):
    result = bench.steps(bench.bash("Binary", r"printf '\000\377\376ok\n'; head -c 300000 /dev/urandom"))
    assert bench.outputs(result)[0]["stdout"].startswith("\ufffd\ufffd\ufffdok\n")
    json.loads((result.log_folder / "detailedoutput.json").read_text())


def test_a_daemon_does_not_hold_the_step(bench):
    pid_file = bench.folder / "daemon.pid"
    result = bench.steps(
        bench.bash(
            "Daemon",
            f"setsid bash -c 'echo $$ >{pid_file}; exec sleep 1000' &",
            f"while [ ! -s {pid_file} ]; do sleep 0.01; done; echo started",
            more="timeoutSeconds: 500\n",
        )
    )
    [pid] = pids(bench.folder)
    assert not gone(pid)
    os.kill(pid, signal.SIGKILL)
    assert bench.outputs(result) == [{"stdout": "started"}]


def test_an_interrupted_run_leaves_no_process(bench):
    def interrupt(event):
        if type(event).__name__ == "StepOutput":
            raise KeyboardInterrupt

    bench.events = type("Interrupting", (), {"append": staticmethod(interrupt)})()
    with pytest.raises(KeyboardInterrupt):
        bench.steps(
            bench.bash("Long", f"setsid bash -c 'echo $$ >{bench.folder}/one.pid; echo on; exec sleep 1000' & wait")
        )
    assert all(map(gone, pids(bench.folder)))
    [folder] = (bench.folder / "logs").iterdir()
    assert json.loads((folder / "detailedoutput.json").read_text())["status"] == "failed"


def test_194_reboots_and_runs_the_same_step_again(bench):
    count = bench.folder / "count"
    result = bench.steps(
        bench.bash(
            "Again",
            f"echo x >>{count}; [ $(wc -l <{count}) = 3 ] || exit 194; echo done",
            more=f"if: {{not: {{fileExists: {count}}}}}\n",
        )
    )
    assert (result.status, bench.guest.reboots, result.executed) == ("success", 2, 1)
    assert bench.outputs(result) == [{"stdout": "done"}]
    said = bench.console(result)
    for line in ("Getting reboot signal", "Rebooting the system now", "Executor: System has rebooted successfully"):
        assert said.count(line) == 2


def test_reboot_goes_on_with_the_next_step(bench):
    paused = []
    services = bench.services(pause=paused.append)
    result = bench.steps(
        "name: Reboot\naction: Reboot\ninputs: {delaySeconds: 60}", bench.bash("Next", "echo next"), services=services
    )
    assert (bench.guest.reboots, paused, result.executed) == (1, [60], 2)


def test_endless_reboots_end(bench):
    result = bench.steps(bench.bash("Again", "exit 194"))
    assert (result.status, bench.guest.reboots) == ("failed", REBOOT_LIMIT)
    assert result.failure.message == f"The step asked for more than {REBOOT_LIMIT} reboots."


def test_the_script_goes_away(bench):
    result = bench.steps(bench.bash("Where", 'echo "$0"; stat -c %a "$(dirname "$0")"'))
    script, mode = bench.outputs(result)[0]["stdout"].split()
    assert mode == "700"
    assert not Path(script).parent.exists()


def test_binaries_run_without_a_shell(bench):
    arguments = ["%s|", "a b", "$HOME", "-n", "*", ""]
    result = bench.steps(bench.step("ExecuteBinary", {"path": "printf", "arguments": arguments}))
    assert bench.outputs(result) == [{"stdout": "a b|$HOME|-n|*||"}]


@pytest.mark.parametrize("path", ["no-such-program", "/no/such", "-x"])
def test_a_missing_binary_is_named(bench, path):
    result = bench.steps(bench.step("ExecuteBinary", {"path": path}))
    assert result.failure.message == f"The program {path} was not found in the guest."


def test_the_environment_reaches_every_command(bench):
    result = bench.steps(
        bench.bash("Show", "echo $IMAGE_PHASE {{ env:IMAGE_PHASE }}"), environment={"IMAGE_PHASE": "BUILDING"}
    )
    assert bench.outputs(result) == [{"stdout": "BUILDING BUILDING"}]
