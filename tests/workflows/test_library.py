from __future__ import annotations

from pathlib import Path

import pytest

from goldsmith.documents.arns import Arn
from goldsmith.documents.workflows.contract import require_outputs
from goldsmith.documents.workflows.parser import parse_workflow
from goldsmith.workflows import library

MANUAL = Path(__file__).parents[2] / "docs" / "workflows.md"


@pytest.mark.parametrize("managed", library.all_workflows(), ids=lambda each: each.name)
def test_every_managed_workflow_is_a_valid_document(managed):
    document = parse_workflow(managed.text, managed.name, managed.type)
    assert (document.name, document.description) == (managed.name, managed.description)
    assert [each.as_detail() for each in document.parameters] == list(managed.parameters)
    require_outputs(document, "DOCKER" if "container" in managed.name else "AMI")
    assert all(step.description for step in document.steps)


def test_the_workflows_that_aws_has_are_there():
    assert set(library.names("BUILD")) == {
        f"{prefix}{name}{suffix}"
        for prefix in ("", "express-")
        for name in ("build-image", "build-container")
        for suffix in ("", "-with-update-ssm-agent")
    }
    assert {"test-image", "test-container", "express-test-image"} < set(library.names("TEST"))
    assert set(library.names("DISTRIBUTION")) == {"distribute-image", "distribute-container"}


def test_a_stage_has_a_workflow_of_its_own():
    named = {
        (kind, image): library.default_for(kind, image).name for kind in library.TYPES for image in ("AMI", "DOCKER")
    }
    assert named == {
        ("BUILD", "AMI"): "build-image",
        ("BUILD", "DOCKER"): "build-container",
        ("TEST", "AMI"): "test-image",
        ("TEST", "DOCKER"): "test-container",
        ("DISTRIBUTION", "AMI"): "distribute-image",
        ("DISTRIBUTION", "DOCKER"): "distribute-container",
    }


def test_the_steps_are_those_that_aws_logs():
    document = parse_workflow(library.find("BUILD", "build-image").text, "w", "BUILD")
    assert [step.name for step in document.steps] == [
        "LaunchBuildInstance",
        "ApplyBuildComponents",
        "InventoryCollection",
        "RunSanitizeScript",
        "RunSysPrepScript",
        "CreateOutputAMI",
        "TerminateBuildInstance",
    ]


def test_arns():
    managed = library.find("TEST", "test-image")
    assert managed.arn("eu-west-1") == "arn:aws:imagebuilder:eu-west-1:aws:workflow/test/test-image/1.0.0/1"
    assert Arn.parse(managed.arn("eu-west-1", version="x.x.x")).workflow_type == "test"


def test_what_is_not_there_is_told_with_what_is_near():
    with pytest.raises(library.UnknownWorkflow, match="Did you mean build-image"):
        library.find("BUILD", "build-imgae")
    with pytest.raises(library.UnknownWorkflow, match=r"no version 2\.0\.0"):
        library.find("BUILD", "build-image", "2.0.0")


def test_the_manual_lists_them_all():
    assert library.reference_manual() in MANUAL.read_text()
