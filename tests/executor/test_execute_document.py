"""Documents that run documents."""

from __future__ import annotations

import json

import pytest

from goldsmith.documents.parser import parse_component
from goldsmith.executor.execution import DocumentRun

ARN = "arn:aws:imagebuilder:us-east-1:123456789012:component/inner/1.0.0/1"


def include(bench, document, name="Inner", loop=None, **inputs):
    more = {"loop": loop} if loop else {}
    return bench.step("ExecuteDocument", {"document": document, **inputs}, name=name, timeoutSeconds=-1, **more)


@pytest.fixture
def top(bench):
    """Run a document that stands as a file of the host."""

    def act(*steps, **options):
        file = bench.folder / "top.yml"
        file.write_text(bench.document(*steps))
        return bench.go([DocumentRun(parse_component(file.read_text(), str(file)), {})], **options)

    return act


def test_a_document_beside_this_one(bench, top):
    inner = """
name: Inner
schemaVersion: 1.0
parameters:
  - Word: {type: string, default: none}
phases:
  - name: build
    steps: [{name: Say, action: ExecuteBash, inputs: {commands: ["echo {{ Word }}"]}}]
  - name: test
    steps: [{name: Say, action: ExecuteBash, inputs: {commands: ["exit 1"]}}]
"""
    (bench.folder / "sub").mkdir()
    (bench.folder / "sub/inner.yml").write_text(inner)
    result = top(
        include(bench, "sub/inner.yml", phases="build", parameters=[{"name": "Word", "value": "{{ context:step }}"}]),
        bench.bash("Use", "echo {{ build.Inner.outputs.status }} {{ build.Inner.outputs.executedStepCount }}"),
    )
    assert result.status == "success", result.failure
    assert bench.outputs(result, step=1) == [{"stdout": "success 1"}]
    [outputs] = bench.outputs(result)
    assert set(outputs) == {
        *("executedStepCount", "executionId", "failedStepCount", "failureMessage", "ignoredFailedStepCount"),
        *("logUrl", "status"),
    }
    detail = json.loads((result.log_folder / "detailedoutput.json").read_text())
    nested = detail["documents"][0]["phases"][0]["steps"][0]["detailedOutput"]
    assert nested["documents"][0]["phases"][0]["steps"][0]["outputs"] == '[{"stdout": "Inner"}]'
    assert (result.executed, result.skipped) == (2, 0)


def test_a_failure_inside_names_the_outer_document(bench, top):
    (bench.folder / "inner.yml").write_text(bench.document(bench.bash("Bad", "echo why >&2; exit 2")))
    result = top(include(bench, "inner.yml"))
    failure = result.failure
    assert (failure.document, failure.step, failure.action) == (f"{bench.folder}/top.yml", "Inner", "ExecuteDocument")
    assert failure.message == (
        f"Document {bench.folder}/inner.yml failed! In step Bad of phase build: The script ended with exit code 2."
    )
    assert failure.stderr == "why"
    assert bench.console(result).count("ErrorMessage: ") == 1


def test_components_by_arn_and_in_a_loop(bench, top):
    said = bench.folder / "said"
    document = parse_component(bench.document(bench.bash("Say", f"echo x >>{said}")), ARN)
    known = {ARN: document, f"{ARN}x": document}.get
    services = bench.services(find_component=known)
    result = top(include(bench, "{{ loop.value }}", loop={"forEach": [ARN, ARN]}), services=services)
    assert result.status == "success", result.failure
    assert said.read_text() == "x\nx\n"
    assert bench.outputs(result)[0]["status"] == "success\nsuccess"
    missing = ARN.replace("inner", "missing")
    assert top(include(bench, missing), services=services).failure.message == f"There is no component {missing}."


def test_a_document_in_the_guest(bench, top):
    file = bench.folder / "inner.yml"
    result = top(
        bench.step(
            "CreateFile", [{"path": str(file), "content": bench.document(bench.bash("Say", "echo in"))}], name="Write"
        ),
        include(bench, str(file)),
    )
    assert result.status == "success", result.failure


def test_a_wrong_document_is_a_failure(bench, top):
    (bench.folder / "inner.yml").write_text("phases: []")
    assert "is not valid:" in top(include(bench, "inner.yml")).failure.message
    assert "Could not read the document" in top(include(bench, "missing.yml")).failure.message


def test_cycles_are_found(bench, top):
    result = top(include(bench, "top.yml"))
    assert "The documents contain each other: " in result.failure.message
    (bench.folder / "other.yml").write_text(bench.document(include(bench, "top.yml")))
    result = top(include(bench, "other.yml"))
    assert "The documents contain each other: " in result.failure.message


def test_three_levels_below_the_top(bench, top):
    for number in range(1, 5):
        more = include(bench, f"d{number + 1}.yml") if number < 4 else bench.bash("End", "true")
        (bench.folder / f"d{number}.yml").write_text(bench.document(more))
    assert "more than 3 levels deep" in top(include(bench, "d1.yml")).failure.message
    assert top(include(bench, "d2.yml")).status == "success"


def test_quiet_reaches_inside(bench, top):
    (bench.folder / "inner.yml").write_text(bench.document(bench.bash("Say", "echo hid''den")))
    step = json.dumps({**json.loads(include(bench, "inner.yml")), "disableLogging": True})
    result = top(step)
    assert result.status == "success", result.failure
    for path in result.log_folder.iterdir():
        assert "hidden" not in path.read_text()


def test_a_component_without_a_file_has_nothing_beside_it(bench):
    document = parse_component(bench.document(include(bench, "inner.yml")), ARN)
    result = bench.go([DocumentRun(document, {}, ARN)])
    assert result.failure.component_arn == ARN
    assert "is not a file of this host" in result.failure.message
