"""What RunCommand makes of its inputs."""

from __future__ import annotations

import pytest

from goldsmith.pipelines.builders.commands import ShellScript, read_command
from goldsmith.pipelines.workflows.action import ActionFailedError


def asked(**parameters):
    return read_command({"documentName": "AWS-RunShellScript", "parameters": parameters})


def test_a_script_has_its_lines_its_folder_and_its_time():
    assert asked(commands=["a", "b"]) == ShellScript("a\nb\n", "/", 3600)
    assert asked(commands=["a"], workingDirectory=["/srv"], executionTimeout=["5"]) == ShellScript("a\n", "/srv", 5)
    assert asked(commands=["a"], workingDirectory=[""], executionTimeout="7") == ShellScript("a\n", "/", 7)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "needs the parameter commands"),
        ({"commands": "ls"}, "needs the parameter commands"),
        ({"commands": ["ls"], "executionTimeout": ["soon"]}, "'soon', which is no number"),
        ({"commands": ["ls"], "executionTimeout": ["0"]}, "'0', which is no number"),
    ],
)
def test_what_cannot_be_run_is_refused(parameters, said):
    with pytest.raises(ActionFailedError, match=said):
        asked(**parameters)
