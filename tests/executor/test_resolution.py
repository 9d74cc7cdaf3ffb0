"""Expressions, chains and loops in running documents."""

from __future__ import annotations

import json
import re
import socket
import uuid
from pathlib import Path

import pytest

from goldsmith.executor import events


def echo(bench, text, **options):
    result = bench.steps(bench.step("ExecuteBinary", {"path": "printf", "arguments": ["%s", text]}), **options)
    assert result.status == "success", result.failure
    return bench.outputs(result)[0]["stdout"]


HEAD = """
constants:
  - Port: {type: string, value: "8080"}
parameters:
  - Url: {type: string, default: "https://x"}
  - Bare: {type: string}
"""


def test_constants_and_parameters(bench):
    step = bench.step(
        "ExecuteBinary",
        {"path": "printf", "arguments": ["%s", "{{Port}} {{ Url}} [{{ Bare }}] {{ .Go }} {{ Other }} {{"]},
    )
    result = bench.run(bench.document(step, head=HEAD), parameters={"Url": "u {{ Port }}", "Undeclared": "x"})
    assert bench.outputs(result)[0]["stdout"] == "8080 u {{ Port }} [] {{ .Go }} {{ Other }} {{"


def test_values_are_never_shell(bench):
    step = bench.step("CreateFile", [{"path": "{{ Bare }}", "content": "x"}])
    name = str(bench.folder / "$(touch bad); -rf '\"")
    assert bench.run(bench.document(step, head=HEAD), parameters={"Bare": name}).status == "success"
    assert Path(name).read_text() == "x"


def test_context(bench):
    keys = ["executionId", "accountId", "region", "osPlatform", "hostname", "phase", "step"]
    said = echo(
        bench,
        "|".join(f"{{{{ context:{key} }}}}" for key in keys),
        execution_id="the-id",
        services=bench.services(account_id="123456789012", region="eu-west-1"),
    )
    assert said == f"the-id|123456789012|eu-west-1|linux|{socket.gethostname()}|build|Step"
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", echo(bench, "{{ context:date }} {{ context:dateTime }}")
    )
    assert uuid.UUID(echo(bench, "{{ context:uuid }}")).version == 4
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    wanted = f"{release['ID']} {release.get('VERSION_ID', '')}".replace('"', "").strip()
    assert echo(bench, "{{ context:osName }} {{ context:osVersion }}") == wanted


def test_metadata_comes_from_the_services(bench):
    services = bench.services(instance_metadata={"placement/region": "eu-west-1"}.get)
    assert echo(bench, "{{ aws:imds:placement/region }}", services=services) == "eu-west-1"
    result = bench.steps(bench.bash("Ask", "echo {{ aws:imds:instance-id }}"), services=services)
    assert "no such instance metadata" in result.failure.message


def test_environment(bench):
    assert echo(bench, "{{ env:A.B (x86) }}", environment={"A.B (x86)": "a\nb"}) == "a\nb"
    assert "has no variable NO_SUCH" in bench.steps(bench.bash("Ask", "{{ env:NO_SUCH }}")).failure.message


def test_chains(bench):
    (bench.folder / "a").write_text("one")
    (bench.folder / "b").write_text("two")
    result = bench.steps(
        bench.bash("Check", "echo 3"),
        bench.step("ReadFile", [{"path": "a"}, {"path": "b"}], name="Read"),
        bench.bash(
            "Use",
            "echo {{ build.Check.outputs.stdout }} {{ build.Read.outputs[1].content }} {{ build.Read.inputs[0].path }}",
            "exit {{ build.Check.outputs.stdout }}",
            more="onFailure: Ignore\n",
        ),
        bench.bash("Last", "echo '{{ build.Read.outputs.content }}' {{ build.Check.inputs.commands }}"),
    )
    assert result.documents[0].phases[0].steps[2].failure_message == "The script ended with exit code 3."
    assert bench.outputs(result, step=3) == [{"stdout": "one\ntwo echo 3"}]
    said = json.loads((result.log_folder / "chaining.json").read_text())["resolutions"]
    assert {"phase": "build", "step": "Use", "expression": "build.Read.outputs[1].content", "value": "two"} in said


def test_a_chain_into_a_skipped_step_is_an_error(bench):
    result = bench.steps(
        bench.bash("Check", "echo 3", more="if: {stringEquals: a, value: b}\n"),
        bench.bash("Use", "echo {{ build.Check.outputs.stdout }}"),
    )
    assert result.failure.message == (
        "{{ build.Check.outputs.stdout }} has no value: step Check of phase build was skipped."
    )


@pytest.mark.parametrize(
    ("loop", "wanted"),
    [
        ({"for": {"start": 1, "end": 3, "updateBy": 1}}, "0=1\n1=2\n2=3"),
        ({"for": {"start": 4, "end": 0, "updateBy": -2}}, "0=4\n1=2\n2=0"),
        ({"forEach": ["Hello", "a{{ Port }}"]}, "0=Hello\n1=a8080"),
        ({"forEach": {"list": "a,b,,c"}}, "0=a\n1=b\n2=\n3=c"),
        ({"forEach": {"list": "{{ Port }};x", "delimiter": ";"}}, "0=8080\n1=x"),
    ],
)
def test_loops_collate_their_outputs(bench, loop, wanted):
    step = bench.step(
        "ExecuteBinary", {"path": "printf", "arguments": ["%s", "{{ loop.index }}={{ loop.value }}"]}, loop=loop
    )
    result = bench.run(bench.document(step, head=HEAD))
    assert bench.outputs(result) == [{"stdout": wanted}]
    detail = json.loads((result.log_folder / "detailedoutput.json").read_text())
    assert detail["documents"][0]["phases"][0]["steps"][0]["outputs"] == json.dumps([{"stdout": wanted}])


def test_a_named_loop_and_one_that_is_not_there(bench):
    step = bench.step(
        "ExecuteBinary",
        {"path": "printf", "arguments": ["%s", "{{ Names.value }}{{ loop.index }}"]},
        loop={"name": "Names", "forEach": ["x"]},
    )
    assert bench.outputs(bench.steps(step)) == [{"stdout": "x0"}]
    assert echo(bench, "{{ loop.value }}") == "{{ loop.value }}"


def test_a_loop_ends_at_its_first_failure_and_is_tried_again_whole(bench):
    log = bench.folder / "log"
    step = bench.bash(
        "Turn",
        f"echo {{{{ loop.value }}}} >>{log}; [ {{{{ loop.value }}}} != b ]",
        more="maxAttempts: 2\nloop: {forEach: [a, b, c]}\n",
    )
    result = bench.steps(step)
    assert result.failure.message == "The loop failed at index 1: The script ended with exit code 1."
    assert log.read_text().split() == ["a", "b", "a", "b"]
    assert len([event for event in bench.events if isinstance(event, events.IterationStarted)]) == 4


def test_a_chain_from_a_loop_is_the_collated_output(bench):
    result = bench.steps(
        bench.bash("Many", "echo {{ loop.value }}", more="loop: {forEach: [a, b]}\n"),
        bench.bash("Use", "echo '{{ build.Many.outputs.stdout }}'"),
    )
    assert bench.outputs(result, step=1) == [{"stdout": "a\nb"}]
