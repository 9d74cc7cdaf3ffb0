from __future__ import annotations

import pytest

from goldsmith.documents.component import Comparison, Condition
from goldsmith.documents.operators import OPERATORS
from goldsmith.documents.parser import parse_component

from .samples import document, step_faults


def condition(text):
    read = parse_component(document(f"  - {{name: One, action: Reboot, if: {text}}}\n"), "doc.yml")
    return read.phases[0].steps[0].condition


def faults(text):
    return [fault.partition(": ")[2] for fault in step_faults(f"{{name: One, action: Reboot, if: {text}}}")]


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_is_read(name):
    sibling = OPERATORS[name].sibling
    text = f"{{{name}: '1'{f', {sibling}: b' if sibling else ''}}}"
    assert condition(text) == Condition(Comparison(name, "1", "b" if sibling else None))


@pytest.mark.parametrize("name", [name for name, operator in OPERATORS.items() if operator.sibling])
def test_the_second_operand_is_needed(name):
    assert faults(f"{{{name}: '1'}}") == [f"{name} needs a {OPERATORS[name].sibling} beside it."]


def test_a_list_with_one_item_is_the_same_as_the_map():
    assert condition("[{fileExists: /a, then: Skip}]") == condition("{fileExists: /a, then: Skip}")
    assert condition("{not: [{fileExists: /a}]}") == condition("{not: {fileExists: /a}}")


def test_numbers_stay_numbers_and_expressions_stand_anywhere():
    assert condition("{numberEquals: 1.5, value: '{{ x }}'}").expression == Comparison("numberEquals", 1.5, "{{ x }}")
    assert condition("{numberEquals: '{{ x }}', value: y}").expression == Comparison("numberEquals", "{{ x }}", "y")
    assert condition("{stringEquals: true, value: 3}").expression == Comparison("stringEquals", "true", 3)
    assert condition("{stringIsEmpty: ''}").expression == Comparison("stringIsEmpty", "")
    assert condition("{stringIsEmpty: }").expression == Comparison("stringIsEmpty", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{stringEqual: a, value: b}", "There is no operator 'stringEqual'. Did you mean stringEquals?"),
        ("{binaryexists: a}", "There is no operator 'binaryexists'. Did you mean binaryExists?"),
        ("{then: Skip}", "An if has no operator, such as stringEquals, fileExists, and, or, not."),
        (
            "{fileExists: a, folderExists: b}",
            "An if has one operator, but here are fileExists and folderExists; join them with and or or.",
        ),
        ("{fileExists: a, then: skip}", "then must be Abort, Execute or Skip, but is 'skip'. Did you mean Skip?"),
        ("{fileExists: a, value: b}", "A condition with fileExists has no key 'value'."),
        ("{fileExists: a, els: Skip}", "A condition with fileExists has no key 'els'. Did you mean else?"),
        ("{fileExists: [a]}", "fileExists must be text or a number, but is a list."),
        ("{and: []}", "and has no conditions."),
        ("{and: {fileExists: a}}", "and must be a list, but is a map. Start each of its items with a dash."),
        ("{or: [fileExists]}", "Each condition of or must be a map, but is text."),
        ("{and: [{fileExists: a, then: Skip}]}", "A condition with fileExists has no key 'then'."),
        ("{numberEquals: many, value: 1}", "numberEquals compares numbers, and 'many' is none."),
        ("{patternMatches: '(', value: a}", "'(' is not a regular expression of RE2: missing ): (."),
        (
            "{patternMatches: '(?=a)', value: a}",
            "'(?=a)' is not a regular expression of RE2: invalid perl operator: (?=.",
        ),
        ("[{fileExists: a}, {fileExists: b}]", "Only one expression can stand here; join several with and or or."),
        ("3", "An if must be a map, but is a number."),
    ],
)
def test_faulty_conditions(text, said):
    assert said in faults(text)


def test_conditions_nest_four_deep():
    four = "{not: {and: [{or: [{not: {fileExists: a}}]}]}}"
    assert faults(four) == []
    assert faults(f"{{not: {four}}}") == ["Conditions are nested more than 4 deep here."]


def test_an_assert_takes_no_branches():
    faults = step_faults("{name: One, action: Assert, inputs: {fileExists: a, then: Skip}}")
    assert faults == ["doc.yml:5:57: A condition with fileExists has no key 'then'."]
