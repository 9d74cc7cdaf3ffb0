from __future__ import annotations

import pytest

from goldsmith.documents.workflows.configurations import ConfigurationError, in_batches, validate_configurations
from goldsmith.documents.workflows.contract import ContractError, check_outputs
from goldsmith.documents.workflows.parser import parse_workflow

from .samples import LAUNCH, with_steps

BUILD = with_steps(LAUNCH, head="outputs: [{name: ImageId, value: ami-12345678}]\n")
TEST = with_steps(LAUNCH)
USES = with_steps("name: End, action: TerminateInstance, inputs: {instanceId: $.workflowOutputs.Id}")
GIVES = with_steps(LAUNCH, head="outputs: [{name: Id, value: $.stepOutputs.Launch.instanceId}]\n")
ASKS = with_steps(LAUNCH, head="parameters: [{name: word}]\n")
GIVE_IMAGE = with_steps("name: Give, action: DistributeImage")


def refusal(*workflows, kind="AMI", role="role"):
    configurations = [{"workflowArn": "arn", **more} for _, _, more in workflows]
    documents = [parse_workflow(text, "w.yml", stage) for text, stage, _ in workflows]
    try:
        validate_configurations(configurations, documents, kind=kind, execution_role=role)
    except ConfigurationError as wrong:
        return wrong
    return None


def build(text=BUILD, **more):
    return text, "BUILD", more


def check(text=TEST, **more):
    return text, "TEST", more


def distribution(text=GIVE_IMAGE, **more):
    return text, "DISTRIBUTION", more


def test_what_may_be_provided():
    assert refusal() is None
    assert refusal(build(), check(parallelGroup="a", onFailure="CONTINUE"), check(), distribution()) is None
    assert refusal(check(ASKS, parameters=[{"name": "word", "value": ["x"]}])) is None
    assert refusal(check(GIVES), check(USES)) is None
    assert refusal(distribution(USES), check(GIVES)) is None


def test_a_role_is_needed():
    wrong = refusal(check(), role="")
    assert (wrong.code, wrong.message) == (
        "InvalidParameterCombinationException",
        "An execution role is required to provide workflows.",
    )


@pytest.mark.parametrize(
    ("workflows", "parameter", "reason"),
    [
        ([check()] * 11, "workflows", "At most 10 workflows can be provided."),
        ([build(), check(), build()], "workflows[2]", "At most one BUILD workflow can be provided."),
        ([distribution(), distribution()], "workflows[1]", "At most one DISTRIBUTION workflow can be provided."),
        (
            [build(onFailure="ABORT")],
            "workflows[0].onFailure",
            "onFailure can only be specified for TEST workflows, and this is a BUILD workflow.",
        ),
        (
            [distribution(parallelGroup="a")],
            "workflows[0].parallelGroup",
            "parallelGroup can only be specified for TEST workflows, and this is a DISTRIBUTION workflow.",
        ),
        (
            [check(parallelGroup="a")] * 6,
            "workflows[5].parallelGroup",
            "At most 5 workflows can be in the parallel group 'a'.",
        ),
        ([build(TEST)], "workflows[0]", "Build workflow must have output named ImageId to build AMI."),
        (
            [check(ASKS)],
            "workflows[0].parameters",
            "The parameter 'word' has no default and is not given. Give each such parameter a value.",
        ),
        (
            [check(USES), check(GIVES)],
            "workflows[0]",
            "$.workflowOutputs.Id is no output of a workflow that runs before this one.",
        ),
        (
            [check(GIVES, parallelGroup="a"), check(USES, parallelGroup="a")],
            "workflows[1]",
            "$.workflowOutputs.Id is no output of a workflow that runs before this one.",
        ),
        ([check(GIVES), check(GIVES)], "workflows[1]", "The output 'Id' is declared by more than one workflow."),
    ],
)
def test_what_may_not(workflows, parameter, reason):
    wrong = refusal(*workflows)
    assert (wrong.parameter, wrong.reason, wrong.code) == (parameter, reason, "InvalidParameterValueException")
    assert wrong.message == f"The value supplied for parameter '{parameter}' is not valid. {reason}"


def test_containers_have_rules_of_their_own():
    assert refusal(build(), kind="DOCKER").reason == (
        "Build workflow must have output named InstanceId to build container."
    )
    assert "cannot distribute" in refusal(distribution(), kind="DOCKER").reason


def test_groups_run_where_their_first_member_stands():
    assert in_batches(["", "a", "", "b", "a", ""]) == ((0,), (1, 4), (2,), (3,), (5,))
    assert in_batches([]) == ()


@pytest.mark.parametrize("value", ["ami-0123456789abcdef0", "ami-12345678"])
def test_an_ami_id_is_one(value):
    check_outputs({"ImageId": value}, "BUILD", "AMI")


@pytest.mark.parametrize("outputs", [{}, {"ImageId": 1}, {"ImageId": "i-12345678"}, {"ImageId": ["ami-12345678"]}])
def test_what_is_no_ami_id_is_none(outputs):
    with pytest.raises(ContractError, match="Invalid ImageId output value, must be AMI ID as a string"):
        check_outputs(outputs, "BUILD", "AMI")
    check_outputs(outputs, "TEST", "AMI")
