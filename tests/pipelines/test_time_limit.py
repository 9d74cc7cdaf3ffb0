from __future__ import annotations

import pytest

from goldsmith.documents.parser import parse_component
from goldsmith.executor.execution import DocumentRun
from goldsmith.executor.run import run_documents
from goldsmith.guests.host import HostGuest
from goldsmith.pipelines.time_limit import TestsTimeoutError, TimedGuest, TimeLimit

FOREVER = 1_000_000.0
AN_INSTANT = 0.01


def test_a_limit_that_is_far_lets_commands_be():
    guest = TimedGuest(HostGuest(), TimeLimit(FOREVER))
    assert guest.run(["echo", "hello"]).stdout == b"hello\n"
    assert guest.get("/proc/self/comm") == b"cat\n"


def test_a_command_s_own_timeout_is_still_its_own():
    guest = TimedGuest(HostGuest(), TimeLimit(FOREVER))
    assert guest.run(["sleep", "600"], timeout=0.05).timed_out


def test_at_the_limit_a_command_ends_and_no_other_begins(tmp_path):
    limit = TimeLimit(AN_INSTANT)
    guest = TimedGuest(HostGuest(), limit)
    with pytest.raises(TestsTimeoutError, match=r"did not end within 0\.01 minutes, the timeoutMinutes"):
        guest.run(["sleep", "600"])
    assert limit.passed
    with pytest.raises(TestsTimeoutError):
        guest.run(["touch", str(tmp_path / "begun")])
    with pytest.raises(TestsTimeoutError):
        guest.reboot()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("more", ["onFailure: Ignore", "onFailure: Continue, maxAttempts: 5", "timeoutSeconds: 600"])
def test_no_step_outlives_the_limit_whatever_it_says_of_failures(tmp_path, more):
    document = parse_component(
        "schemaVersion: 1.0\nphases: [{name: test, steps: ["
        f"{{name: Wait, action: ExecuteBash, inputs: {{commands: ['sleep 600']}}, {more}}}, "
        f"{{name: Next, action: ExecuteBash, inputs: {{commands: ['touch {tmp_path}/next']}}}}]}}]\n",
        "wait.yml",
    )
    with pytest.raises(TestsTimeoutError):
        run_documents(
            [DocumentRun(document, {})],
            TimedGuest(HostGuest(), TimeLimit(AN_INSTANT)),
            phases=["test"],
            log_directory=tmp_path / "logs",
        )
    assert not (tmp_path / "next").exists()
