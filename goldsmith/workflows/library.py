"""The managed workflows: documents that come with Goldsmith, found by type, name and version."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from goldsmith.errors import GoldsmithError

TYPES = ("BUILD", "TEST", "DISTRIBUTION")
ACCOUNT = "aws"

_VERSION = re.compile(r"\d+\.\d+\.\d+")


class UnknownWorkflow(GoldsmithError):  # noqa: N818 - what it says is what a person reads
    """No managed workflow has that name, or none of its versions is that one."""

    exit_code = 2


@dataclass(frozen=True)
class ManagedWorkflow:
    """One version of a managed workflow; ``text`` is its document. So far none takes ``parameters``."""

    type: str
    name: str
    version: str
    description: str
    text: str
    parameters: tuple[dict[str, Any], ...] = ()

    def arn(self, region: str, *, version: str = "") -> str:
        """Return its ARN in a region: of the build version, or of ``version`` as "1.0.0" or "x.x.x"."""
        tail = f"{self.type.lower()}/{self.name}/{version or f'{self.version}/1'}"
        return f"arn:aws:imagebuilder:{region}:{ACCOUNT}:workflow/{tail}"


@cache
def all_workflows() -> tuple[ManagedWorkflow, ...]:
    """Return every version of every managed workflow, by stage, name and version."""
    return tuple(
        _read(kind, name, version) for kind in TYPES for name in _names(kind) for version in _versions(kind, name)
    )


def names(kind: str) -> tuple[str, ...]:
    """Return the names of the managed workflows of a type, sorted."""
    return tuple(dict.fromkeys(each.name for each in all_workflows() if each.type == kind))


def find(kind: str, name: str, version: str = "") -> ManagedWorkflow:
    """Return a managed workflow of a type (BUILD): its newest version, or that one. Raises UnknownWorkflow."""
    named = [each for each in all_workflows() if (each.type, each.name) == (kind, name)]
    if not named:
        near = difflib.get_close_matches(name, names(kind), n=1, cutoff=0.5)
        mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names(kind))}."
        raise UnknownWorkflow(f"There is no managed {kind} workflow {name}.", mend=mend)
    found = [each for each in named if version in ("", each.version)]
    if not found:
        mend = f"There are: {', '.join(each.version for each in named)}."
        raise UnknownWorkflow(f"The managed workflow {name} has no version {version}.", mend=mend)
    return found[-1]


def default_for(kind: str, image: str) -> ManagedWorkflow:
    """Return the workflow that runs in a stage when an image ("AMI" or "DOCKER") names none."""
    verbs = {"BUILD": "build", "TEST": "test", "DISTRIBUTION": "distribute"}
    return find(kind, f"{verbs[kind]}-{'image' if image == 'AMI' else 'container'}")


def reference_manual() -> str:
    """Return the table of the managed workflows for docs/workflows.md, made from the documents."""
    rows = [
        f"| `{each.name}` | {each.type} | {' → '.join(step['name'] for step in yaml.safe_load(each.text)['steps'])} |"
        for each in all_workflows()
    ]
    return "\n".join(["| Name | Type | Steps |", "|---|---|---|", *rows, ""])


def _names(kind: str) -> list[str]:
    folder = resources.files(__package__).joinpath(kind.lower())
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())


def _versions(kind: str, name: str) -> list[str]:
    folder = resources.files(__package__).joinpath(kind.lower(), name)
    found = [entry.name.removesuffix(".yml") for entry in folder.iterdir() if entry.name.endswith(".yml")]
    return sorted(filter(_VERSION.fullmatch, found), key=lambda version: [int(part) for part in version.split(".")])


def _read(kind: str, name: str, version: str) -> ManagedWorkflow:
    file = resources.files(__package__).joinpath(kind.lower(), name, f"{version}.yml")
    text = file.read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return ManagedWorkflow(kind, name, version, str(document["description"]).strip(), text)
