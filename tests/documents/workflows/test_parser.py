from __future__ import annotations

import re

import pytest

from goldsmith.documents.source import DocumentError
from goldsmith.documents.workflows.actions import ACTIONS
from goldsmith.documents.workflows.parser import parse_workflow
from goldsmith.documents.workflows.step import STAGES, Comparison, Logic, Retry

from .samples import EVERYTHING, LAUNCH, with_steps


def faults(text, stage="BUILD"):
    with pytest.raises(DocumentError) as wrong:
        parse_workflow(text, "w.yml", stage)
    return str(wrong.value).splitlines()


def test_everything():
    document = parse_workflow(EVERYTHING, "w.yml", "BUILD")
    assert (document.name, document.type) == ("everything", "BUILD")
    launch, run, wait, create = document.steps
    assert (launch.timeout_seconds, launch.wait_seconds, launch.retry) == (900, 5, Retry(3, 0))
    assert launch.rollback_enabled == "$.parameters.wanted"
    assert launch.inputs["instanceTypesOverride"] == ["$.parameters.kind", "t3.small"]
    assert run.rollback_enabled is False
    assert run.timeout_seconds == 12 * 3600
    assert run.condition == Logic(
        "and",
        (
            Comparison("stringEquals", "AMI", "$.imagebuilder.imageType"),
            Logic(
                "or",
                (
                    Comparison("numberGreaterThan", 2, "$.parameters.count"),
                    Logic("not", (Comparison("booleanEquals", True, "$.parameters.wanted"),)),
                ),
            ),
        ),
    )
    assert (wait.on_failure, wait.timeout_seconds) == ("Continue", 3 * 86400)
    assert create.inputs == {"instanceId.$": "$.stepOutputs.Launch.instanceId"}
    assert [output.name for output in document.outputs] == ["ImageId", "First"]
    assert [each.as_detail() for each in document.parameters] == [
        {"name": "kind", "type": "string", "defaultValue": ["t3.micro"], "description": "Which."},
        {"name": "count", "type": "integer", "defaultValue": ["3"]},
        {"name": "wanted", "type": "boolean", "defaultValue": ["true"]},
        {"name": "types", "type": "stringList", "defaultValue": ["a", "b"]},
        {"name": "given", "type": "string"},
    ]


def test_json_is_read_too():
    document = parse_workflow(
        '{"schemaVersion": 1.0, "steps": [{"name": "Wait", "action": "WaitForAction"}]}', "w", "TEST"
    )
    assert document.steps[0].action == "WaitForAction"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: []", "w.yml:1:1: The document has no schemaVersion; write schemaVersion: 1.0."),
        ("schemaVersion: 2.0\nsteps: []", "w.yml:1:16: schemaVersion must be 1.0, but is '2.0'."),
        ("schemaVersion: 1.0\nsteps: []", "w.yml:2:1: A workflow has 1 to 15 steps, but here are 0."),
        ("schemaVersion: 1.0", "w.yml:1:1: A workflow has 1 to 15 steps, but here are none."),
        ("schemaVersion: 1.0\nstep: []", "w.yml:2:1: A workflow document has no key 'step'. Did you mean steps?"),
        (
            with_steps("name: Launch, action: LaunchInstances, inputs: {waitFor: ssmAgent}"),
            "w.yml:3:28: There is no action 'LaunchInstances'. Did you mean LaunchInstance?",
        ),
        (with_steps("name: Launch"), "w.yml:3:5: Step 'Launch' has no action."),
        (with_steps("action: WaitForAction"), "w.yml:3:5: A step has no name."),
        (with_steps(LAUNCH, LAUNCH), "w.yml:4:5: Step Launch is there twice; first in line 3."),
        (
            with_steps("name: Launch, action: LaunchInstance"),
            "w.yml:3:5: Action LaunchInstance has no inputs; it requires an 'inputs' with waitFor.",
        ),
        (
            with_steps("name: Launch, action: LaunchInstance, inputs: {healthCheck: RUNNING}"),
            "w.yml:3:52: LaunchInstance needs the input waitFor.",
        ),
        (
            with_steps("name: Launch, action: LaunchInstance, inputs: {waitFor: ssm}"),
            "w.yml:3:62: LaunchInstance's waitFor must be ssmAgent, but is 'ssm'.",
        ),
        (
            with_steps("name: Launch, action: LaunchInstance, inputs: {waitFor: ssmAgent, imageId: ami-1}"),
            "w.yml:3:72: LaunchInstance has no input 'imageId'.",
        ),
        (
            with_steps(LAUNCH, "name: End, action: TerminateInstance, inputs: {instanceId: i-1, instanceId.$: $.x.y}"),
            "w.yml:4:70: instanceId is given twice, as instanceId and as instanceId.$.",
        ),
        (
            with_steps("name: Give, action: ExecuteStateMachine, inputs: {stateMachineArn: a, input: not json}"),
            "w.yml:3:83: ExecuteStateMachine's input must be text that holds JSON, but is 'not json'.",
        ),
        (
            with_steps("name: Long, action: CreateImage, timeoutSeconds: 259201, inputs: {instanceId: i-1}"),
            "w.yml:3:55: timeoutSeconds must be 1 to 259200 here, but is 259201.",
        ),
        (
            with_steps("name: Wait, action: WaitForAction, retry: {maxAttempts: 11}"),
            "w.yml:3:62: maxAttempts must be 1 to 10 here, but is 11.",
        ),
        (
            with_steps("name: Wait, action: WaitForAction, onFailure: Ignore"),
            "w.yml:3:52: onFailure must be Abort or Continue, but is 'Ignore'.",
        ),
        (
            with_steps('name: Wait, action: WaitForAction, description: ""'),
            "w.yml:3:54: A step's description has 1 to 1024 characters.",
        ),
        (
            with_steps("name: Wait, action: WaitForAction, rollbackEnabled: $.nowhere.x"),
            "w.yml:3:58: rollbackEnabled must be true or false, but is '$.nowhere.x'.",
        ),
        (
            with_steps("name: Find, action: CollectImageScanFindings, inputs: {instanceId: i-1}"),
            "w.yml:3:26: Action CollectImageScanFindings stands in TEST workflows, and this is a BUILD workflow.",
        ),
        (
            with_steps(LAUNCH, head="parameters: [{name: a, type: number}]\n"),
            "w.yml:2:30: The type of a must be string, integer, boolean or stringList, but is 'number'.",
        ),
        (
            with_steps(LAUNCH, head="parameters: [{name: a, type: integer, default: many}]\n"),
            "w.yml:2:48: The default of a must be a whole number, but is 'many'.",
        ),
        (
            with_steps(LAUNCH, head="parameters: [{name: a}, {name: a}]\n"),
            "w.yml:2:25: Parameter a is there twice; first in line 2.",
        ),
        (
            with_steps(LAUNCH, head="outputs: [{name: ImageId}]\n"),
            "w.yml:2:11: Output 'ImageId' needs one value.",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place(text, said):
    assert said in faults(text)


def test_the_limits_of_a_document():
    steps = [f"name: Wait{number}, action: WaitForAction" for number in range(15)]
    parse_workflow(with_steps(*steps), "w.yml", "TEST")
    assert faults(with_steps(*steps, "name: Last, action: WaitForAction"), "TEST") == [
        "w.yml:2:1: A workflow has 1 to 15 steps, but here are 16."
    ]
    head = "parameters:\n" + "".join(f"  - {{name: p{number}}}\n" for number in range(26))
    assert "at most 25 parameters" in faults(with_steps(LAUNCH, head=head))[0]
    head = "outputs:\n" + "".join(f"  - {{name: o{number}, value: x}}\n" for number in range(26))
    assert "at most 25 outputs" in faults(with_steps(LAUNCH, head=head))[0]
    head = f"parameters: [{{name: long, default: {'x' * 1025}}}]\n"
    assert "more than 1024 characters" in faults(with_steps(LAUNCH, head=head))[0]


def test_a_workflow_distributes_amis_or_containers():
    steps = (
        "name: Give, action: DistributeImage",
        "name: Push, action: DistributeContainerImage, inputs: {instanceId: i-1}",
    )
    assert faults(with_steps(*steps), "DISTRIBUTION") == [
        "w.yml:3:5: DistributeImage is for AMIs; a workflow with DistributeContainerImage cannot have it too."
    ]


def test_all_that_is_wrong_is_said_at_once():
    text = with_steps("name: ab, action: Launch, onFailure: Never", "name: Wait, actoin: WaitForAction")
    assert len(faults(text)) >= 4


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_stands_in_its_stages_and_no_others(action):
    rule = ACTIONS[action]
    given = {"text": "x", "list": "[]", "flag": "true", "json": "'{}'"}
    inputs = ", ".join(
        f"{each.name}: {each.choices[0] if each.choices else given[each.kind]}" for each in rule.inputs if each.required
    )
    for stage in STAGES:
        text = with_steps(f"name: Step, action: {action}, timeoutSeconds: {rule.max_timeout}, inputs: {{{inputs}}}")
        if stage in rule.stages:
            assert parse_workflow(text, "w.yml", stage).steps[0].action == action
        else:
            assert re.search("stands in .* workflows", faults(text, stage)[0])


def test_what_is_nested_in_inputs_is_checked():
    give = "name: Give, action: DistributeImage, inputs: {distributions: [{regoin: eu-west-1, amiTags: {a: b}}]}"
    assert faults(with_steps(give), "DISTRIBUTION") == [
        "w.yml:3:68: Each of DistributeImage's distributions needs the input region.",
        "w.yml:3:69: Each of DistributeImage's distributions has no input 'regoin'. Did you mean region?",
    ]
