"""A guest for tests: real commands on this host, in the environment a guest would have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from goldsmith.documents.parser import parse_component
from goldsmith.executor.execution import DocumentRun
from goldsmith.executor.run import run_documents
from goldsmith.executor.services import Services
from goldsmith.guests.host import HostGuest

if TYPE_CHECKING:
    from pathlib import Path


class LocalGuest(HostGuest):
    """This host, whose reboot is only counted; ``prefix`` folders come first in PATH."""

    def __init__(self) -> None:
        self.reboots = 0

    def reboot(self) -> None:
        self.reboots += 1


@pytest.fixture
def guest():
    return LocalGuest()


class Bench:
    """Runs document texts and keeps what came of it."""

    def __init__(self, guest: LocalGuest, folder: Path) -> None:
        self.guest = guest
        self.folder = folder
        self.events: list[object] = []

    def run(self, *texts: str, phases=None, parameters=None, **options):
        runs = [
            DocumentRun(parse_component(text, str(self.folder / f"doc{number}.yml")), parameters or {})
            for number, text in enumerate(texts)
        ]
        return self.go(runs, phases=phases, **options)

    def go(self, runs, *, phases=None, **options):
        options.setdefault("working_directory", str(self.folder))
        return run_documents(
            runs,
            self.guest,
            phases=phases,
            log_directory=self.folder / "logs",
            on_event=self.events.append,
            **options,
        )

    @staticmethod
    def document(*steps: str, head: str = "") -> str:
        """Return a document with one phase, build."""
        return document(*steps, head=head)

    @staticmethod
    def outputs(result, step=0, phase=0):
        """Return a step's outputs."""
        return result.documents[0].phases[phase].steps[step].outputs

    @staticmethod
    def bash(name, *commands, more=""):
        """Return a step of ExecuteBash."""
        listed = "\n".join(f"    - {json.dumps(command)}" for command in commands)
        return f"name: {name}\naction: ExecuteBash\n{more}inputs:\n  commands:\n{listed}"

    @staticmethod
    def step(action, inputs, *, name="Step", **more):
        """Return a step as YAML, which JSON is, too."""
        return json.dumps({"name": name, "action": action, "inputs": inputs, **more}, ensure_ascii=False)

    @staticmethod
    def services(**given):
        return Services(**given)

    @staticmethod
    def console(result):
        return (result.log_folder / "console.log").read_text()

    def steps(self, *steps: str, **options):
        """Run a document with one phase, build, of steps written as YAML at no indentation."""
        return self.run(document(*steps), **options)


def document(*steps: str, head: str = "") -> str:
    body = "".join(indent(step) for step in steps)
    return f"name: Doc\nschemaVersion: 1.0\n{head}phases:\n  - name: build\n    steps:\n{body}"


def indent(step: str) -> str:
    first, *rest = step.strip("\n").split("\n")
    return "".join([f"      - {first}\n", *(f"        {line}\n" for line in rest)])


@pytest.fixture
def bench(guest, tmp_path):
    return Bench(guest, tmp_path)
