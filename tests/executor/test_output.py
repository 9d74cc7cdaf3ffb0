"""Splitting, cutting and redacting what commands write."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from goldsmith.executor.output import LONGEST_LINE, Output, StreamLines
from goldsmith.executor.redaction import MASK, Redactor


def lines_of(data: bytes, cuts, redactor=None):
    said: list[str] = []
    lines = StreamLines(redactor or Redactor(), said.extend)
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    for begin, end in pairwise(places):
        lines.feed(data[begin:end])
    lines.end()
    return said


@given(
    st.lists(st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]))),
    st.lists(st.integers(0, 500)),
)
def test_lines_are_whole_wherever_chunks_are_cut(texts, cuts):
    data = "".join(f"{text}\n" for text in texts).encode()
    assert lines_of(data, cuts) == texts


@given(st.binary(), st.lists(st.integers(0, 500)))
def test_any_bytes_are_taken(data, cuts):
    assert "\0" not in "".join(lines_of(data, cuts))


@given(st.integers(LONGEST_LINE - 40, LONGEST_LINE + 40), st.lists(st.integers(0, 2 * LONGEST_LINE), max_size=5))
def test_a_secret_in_a_long_line_is_never_cut_in_two(before, cuts):
    redactor = Redactor()
    redactor.add("correct horse battery")
    data = b"x" * before + b"correct horse battery" + b"y" * LONGEST_LINE
    whole = "".join(lines_of(data, cuts, redactor))
    assert whole == "x" * before + MASK + "y" * LONGEST_LINE


def test_each_line_of_a_secret_is_hidden_but_not_a_brace():
    redactor = Redactor()
    redactor.add('{\n  "password": "hunter22"\n}')
    assert redactor.text('{ a: 1 }\n  "password": "hunter22"') == "{ a: 1 }\n  ***"


def test_nested_data_is_redacted():
    redactor = Redactor()
    redactor.add('say "hi"')
    assert redactor.tree({"a": ['x say "hi" y', 3], "b": None}) == {"a": ["x *** y", 3], "b": None}


def test_stderr_keeps_its_end_and_stdout_its_beginning():
    output = Output(*(StreamLines(Redactor(), lambda lines: None) for _ in range(2)))
    for number in range(300):
        for stream in ("stdout", "stderr"):
            output.take(stream, f"{number:03d}".encode() + b"." * 9997 + b"\n")
    assert output.stdout.startswith("000...")
    assert output.stdout.splitlines()[-1].startswith("[cut")
    assert output.stderr.splitlines()[-1].startswith("299...")
