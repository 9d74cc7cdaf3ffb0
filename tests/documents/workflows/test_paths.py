from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from goldsmith.documents.workflows.paths import (
    ROOTS,
    Path,
    Template,
    parse_path,
    parse_template,
    parse_value,
    split_key,
)
from goldsmith.documents.workflows.resolution import Values, resolve

NAMES = st.text("abcXYZ019_-", min_size=1, max_size=8)
PARTS = st.tuples(st.sampled_from(ROOTS), NAMES).flatmap(
    lambda head: st.lists(NAMES | st.integers(0, 9999), max_size=4).map(lambda tail: (*head, *tail))
)


@given(PARTS)
def test_a_path_is_read_as_it_is_written(parts):
    assert parse_path(str(Path(parts))) == Path(parts)


@given(st.text())
def test_any_text_is_a_path_a_template_or_itself(text):
    found = parse_value(text)
    assert found == text or isinstance(found, Path | Template)
    if isinstance(found, Template):
        assert "".join(part if isinstance(part, str) else part.written for part in found.parts) == text


@given(PARTS, st.text(st.characters(exclude_characters="{}")), st.text(st.characters(exclude_characters="{}")))
def test_references_are_found_within_any_text(parts, before, after):
    path = Path(parts)
    found = parse_template(f"{before}{{{{ {path} }}}}{after}")
    assert found == Template(tuple(part for part in (before, path, after) if part != ""))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_characters="$")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_characters="$"), max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON_VALUES)
def test_what_refers_to_nothing_stays_as_it_is(value):
    assert resolve(value, Values()) == value


@given(JSON_VALUES)
def test_a_value_keeps_its_type_and_is_not_searched_again(value):
    values = Values(parameters={"p": value}, workflow_outputs={"evil": "{{ $.parameters.p }}"})
    assert resolve({"a": [{"key.$": "$.parameters.p"}]}, values) == {"a": [{"key": value}]}
    assert resolve("$.parameters.p", values) == value
    assert resolve({"key.$": "i-1"}, values) == {"key": "i-1"}
    assert resolve("$.workflowOutputs.evil", values) == "{{ $.parameters.p }}"
    assert resolve("x{{ $.workflowOutputs.evil }}", values) == "x{{ $.parameters.p }}"


def test_within_text_values_are_text():
    values = Values(parameters={"flag": True, "list": ["a", 1], "text": "t", "number": 7})
    written = "{{ $.parameters.flag }} {{$.parameters.list}} {{ $.parameters.list[1] }} {{ $.parameters.text }}"
    assert resolve(written, values) == 'true ["a", 1] 1 t'


def test_the_suffix_belongs_to_the_key():
    assert split_key("instanceId.$") == ("instanceId", True)
    assert split_key("instanceId") == ("instanceId", False)
    assert split_key(".$") == (".$", False)
