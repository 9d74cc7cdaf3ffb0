from __future__ import annotations

import json

import pytest

from goldsmith.documents.component import (
    Comparison,
    Condition,
    ForEachLoop,
    ForLoop,
    Logic,
)
from goldsmith.documents.parser import parse_component
from goldsmith.documents.source import DocumentError

from .samples import EVERYTHING, document, faults_of, step_faults


def test_the_whole_language_is_read():
    read = parse_component(EVERYTHING, "all.yml")
    build, validate = read.phases
    fetch, unpack, each, nested = build.steps
    check, restart, split = validate.steps
    assert (read.name, read.type, read.file, read.source) == ("Everything", "BUILD", "all.yml", EVERYTHING)
    assert [(one.name, one.value) for one in read.constants] == [("Port", "8080")]
    assert [(one.name, one.default, one.allowed_values) for one in read.parameters] == [
        ("Url", "https://example.com/a.tar.gz", ()),
        ("Mode", "fast", ("fast", "slow")),
    ]
    assert (build.disable_logging, unpack.disable_logging, read.disable_logging) == (True, True, False)
    assert (fetch.timeout_seconds, fetch.max_attempts, fetch.on_failure) == (600, 3, "Continue")
    assert fetch.inputs == [
        {
            "source": "{{ Url }}",
            "destination": "/opt/a.tar.gz",
            "overwrite": "{{ Mode }}",
            "checksum": "{{ env:SUM }}",
            "algorithm": "sha256",
        }
    ]
    assert unpack.condition == Condition(
        Logic(
            "and",
            (
                Comparison("binaryExists", "tar"),
                Logic("not", (Comparison("folderExists", "/opt/a"),)),
                Logic(
                    "or",
                    (
                        Comparison("numberGreaterThan", 80, "{{ Port }}"),
                        Comparison("patternMatches", "^f", "{{ Mode }}"),
                    ),
                ),
            ),
        ),
        "Execute",
        "Abort",
    )
    assert each.loop == ForEachLoop(("one", "{{ Mode }}"), None, "names")
    assert each.inputs["arguments"] == ["{{ names.value }}", "{{ loop.index }}", "12"]
    assert nested.loop == ForLoop(3, 1, -1)
    assert (nested.timeout_seconds, nested.max_attempts) == (-1, 1)
    assert check.inputs == Comparison("stringEquals", "{{ build.Fetch.inputs[0].destination }}", "/opt/a.tar.gz")
    assert (restart.inputs, restart.timeout_seconds) == ({}, 7200)
    assert split.loop == ForEachLoop("a;b", ";")


def test_json_is_read_too():
    data = {
        "schemaVersion": "1.0",
        "phases": [
            {"name": "test", "steps": [{"name": "Say", "action": "ExecuteBash", "inputs": {"commands": ["true"]}}]}
        ],
    }
    read = parse_component(json.dumps(data, indent="\t"), "doc.json")
    assert read.type == "TEST"
    assert read.phases[0].steps[0].inputs == {"commands": ["true"]}


@pytest.mark.parametrize("version", ["1.0", '"1.0"', "1", "'1'"])
def test_schema_versions_that_are_accepted(version):
    text = document("  - {name: One, action: Reboot}\n").replace("schemaVersion: 1.0", f"schemaVersion: {version}")
    assert faults_of(text) == []


def test_every_fault_is_said_at_once_with_its_place():
    text = """\
name: x
schemaVersion: 1.2
descripton: y
phases:
  - name: build
    steps:
      - name: One
        action: ExecuteBsh
        onFailure: abort
        timeoutSeconds: 0
        inputs:
          comands: [ls]
  - name: build
    steps: []
"""
    assert faults_of(text) == [
        "doc.yml:2:16: schemaVersion must be 1.0, but is '1.2'.",
        "doc.yml:3:1: A component document has no key 'descripton'. Did you mean description?",
        "doc.yml:8:17: There is no action 'ExecuteBsh'. Did you mean ExecuteBash?",
        "doc.yml:9:20: onFailure must be Abort, Continue or Ignore, but is 'abort'. Did you mean Abort?",
        "doc.yml:10:25: timeoutSeconds must be 1 or more, or -1 for no limit, but is 0.",
        "doc.yml:12:11: ExecuteBash has no key 'comands'. Did you mean commands?",
        "doc.yml:12:11: ExecuteBash needs the input commands.",
        "doc.yml:13:5: Phase 'build' has 0 steps. Steps list must not be empty.",
        "doc.yml:13:5: Phase build is there twice; first in line 5.",
    ]


@pytest.mark.parametrize("phases", [" []", "", " null"])
def test_a_document_without_phases(phases):
    assert faults_of(f"schemaVersion: 1.0\nphases:{phases}\n") == [
        f"doc.yml:2:{9 if phases else 8}: Document has 0 phases. Phases list must not be empty."
    ]


def test_a_document_without_anything():
    assert faults_of("name: x") == [
        "doc.yml:1:1: Document has 0 phases. Phases list must not be empty.",
        "doc.yml:1:1: The document has no schemaVersion; write schemaVersion: 1.0.",
    ]
    assert faults_of("[]") == ["doc.yml:1:1: A component document must be a map, but is a list."]
    assert faults_of("") == ["doc.yml:1:1: The file is empty."]


@pytest.mark.parametrize("inputs", ["inputs: []", "inputs: ", "inputs: null"])
def test_missing_inputs_are_said_as_aws_says_it(inputs):
    faults = faults_of(document(f"  - name: Download\n    action: S3Download\n    {inputs}\n"))
    assert faults == [
        (
            "doc.yml:7:5: Parsing step 'Download' in phase 'build' failed. "
            "Error: Action S3Download has no inputs; it requires an 'inputs'"
        )
    ]


def test_inputs_may_be_missing_where_none_are_needed():
    assert step_faults("{name: One, action: Reboot}") == []
    assert step_faults("{name: One, action: UpdateOS, inputs: }") == []
    assert len(step_faults("{name: One, action: Assert}")) == 1


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("{action: Reboot}", "5:5: A step has no name."),
        ("{name: One}", "5:5: Step 'One' has no action."),
        (
            "{name: a b, action: Reboot}",
            "5:12: A step's name 'a b' must have 3 to 128 letters, digits, hyphens or underscores.",
        ),
        (
            "{name: ab, action: Reboot}",
            "5:12: A step's name 'ab' must have 3 to 128 letters, digits, hyphens or underscores.",
        ),
        ("{name: One, action: reboot}", "5:25: There is no action 'reboot'. Did you mean Reboot?"),
        ("{name: One, action: Frobnicate}", "5:25: There is no action 'Frobnicate'."),
        ("{name: One, actoin: Reboot}", "5:17: A step has no key 'actoin'. Did you mean action?"),
        (
            "{name: One, action: Reboot, timeoutSeconds: -2}",
            "5:49: timeoutSeconds must be 1 or more, or -1 for no limit, but is -2.",
        ),
        (
            "{name: One, action: Reboot, timeoutSeconds: soon}",
            "5:49: timeoutSeconds must be a whole number, but is 'soon'.",
        ),
        ("{name: One, action: Reboot, maxAttempts: 0}", "5:46: maxAttempts must be 1 or more, but is 0."),
        (
            "{name: One, action: Reboot, disableLogging: maybe}",
            "5:49: disableLogging must be true or false, but is 'maybe'.",
        ),
        (
            "{name: One, action: ExecuteDocument, timeoutSeconds: 60, inputs: {document: a}}",
            "5:58: timeoutSeconds of ExecuteDocument can only be -1, but is 60.",
        ),
        (
            "{name: One, action: ExecuteDocument, maxAttempts: 2, inputs: {document: a}}",
            "5:55: maxAttempts of ExecuteDocument can only be 1, but is 2.",
        ),
    ],
)
def test_faulty_steps(step, fault):
    assert f"doc.yml:{fault}" in step_faults(step)


def test_names_are_unique_where_they_must_be():
    step = "  - {name: One, action: Reboot, loop: {name: same, forEach: [a]}}\n"
    assert faults_of(document(step + step)) == [
        "doc.yml:6:5: Loop same is there twice; first in line 5.",
        "doc.yml:6:5: Step One is there twice; first in line 5.",
    ]
    unnamed = step.replace("name: same, ", "")
    assert faults_of(document(unnamed + unnamed.replace("One", "Two"))) == []


def test_a_step_may_have_the_name_of_another_phases_step():
    text = document("  - {name: One, action: Reboot}\n") + "- name: test\n  steps:\n  - {name: One, action: Reboot}\n"
    assert faults_of(text) == []


def test_phases_of_other_names_are_accepted():
    assert faults_of(document("  - {name: One, action: Reboot}\n").replace("name: build", "name: verify")) == []


@pytest.mark.parametrize(
    ("declarations", "faults"),
    [
        (
            "parameters: {Url: {}}",
            ["2:13: parameters must be a list, but is a map. Start each of its items with a dash."],
        ),
        (
            "parameters: [{name: Url, type: string}]",
            ["2:14: Each of parameters is a name with a map below it: - Url: {type: string}."],
        ),
        (
            "parameters: [{Url: {type: integer}}]",
            ["2:27: type can only be string, but is 'integer'."],
        ),
        ("parameters: [{Url: {defualt: a}}]", ["2:21: A parameter has no key 'defualt'. Did you mean default?"]),
        (
            "parameters: [{U: {type: string}}]",
            ["2:15: A parameter's name 'U' must have 3 to 128 letters, digits, hyphens or underscores."],
        ),
        (
            "parameters: [{Mode: {default: fastt, allowedValues: [fast, slow]}}]",
            ["2:31: The default of Mode is none of its allowedValues. Did you mean fast?"],
        ),
        ("constants: [{Url: {type: string}}]", ["2:14: The constant Url has no value."]),
        (
            "constants: [{Url: {value: a}}]\nparameters: [{Url: {default: b}}]",
            ["3:15: Url is declared twice; first in line 2."],
        ),
    ],
)
def test_faulty_declarations(declarations, faults):
    assert faults_of(document("  - {name: One, action: Reboot}\n", f"{declarations}\n")) == [
        f"doc.yml:{fault}" for fault in faults
    ]


def test_a_default_keeps_the_digits_it_was_written_with():
    head = "parameters:\n- Version: {type: string, default: 1.10}\n- Empty: {default: }\n- None: {type: string}\n"
    read = parse_component(document("  - {name: One, action: Reboot}\n", head), "doc.yml")
    assert [parameter.default for parameter in read.parameters] == ["1.10", "", None]


def test_anchors_and_merge_keys():
    text = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - &base
        name: One
        action: ExecuteBash
        onFailure: Ignore
        inputs: {commands: [ls]}
      - <<: *base
        name: Two
"""
    one, two = parse_component(text, "doc.yml").phases[0].steps
    assert (two.name, two.on_failure, two.inputs) == ("Two", "Ignore", one.inputs)


def test_the_error_holds_sorted_faults_and_its_exit_code_is_2():
    with pytest.raises(DocumentError) as caught:
        parse_component("phases: 3\nname: [1]\n", "doc.yml")
    assert [fault.mark.line for fault in caught.value.faults] == [1, 1, 2]
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith("doc.yml:1:1: The document has no schemaVersion")
