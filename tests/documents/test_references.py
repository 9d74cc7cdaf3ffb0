from __future__ import annotations

import pytest

from goldsmith.documents.parser import parse_component
from goldsmith.documents.references import faults_across_stages

from .samples import faults_of

DOCUMENT = """\
schemaVersion: 1.0
parameters: [{{Greeting: {{default: a}}}}]
phases:
- name: build
  steps:
  - {{name: Fetch, action: WebDownload, inputs: [{{source: 'http://a', destination: /b}}]}}
  - {{name: Nothing, action: Assert, inputs: {{fileExists: a}}}}
  - name: Here
    action: ExecuteBash
    loop: {{name: every, forEach: [a]}}
    inputs:
      commands:
      - |
        first
        second {expression}
  - {{name: Later, action: ExecuteBash, inputs: {{commands: [a]}}}}
- name: validate
  steps:
  - {{name: Check, action: Reboot}}
"""


def faults(expression):
    return faults_of(DOCUMENT.format(expression=expression))


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("{{ biuld.Fetch.outputs.destination }}", "there is no phase 'biuld'. Did you mean build?"),
        ("{{ build.Fetsh.outputs.destination }}", "phase build has no step 'Fetsh'. Did you mean Fetch?"),
        ("{{ build.Later.outputs.stdout }}", "step Later does not run before this one."),
        ("{{ build.Here.outputs.stdout }}", "step Here does not run before this one."),
        ("{{ validate.Check.outputs.stdout }}", "step Check does not run before this one."),
        ("{{ build.Fetch.outputs.stdout }}", "WebDownload has no output 'stdout'."),
        ("{{ build.Nothing.outputs.stdout }}", "Assert has no output 'stdout'."),
        ("{{ build.Fetch.inputs[0].destinaton }}", "WebDownload has no input 'destinaton'. Did you mean destination?"),
        ("{{ build.Fetch.inputs[1].destination }}", "step Fetch has 1 input, counted from 0."),
        ("{{ build.Fetch.inputs[0].checksum }}", "step Fetch does not set checksum there."),
    ],
)
def test_chains_that_lead_nowhere(expression, said):
    assert faults(expression) == [f"doc.yml:15:16: {expression}: {said}"]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("{{ Greetin }}", "{{ Greetin }} is neither a parameter nor a constant. Did you mean Greeting?"),
        ("{{ greeting }}", "{{ greeting }} is neither a parameter nor a constant. Did you mean Greeting?"),
        ("{{ evry.value }}", "{{ evry.value }} is not this step's loop. Did you mean every?"),
        ("{{ context:datetime }}", "There is no context variable 'datetime'. Did you mean dateTime?"),
        (
            "{{ aws:ssm:resolve(Greting) }}",
            "aws:ssm:resolve(Greting) names neither a parameter nor a constant. Did you mean Greeting?",
        ),
        (
            "{{ aws:imds:iam/security-credentials/role }}",
            "Instance metadata below iam may not be read: it holds credentials.",
        ),
        (
            "{{ aws:imds:/identity-credentials/ec2 }}",
            "Instance metadata below identity-credentials may not be read: it holds credentials.",
        ),
    ],
)
def test_names_that_mean_nothing(expression, said):
    assert faults(expression) == [f"doc.yml:15:16: {said}"]


def test_the_same_fault_in_two_places_has_two_places():
    step = "  - {{name: {0}, action: ExecuteBash, inputs: {{commands: ['{{{{ context:now }}}}']}}}}\n"
    text = f"schemaVersion: 1.0\nphases:\n- name: build\n  steps:\n{step.format('One')}{step.format('Two')}"
    assert [fault.partition(": ")[0] for fault in faults_of(text)] == ["doc.yml:5:59", "doc.yml:6:59"]


@pytest.mark.parametrize(
    "expression",
    [
        "{{ Greeting }} {{ build.Fetch.outputs.destination }} {{ build.Fetch.outputs[0].destination }}",
        "{{ build.Fetch.inputs[0].overwrite }} {{ build.Fetch.inputs.source }}",
        "{{ loop.value }} {{ every.index }} {{ other.value }}",
        "{{ item }} {{ ansible_facts }} {{ .Values }} {{ x | y }} {{",
        "{{ aws:imds:iam-ish/x }} {{ env:ANY THING }} {{ aws:ssm:resolve(aws:ssm:/a) }}",
    ],
)
def test_what_can_have_a_value_or_is_not_ours(expression):
    assert faults(expression) == []


def test_a_test_phase_that_reaches_into_the_build_stage_can_be_told():
    text = """\
schemaVersion: 1.0
phases:
- name: build
  steps: [{name: One, action: ExecuteBash, inputs: {commands: [a]}}]
- name: test
  steps:
  - {name: Two, action: ExecuteBash, inputs: {commands: ['{{ build.One.outputs.stdout }}']}}
  - {name: Six, action: Assert, inputs: {and: [{stringEquals: a, value: '{{ build.One.outputs.stdout }}'}]}}
"""
    faults = faults_across_stages(parse_component(text, "doc.yml"))
    said = "{{ build.One.outputs.stdout }} has no value when phase test runs on the finished image."
    assert [str(fault) for fault in faults] == [f"doc.yml:7:5: {said}", f"doc.yml:8:5: {said}"]
