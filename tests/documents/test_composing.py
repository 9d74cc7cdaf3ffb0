from __future__ import annotations

import json

import pytest

from goldsmith.documents.composing import MAX_CHARACTERS, compose
from goldsmith.documents.nodes import plain
from goldsmith.documents.source import DocumentError


def fault(text):
    with pytest.raises(DocumentError) as caught:
        compose(text, "a.yml")
    return str(caught.value)


def test_values_as_python_has_them():
    text = "{a: 1, b: 1.5, c: yes, d: ~, e: text, f: 0777, g: 2024-01-01, h: 1:30, i: [1], j: !!str 7}"
    assert plain(compose(text, "a.yml")) == {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": None,
        "e": "text",
        "f": 777,
        "g": "2024-01-01",
        "h": "1:30",
        "i": [1],
        "j": "7",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3", "a.yml:3:1: The key a is given twice; it first stands in line 1."),
        ("a: b: c", "a.yml:1:5: This is not YAML: mapping values are not allowed in this context."),
        (
            "a:\n\t- b",
            (
                "a.yml:2:1: This is not YAML: while scanning for the next token, found character that cannot start any token."
                " Indent with spaces, not tabs."
            ),
        ),
        ("--- 1\n--- 2", "a.yml:2:1: A second document starts here; a file holds one."),
        ("x: !Ref y", "a.yml:1:4: The tag !Ref means nothing here; write the value without it."),
        ("a: \x00", "a.yml:1:4: This is not YAML: there is a control character that text may not hold."),
        ("a:\n  \ud800", "a.yml:2:3: This is not valid Unicode text."),
        ("a: *b", "a.yml:1:4: The alias *b stands for nothing: no anchor &b came before it."),
        ("a: &a [*a]", "a.yml:1:8: The alias *a stands for nothing: no anchor &a came before it."),
        ("<<: 3", "a.yml:1:1: Only maps can be merged with <<."),
        ("? [a]\n: b", "a.yml:1:3: A key must be text, not a list or map."),
        (
            "a: {{ Name }}",
            'a.yml:1:5: A key must be text, not a list or map. A value that starts with {{ must stand in quotes: "{{ Name }}".',
        ),
        ("", "a.yml:1:1: The file is empty."),
        ("# only a comment", "a.yml:1:1: The file is empty."),
    ],
)
def test_what_is_no_single_clean_document(text, said):
    assert fault(text) == said


@pytest.mark.parametrize("text", ["[" * 500_000, "- " * 100_000, "{a: " * 100_000, "? " * 100_000, "a: &a " + "[" * 70])
def test_deep_nesting_is_refused_before_it_hurts(text):
    assert fault(text).endswith("Lists and maps are nested more than 64 deep here.")


def test_aliases_count_as_what_they_stand_for():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    for here, before in zip("bcdefghij", "abcdefghi", strict=True):
        bomb += f"{here}: &{here} [{','.join([f'*{before}'] * 10)}]\n"
    assert fault(bomb).endswith("With its aliases written out this holds more than 100000 values.")


def test_aliases_count_towards_depth():
    lines = ["a: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 80)]
    assert fault("\n".join(lines)).endswith("nested more than 64 deep here.")


def test_json_may_write_a_character_as_two_escapes():
    data = {"a": "\U0001f600 \\ud83d\\ude00", "b": ["\U0001f600"]}
    assert plain(compose(json.dumps(data), "a.json")) == data


def test_merging_maps_keeps_what_was_written_beside():
    root = compose("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}", "a.yml")
    assert plain(root)["c"] == {"x": 3, "y": 1, "z": 2}


def test_a_text_too_large_is_not_read():
    assert "at most 1048576 are read" in fault("a" * (MAX_CHARACTERS + 1))
