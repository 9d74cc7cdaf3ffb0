from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from goldsmith.pipelines.stop import Stop
from goldsmith.pipelines.workflows.stage import run_stage

from .running import MemoryLedger

GIVES = """
schemaVersion: 1.0
steps:
  - {{name: Launch, action: LaunchInstance, inputs: {{waitFor: ssmAgent}}}}
  - {{name: Run, action: RunCommand, inputs: {{instanceId: {instance}, documentName: {document}}}}}
outputs:
  - {{name: {name}, value: $.stepOutputs.Launch.instanceId}}
"""


@pytest.fixture
def a_run(bench):
    def make(name, *, document="good", instance="i-1", group="", continues=False):
        text = GIVES.format(name=name, document=document, instance=instance)
        run = bench.run(text, place=name)
        return replace(run, parallel_group=group, continues=continues)

    return make


def test_each_workflow_sees_what_those_before_it_gave(a_run, bench):
    ledger = MemoryLedger()
    first, second = a_run("First"), a_run("Second", instance="$.workflowOutputs.First")
    outcome = run_stage([first, second], ledger)
    assert outcome.ended_by is None
    assert list(outcome.outputs) == ["First", "Second"]
    assert bench.effects.inputs["Run"]["instanceId"] == outcome.outputs["First"]


def test_a_failing_workflow_ends_the_stage(a_run):
    outcome = run_stage([a_run("First", document="broken"), a_run("Second")], MemoryLedger())
    assert outcome.ended_by is outcome.outcomes[0]
    assert len(outcome.outcomes) == 1


def test_one_that_others_need_not_wait_for_does_not(a_run):
    outcome = run_stage([a_run("First", document="broken", continues=True), a_run("Second")], MemoryLedger())
    assert outcome.ended_by is None
    assert [each.status for each in outcome.outcomes] == ["FAILED", "COMPLETED"]
    assert list(outcome.outputs) == ["Second"]


def test_the_members_of_a_group_run_at_the_same_time(a_run, bench):
    together = threading.Barrier(3, timeout=30)

    class Meeting:
        def run(self, step):
            together.wait()
            return {"instanceId": "i-1"}

        def roll_back(self, step, outputs):
            return False

    def find(action):
        return Meeting() if action == "LaunchInstance" else bench.effects.find(action)

    runs = [replace(a_run(name, group="all"), find=find) for name in ("First", "Second", "Third")]
    outcome = run_stage([*runs, a_run("Last", instance="$.workflowOutputs.Third")], MemoryLedger())
    assert [each.status for each in outcome.outcomes] == ["COMPLETED"] * 4


SLOW = GIVES.replace(
    "  - {{name: Run",
    "  - {{name: Slow, action: CollectImageMetadata, timeoutSeconds: 20, inputs: {{instanceId: i}}}}\n  - {{name: Run",
)


def test_a_failing_member_ends_those_of_its_group_that_still_run(a_run, bench):
    ledger = MemoryLedger()
    slow = bench.run(SLOW.format(name="Slow", instance="i-1", document="good"), place="Slow", parallel_group="g")
    outcome = run_stage([slow, a_run("First", document="broken", group="g"), a_run("Third")], ledger)
    assert [each.status for each in outcome.outcomes] == ["CANCELLED", "FAILED"]
    assert outcome.ended_by is outcome.outcomes[1]
    assert {each["parallelGroup"] for each in ledger.records.workflows.values()} == {"g"}
    assert not ledger.stop.asked
    assert bench.effects.left == []


def test_a_member_that_may_fail_ends_no_other(a_run):
    runs = [a_run("First", document="broken", group="g", continues=True), a_run("Second", group="g"), a_run("Third")]
    outcome = run_stage(runs, MemoryLedger())
    assert [each.status for each in outcome.outcomes] == ["FAILED", "COMPLETED", "COMPLETED"]
    assert outcome.ended_by is None


def test_a_cancelled_build_ends_all_members(a_run, bench):
    ledger = MemoryLedger()
    text = SLOW.format(name="Slow", instance="i-1", document="good")
    runs = [bench.run(text.replace("Slow,", f"Slow{n},"), place=f"{n}", parallel_group="g") for n in (1, 2)]
    begun = threading.Barrier(3, timeout=30)

    def say(line):
        if line.startswith("Started step Slow"):
            begun.wait()

    ledger.say = say
    canceller = threading.Thread(target=lambda: (begun.wait(), ledger.stop.ask()))
    canceller.start()
    outcome = run_stage(runs, ledger)
    canceller.join()
    assert [each.status for each in outcome.outcomes] == ["CANCELLED", "CANCELLED"]


def test_a_cancelled_build_ends_the_stage_whatever_may_fail(a_run):
    stop = Stop()
    stop.ask()
    outcome = run_stage([a_run("First", continues=True), a_run("Second")], MemoryLedger(stop=stop))
    assert outcome.ended_by is not None
    assert outcome.ended_by.status == "CANCELLED"
    assert len(outcome.outcomes) == 1
