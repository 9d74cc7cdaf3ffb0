from __future__ import annotations

import re
from pathlib import Path

import pytest

from goldsmith.components import library
from goldsmith.components.library import UnknownComponent
from goldsmith.documents.parser import parse_component

PROJECT = Path(__file__).parents[2]
ALL = [(name, version) for name in library.names() for version in library.versions(name)]


def test_the_library_has_what_the_manual_promises():
    assert library.names() == (
        "chrony", "disk-usage-test", "fail2ban", "hardening", "nginx", "podman", "python-3", "reboot-test-linux",
        "simple-boot-test-linux", "unattended-upgrades", "update-linux",
    )  # fmt: skip


@pytest.mark.parametrize(("name", "version"), ALL)
def test_every_document_is_valid_and_says_its_own_name(name, version):
    document = parse_component(library.text(name, version), f"{name}.yml")
    assert document.name == name
    assert document.description
    assert all(parameter.description and parameter.default is not None for parameter in document.parameters)


@pytest.mark.parametrize(("name", "version"), ALL)
def test_every_parameter_is_used_and_checked_before_a_shell_sees_it(name, version):
    document = parse_component(library.text(name, version), f"{name}.yml")
    for parameter in document.parameters:
        uses = [
            step.action
            for phase in document.phases
            for step in phase.steps
            if re.search(r"\{\{\s*" + parameter.name + r"\s*\}\}", str(step.inputs))
        ]
        assert uses, parameter.name
        assert uses[0] in {"Assert", "CreateFile"}, f"{parameter.name} reaches {uses[0]} unchecked"
        assert uses[0] == "Assert" or "ExecuteBash" not in uses, parameter.name


@pytest.mark.parametrize(("name", "version"), ALL)
def test_every_test_phase_ends_a_wait_by_a_limit(name, version):
    for step in (step for phase in parse_component(library.text(name, version), name).phases for step in phase.steps):
        assert "while true" not in str(step.inputs)
        if "--wait" in str(step.inputs):
            assert re.search(r"timeout \{\{", str(step.inputs))


@pytest.mark.parametrize(
    "reference",
    [
        "nginx",
        "nginx/1.0.0",
        "nginx/1.x.x",
        "nginx/x.x.x",
        "arn:aws:imagebuilder:eu-west-1:aws:component/nginx/x.x.x",
        "arn:aws:imagebuilder:us-east-1:aws:component/nginx/1.0.0/1",
        "arn:aws-cn:imagebuilder:cn-north-1:aws:component/nginx/1.0.x/x",
    ],
)
def test_references_resolve(reference):
    found = library.resolve(reference)
    assert (found.name, found.version, found.platform) == ("nginx", "1.0.0", "Linux")
    assert found.text == library.text("nginx", "1.0.0")
    assert found.description.startswith("Installs nginx")


def test_the_newest_matching_version_wins_by_number(tmp_path, monkeypatch):
    (tmp_path / "tool").mkdir()
    for version in ("1.2.0", "1.10.0", "2.0.0"):
        (tmp_path / "tool" / f"{version}.yml").write_text(f"description: {version}\n")
    monkeypatch.setattr(library.resources, "files", lambda _: tmp_path)
    assert library.versions("tool") == ("1.2.0", "1.10.0", "2.0.0")
    assert library.resolve("tool/1.x.x").description == "1.10.0"
    assert library.resolve("tool").version == "2.0.0"


@pytest.mark.parametrize(
    ("reference", "message", "mend"),
    [
        ("ngnix", "no managed component ngnix", "Did you mean nginx?"),
        ("zzz", "no managed component zzz", "There are: chrony, "),
        ("nginx/9.x.x", "nginx has no version 9.x.x", "There are: 1.0.0."),
        ("nginx/latest", "not a reference", "nginx/1.x.x"),
        ("../documents", "not a reference", "Write a name"),
        ("..", "no managed component ..", "There are"),
        ("", "not a reference", "Write a name"),
        ("arn:aws:imagebuilder:eu-west-1:123456789012:component/nginx/x.x.x", "belongs to 123456789012", "path"),
    ],
)
def test_what_is_not_there_is_refused_with_a_mend(reference, message, mend):
    with pytest.raises(UnknownComponent) as refused:
        library.resolve(reference)
    assert message in refused.value.message
    assert mend in refused.value.mend


def test_the_manual_is_made_from_the_documents():
    manual = (PROJECT / "docs" / "components.md").read_text()
    assert manual == library.reference_manual(), (
        "Make it anew: python -c 'from goldsmith.components.library import reference_manual; "
        'print(reference_manual(), end="")\' >docs/components.md'
    )


def test_the_example_names_components_that_exist():
    pipeline = (PROJECT / "examples" / "web-server" / "web-server.yml").read_text()
    for reference in re.findall(r"componentArn: (\S+)", pipeline):
        if reference.startswith("./"):
            file = PROJECT / "examples" / "web-server" / reference
            assert parse_component(file.read_text(), str(file)).phase("test")
        else:
            assert library.resolve(reference)
