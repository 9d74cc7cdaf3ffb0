from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Goldsmith

COMMANDS = ("build", "images", "show", "validate", "doctor", "gc", "component")


def test_the_version_is_the_project_s(goldsmith: Goldsmith) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert goldsmith("--version").stdout == f"goldsmith {project['version']}\n"


def test_help_names_every_command(goldsmith: Goldsmith) -> None:
    done = goldsmith("--help")
    assert done.returncode == 0
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)
    told = (done.stdout + goldsmith("component", "--help").stdout).split("Commands:")[1]
    assert "..." not in told.partition("Usage")[0], "a command's sentence is cut off"


@pytest.mark.parametrize("command", [*COMMANDS[:-1], "component list", "component validate", "component run"])
def test_each_command_s_help_has_an_example(goldsmith: Goldsmith, command: str) -> None:
    done = goldsmith(*command.split(), "-h")
    assert done.returncode == 0
    assert f"Example: goldsmith {command}" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("component",)])
def test_without_a_command_there_is_help_and_a_refusal(goldsmith: Goldsmith, arguments: tuple[str, ...]) -> None:
    done = goldsmith(*arguments)
    assert done.returncode == 2
    assert "Commands:" in done.stdout + done.stderr


def test_a_misspelt_command_is_told_its_name(goldsmith: Goldsmith) -> None:
    done = goldsmith("bild")
    assert done.returncode == 2
    assert "Did you mean 'build'?" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_there_for_the_shells(goldsmith: Goldsmith, shell: str) -> None:
    done = goldsmith("--show-completion", shell, env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert done.returncode == 0
    assert "_GOLDSMITH_COMPLETE" in done.stdout


def test_completion_completes(goldsmith: Goldsmith) -> None:
    asked = {"_GOLDSMITH_COMPLETE": "complete_bash", "COMP_WORDS": "goldsmith im", "COMP_CWORD": "1"}
    assert goldsmith(env=asked).stdout.split() == ["images", "import"]
