from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.documents.expressions import (
    ChainReference,
    ContextReference,
    EnvReference,
    ImdsReference,
    LoopReference,
    Name,
    SsmReference,
    SsmResolve,
    parse_template,
    render,
)

FORMS = {
    "{{ Name }}": Name("Name"),
    "{{Name}}": Name("Name"),
    "{{Name }}": Name("Name"),
    "{{ build.Step.outputs.stdout }}": ChainReference("build", "Step", "outputs", None, "stdout"),
    "{{ build.Step-1.inputs[10].destination }}": ChainReference("build", "Step-1", "inputs", 10, "destination"),
    "{{ a.b.inputs.document-s3-bucket-owner }}": ChainReference("a", "b", "inputs", None, "document-s3-bucket-owner"),
    "{{ loop.index }}": LoopReference("loop", "index"),
    "{{ my-loop.value }}": LoopReference("my-loop", "value"),
    "{{ aws:ssm:/a/b }}": SsmReference("/a/b"),
    "{{ aws:ssm:/aws/reference/secretsmanager/x }}": SsmReference("/aws/reference/secretsmanager/x"),
    "{{ aws:ssm:resolve(Name) }}": SsmResolve(Name("Name")),
    "{{ aws:ssm:resolve(aws:ssm:/a) }}": SsmResolve(SsmReference("/a")),
    "{{ env:PATH }}": EnvReference("PATH"),
    "{{ env:ProgramFiles(x86) }}": EnvReference("ProgramFiles(x86)"),
    "{{ env:my var.x }}": EnvReference("my var.x"),
    "{{ aws:imds:placement/region }}": ImdsReference("placement/region"),
    "{{ context:dateTime }}": ContextReference("dateTime"),
}


@pytest.mark.parametrize("text", FORMS)
def test_every_form(text):
    (reference,) = parse_template(text)
    assert reference == FORMS[text]
    assert reference.written == text
    assert parse_template(f"{{{{{reference}}}}}") == (reference,)


@pytest.mark.parametrize(
    "text",
    [
        "{{ .Values.x }}",
        "{{ x | upper }}",
        "{{ range $i := . }}",
        "{{}}",
        "{{ ",
        "}} {{",
        "{{ a b }}",
        "${{ github.event.x }}",
        "{{ aws:ssm:resolve(env:X) }}",
        "{{ aws:ssm:resolve() }}",
        "{{ build.Step.outputs[x].stdout }}",
        "{{ context: }}",
        "{ { Name } }",
        "{{ Nämé }}",
    ],
)
def test_other_text_is_left_alone(text):
    assert render(text, lambda reference: f"<{reference}>") == text


def test_rendering():
    values = {"A": "1", "B": "{{ A }}"}
    text = "x {{ A }}{{A}} {{ B }} {{ C }} {{{ A }}} {{ {{ A }} }} {{ .A }}"
    assert render(text, lambda reference: values.get(str(reference))) == "x 11 {{ A }} {{ C }} {1} {{ 1 }} {{ .A }}"


def test_parts_come_in_order():
    assert parse_template("a{{ B }}c{{ .D }}{{ E }}") == ("a", Name("B"), "c{{ .D }}", Name("E"))
    assert parse_template("") == ()


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("{} abA.:[]0()/-|\n")) | st.text())
def test_what_has_no_value_stays_to_the_letter(text):
    assert render(text, lambda _: None) == text
    assert "".join(part if isinstance(part, str) else part.written for part in parse_template(text)) == text
