from __future__ import annotations

import pytest

from goldsmith.documents.source import DocumentError
from goldsmith.documents.workflows.decision import holds
from goldsmith.documents.workflows.parser import parse_workflow
from goldsmith.documents.workflows.resolution import UnresolvedError, Values

from .samples import with_steps

HEAD = "parameters: [{name: text}, {name: number, type: integer}, {name: flag, type: boolean}]\n"
VALUES = Values(parameters={"text": "5", "number": 5, "flag": True})


def condition(written):
    text = with_steps(f"name: Wait, action: WaitForAction, if: {written}", head=HEAD)
    return parse_workflow(text, "w.yml", "TEST").steps[0].condition


def faults(written):
    with pytest.raises(DocumentError) as wrong:
        condition(written)
    return [fault.message for fault in wrong.value.faults]


@pytest.mark.parametrize(
    ("written", "true"),
    [
        ("{stringEquals: '5', value: $.parameters.text}", True),
        ("{stringEquals: '5', value: $.parameters.number}", True),
        ("{stringEquals: 'true', value: $.parameters.flag}", True),
        ("{stringEquals: a, value: A}", False),
        ("{stringEquals: 'n 5', value: 'n {{ $.parameters.number }}'}", True),
        ("{booleanEquals: true, value: $.parameters.flag}", True),
        ("{booleanEquals: false, value: $.parameters.flag}", False),
        ("{booleanEquals: true, value: 'true'}", True),
        ("{booleanEquals: false, value: $.parameters.text}", False),
        ("{numberEquals: 5, value: $.parameters.number}", True),
        ("{numberEquals: 5.0, value: $.parameters.text}", True),
        ("{numberGreaterThan: 4.5, value: $.parameters.number}", True),
        ("{numberGreaterThan: 5, value: $.parameters.number}", False),
        ("{numberGreaterThanEquals: 5, value: $.parameters.number}", True),
        ("{numberLessThan: 10, value: '9'}", True),
        ("{numberLessThanEquals: -1, value: '-1.5'}", True),
        ("{numberLessThan: 10, value: many}", False),
        ("{numberEquals: 1, value: $.parameters.flag}", False),
        ("[{stringEquals: a, value: a}]", True),
        ("{not: {stringEquals: a, value: a}}", False),
        ("{not: [{stringEquals: a, value: b}]}", True),
        ("{and: [{stringEquals: a, value: a}, {stringEquals: a, value: b}]}", False),
        ("{or: [{stringEquals: a, value: a}, {stringEquals: a, value: $.workflowOutputs.Missing}]}", True),
    ],
)
def test_conditions(written, true):
    assert holds(condition(written), VALUES) is true


def test_what_is_decided_is_not_looked_at():
    assert not holds(
        condition("{and: [{stringEquals: a, value: b}, {stringEquals: a, value: $.workflowOutputs.X}]}"), VALUES
    )
    with pytest.raises(UnresolvedError, match=r"\$.workflowOutputs.X has no value"):
        holds(condition("{and: [{stringEquals: a, value: a}, {stringEquals: a, value: $.workflowOutputs.X}]}"), VALUES)


def nested(depth):
    written = "{stringEquals: a, value: a}"
    for _ in range(depth):
        written = f"{{and: [{written}]}}"
    return written


def test_conditions_have_four_levels():
    """As in the guide's example: and, and, not, stringEquals."""
    assert holds(condition(nested(3)), VALUES)
    assert faults(nested(4)) == ["Conditions have at most 4 levels, and this is one more."]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{stringEqual: a, value: a}", "There is no operator 'stringEqual'."),
        ("{value: a}", "An if has no operator, such as stringEquals, booleanEquals, and, or, not."),
        ("{stringEquals: a}", "stringEquals needs a value beside it."),
        ("{numberEquals: a, value: 1}", "numberEquals compares numbers, and 'a' is none."),
        ("{booleanEquals: 1, value: true}", "booleanEquals compares with true or false, but here is '1'."),
        ("{and: []}", "and has 1 to 10 conditions, but here are 0."),
        (
            "{stringEquals: a, numberEquals: 1, value: 1}",
            "An if has one operator, but here are stringEquals and numberEquals; join them with and or or.",
        ),
        (
            "[{stringEquals: a, value: a}, {stringEquals: a, value: a}]",
            "Only one condition can stand here; join several with and or or.",
        ),
        ("{stringEquals: a, value.$: a}", "A condition with stringEquals has no key 'value.$'."),
        ("{stringEquals: [a], value: a}", "stringEquals must be text, a number, true or false, but is a list."),
    ],
)
def test_what_is_wrong_with_a_condition(written, said):
    assert said in faults(written)
