"""Whatever the text, a reader answers with a result or with faults in words."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from documents.test_pipeline import FULL
from goldsmith.documents.faults import MAX_FAULTS
from goldsmith.documents.kind import kind_of
from goldsmith.documents.parser import parse_component
from goldsmith.documents.pipeline import parse_pipeline
from goldsmith.documents.source import DocumentError

from .samples import EVERYTHING

TOKENS = re.compile(r"\w+|\s+|[^\w\s]")
ODD = [
    *("", "{", "}", "[", "]", ":", "- ", "&a ", "*a", "<<: ", "!x ", "{{ ", " }}", "'", '"', "|", ">", "#", "\t", "\n"),
    *("~", "null", "1e999", "0x1", ".inf", "-1", "99999999999999999999999", "\ud800", "\x85", "\u2028", "é", "x" * 300),
    *(
        "{{ build.Fetch.outputs.stdout }}",
        "{{ aws:ssm:resolve(Url) }}",
        "? ",
        "---\n",
        "%YAML 1.1\n",
        "1:30",
        "2024-01-01",
    ),
]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def refusal(parse, text):
    try:
        parse(text, "a.yml")
    except DocumentError as error:
        return error
    return None


def check(text):
    for parse in (parse_component, parse_pipeline):
        error = refusal(parse, text)
        if error:
            assert 1 <= len(error.faults) <= MAX_FAULTS + 1
            assert all(fault.message and fault.mark.line >= 1 and fault.mark.column >= 1 for fault in error.faults)
            assert str(error).startswith("a.yml:")
    assert kind_of(text) in {"component", "pipeline", "other"}


@settings(deadline=None)
@given(st.text())
def test_any_text(text):
    check(text)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([EVERYTHING, FULL]), st.integers(1, 4), st.randoms(use_true_random=False))
def test_mutated_documents(text, changes, rng):
    check(mutated(text, changes, rng))


@settings(deadline=None)
@given(st.sampled_from([EVERYTHING, FULL]), st.data())
def test_values_in_the_wrong_places(text, data):
    lines = text.splitlines()
    index = data.draw(st.integers(0, len(lines) - 1))
    key = lines[index].partition(":")[0]
    lines[index] = f"{key}: {data.draw(JSON_VALUES)!r}"
    check("\n".join(lines))


def mutated(text, changes, rng):
    tokens = TOKENS.findall(text)
    for _ in range(changes):
        place = rng.randrange(len(tokens))
        match rng.randrange(4):
            case 0:
                del tokens[place : place + rng.randrange(1, 4)]
            case 1:
                tokens.insert(place, rng.choice(ODD))
            case 2:
                tokens[place] = rng.choice(ODD)
            case 3:
                other = rng.randrange(len(tokens))
                tokens[place], tokens[other] = tokens[other], tokens[place]
        tokens = tokens or ["a"]
    return "".join(tokens)


def test_a_flood_of_faults_is_cut_short():
    keys = "\n".join(f"key{number}: {number}" for number in range(20_000))
    error = refusal(parse_component, f"schemaVersion: 1.0\n{keys}\n")
    assert len(error.faults) == MAX_FAULTS
