from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.documents.workflows.parameters import ParameterError, bind_parameters
from goldsmith.documents.workflows.parser import parse_workflow

from .samples import EVERYTHING

DOCUMENT = parse_workflow(EVERYTHING, "w.yml", "BUILD")


def bound(**values):
    return bind_parameters(DOCUMENT, [{"name": name, "value": value} for name, value in values.items()])


def test_defaults_stand_where_nothing_is_given():
    assert bound(given=["x"]) == {"kind": "t3.micro", "count": 3, "wanted": True, "types": ["a", "b"], "given": "x"}


def test_text_becomes_what_is_declared():
    values = bound(given=["x"], count=["-7"], wanted=["False"], types=["z"])
    assert (values["count"], values["wanted"], values["types"]) == (-7, False, ["z"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "The parameter 'given' has no default and is not given."),
        ({"given": ["x"], "knid": ["x"]}, "The workflow has no parameter 'knid'.\n  Did you mean kind?"),
        ({"given": []}, "The value of the parameter 'given' has 0 values."),
        ({"given": ["x", "y"]}, "The value of the parameter 'given' has 2 values."),
        ({"given": ["x"], "count": ["1.5"]}, "The value of the parameter 'count' is '1.5'."),
        ({"given": ["x"], "wanted": ["yes"]}, "The value of the parameter 'wanted' is 'yes'."),
        ({"given": ["x" * 1025]}, "The value of the parameter 'given' has more than 1024 characters."),
    ],
)
def test_what_does_not_fit_is_refused(values, said):
    with pytest.raises(ParameterError) as wrong:
        bound(**values)
    assert str(wrong.value).startswith(said)


@given(
    st.dictionaries(
        st.sampled_from(["kind", "count", "wanted", "types", "given"]), st.lists(st.text(max_size=5), max_size=3)
    )
)
def test_any_values_are_bound_or_refused(values):
    try:
        result = bound(**values)
    except ParameterError:
        return
    assert [type(result[name]) for name in ("kind", "count", "wanted", "types", "given")] == [str, int, bool, list, str]
