from __future__ import annotations

import pytest

from goldsmith.documents.source import DocumentError
from goldsmith.documents.workflows.parser import parse_workflow
from goldsmith.documents.workflows.references import workflow_outputs_used

from .samples import EVERYTHING, LAUNCH, with_steps


def faults(*steps, stage="TEST", head=""):
    try:
        parse_workflow(with_steps(LAUNCH, *steps, head=head), "w.yml", stage)
    except DocumentError as wrong:
        return [str(fault).split(": ", 1)[1] for fault in wrong.faults]
    return []


def referring(path, key="instanceId.$"):
    return f"name: Next, action: TerminateInstance, inputs: {{{key}: '{path}'}}"


@pytest.mark.parametrize("key", ["instanceId.$", "instanceId"])
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("$.parameters.nmae", "$.parameters.nmae: there is no parameter 'nmae'. Did you mean name?"),
        (
            "$.stepOutputs.Lunch.instanceId",
            "$.stepOutputs.Lunch.instanceId: there is no step 'Lunch'. Did you mean Launch?",
        ),
        ("$.stepOutputs.Next.x", "$.stepOutputs.Next.x: step Next does not run before this one."),
        (
            "$.stepOutputs.Launch.instanceID",
            "$.stepOutputs.Launch.instanceID: LaunchInstance has no output 'instanceID'. Did you mean instanceId?",
        ),
        (
            "$.stepOutputs.Launch",
            "$.stepOutputs.Launch: LaunchInstance has several outputs, and this names none of them.",
        ),
        (
            "$.imagebuilder.imagename",
            "$.imagebuilder.imagename: there is no variable 'imagename'. Did you mean imageName?",
        ),
        ("$.parameters", "$.parameters names nothing below parameters."),
    ],
)
def test_references_that_can_have_no_value(path, said, key):
    assert faults(referring(path, key), head="parameters: [{name: name}]\n") == [said]


def test_an_unknown_root_is_a_fault_where_a_reference_must_be_and_text_where_it_need_not():
    said = "there is no 'stepOutput'; it is parameters, stepOutputs, workflowOutputs or imagebuilder."
    found = faults(referring("$.stepOutput.Launch.instanceId"))
    assert found == [f"$.stepOutput.Launch.instanceId: {said} Did you mean stepOutputs?"]
    assert faults(referring("$.items.first", "instanceId")) == []


def test_within_text_only_braces_refer():
    run = (
        "name: Run, action: RunCommand, inputs: {{instanceId: i-1, documentName: d, parameters: {{commands: ['{}']}}}}"
    )
    assert faults(run.format("jq $.parameters.nothing file")) == []
    assert faults(run.format("a {{ $.parameters.nothing }} b")) == [
        "$.parameters.nothing: there is no parameter 'nothing'."
    ]
    assert faults(run.format("{{ .Values.x }} {{ name }}")) == []


def test_what_may_stand_under_a_key_with_the_suffix():
    assert faults(referring("i-1")) == []
    assert faults(referring("{{ $.stepOutputs.Launch.instanceId }}")) == []
    said = "must be a path, such as $.stepOutputs.MyStep.instanceId, but is"
    assert faults(referring("$.stepOutputs Launch")) == [f"instanceId.$ {said} '$.stepOutputs Launch'."]
    step = "name: Give, action: RunCommand, inputs: {instanceId: i-1, documentName: d, parameters: {a.$: [b]}}"
    assert faults(step) == []


def test_the_first_workflow_has_none_before_it():
    said = "$.workflowOutputs.Id: a BUILD workflow is the first, and no workflow before it has outputs."
    assert faults(referring("$.workflowOutputs.Id"), stage="BUILD") == [said]
    assert faults(referring("$.workflowOutputs.Id")) == []


def test_conditions_and_outputs_are_checked_too():
    step = "name: Next, action: WaitForAction, if: {stringEquals: a, value: $.parameters.x}"
    assert faults(step) == ["$.parameters.x: there is no parameter 'x'."]
    head = "outputs: [{name: Id, value: $.stepOutputs.Launch.id}]\n"
    assert faults(head=head) == ["$.stepOutputs.Launch.id: LaunchInstance has no output 'id'."]
    step = "name: Next, action: WaitForAction, rollbackEnabled: $.parameters.x"
    assert faults(step) == ["$.parameters.x: there is no parameter 'x'."]


def test_the_place_is_that_of_the_reference():
    text = EVERYTHING.replace("{{$.imagebuilder.imageName}}", "{{ $.imagebuilder.name }}")
    with pytest.raises(DocumentError) as wrong:
        parse_workflow(text, "w.yml", "BUILD")
    (fault,) = wrong.value.faults
    line = text.splitlines()[fault.mark.line - 1]
    assert line[fault.mark.column - 1 :].startswith("{{ $.imagebuilder.name }}")


def test_which_outputs_of_earlier_workflows_a_document_needs():
    condition = "if: {stringEquals: a, value: $.workflowOutputs.First}"
    payload = """inputs: {payload: '{"a": "{{ $.workflowOutputs.Third }}"}'}"""
    steps = (referring("$.workflowOutputs.Second"), f"name: Wait, action: WaitForAction, {condition}, {payload}")
    document = parse_workflow(with_steps(LAUNCH, *steps), "w.yml", "TEST")
    assert set(workflow_outputs_used(document)) == {"First", "Second", "Third"}
