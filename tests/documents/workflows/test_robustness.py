"""Whatever the text, the reader answers with a document or with faults in words."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.documents.faults import MAX_FAULTS
from goldsmith.documents.source import DocumentError
from goldsmith.documents.workflows.document import WorkflowDocument
from goldsmith.documents.workflows.parser import parse_workflow
from goldsmith.documents.workflows.references import workflow_outputs_used
from goldsmith.documents.workflows.step import STAGES

from .samples import EVERYTHING

TOKENS = re.compile(r"\w+|\s+|[^\w\s]")
ODD = [
    *("", "{", "}", "[", "]", ":", "- ", "&a ", "*a", "<<: ", "{{ ", " }}", "'", '"', "|", "#", "\t", "\n", "~", ".$"),
    *(
        "$.",
        "$.stepOutputs",
        "$.parameters.kind",
        "{{ $.imagebuilder.x }}",
        "99999999999999999999999",
        "1e999",
        "x" * 300,
    ),
    *("and", "not", "if", "steps", "inputs", "LaunchInstance", "WaitForAction", "\ud800", "true", "- {}"),
]
PIECES = TOKENS.findall(EVERYTHING)


def outcome(text, stage):
    try:
        return parse_workflow(text, "w.yml", stage)
    except DocumentError as error:
        return error


def check(text):
    for stage in STAGES:
        found = outcome(text, stage)
        if isinstance(found, WorkflowDocument):
            assert len(found.steps) == len({step.name for step in found.steps})
            workflow_outputs_used(found)
            continue
        assert 1 <= len(found.faults) <= MAX_FAULTS + 1
        assert all(fault.message and fault.mark.line >= 1 and fault.mark.column >= 1 for fault in found.faults)


@settings(deadline=None)
@given(st.text())
def test_any_text(text):
    check(text)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, len(PIECES) - 1), st.sampled_from(ODD)), min_size=1, max_size=4))
def test_a_document_with_odd_pieces(changes):
    pieces = list(PIECES)
    for place, odd in changes:
        pieces[place] = odd
    check("".join(pieces))


@settings(deadline=None)
@given(st.integers(0, len(PIECES)))
def test_a_document_that_ends_early(length):
    check("".join(PIECES[:length]))


def test_a_document_of_nothing_but_faults_is_read_in_time():
    check("schemaVersion: 1.0\nsteps:\n" + "  - {name: a, action: b, if: {and: [{x: 1}]}}\n" * 5000)
