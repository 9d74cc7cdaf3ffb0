"""The managed components: documents that come with Goldsmith, found by name and version."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from goldsmith.errors import GoldsmithError

PLATFORM = "Linux"

_ARN = re.compile(
    r"arn:[a-z-]+:imagebuilder:[a-z0-9-]*:(?P<owner>[^:]+):component/(?P<name>[^/]+)/(?P<version>[^/]+)(/(\d+|x))?"
)
_NAME = re.compile(r"(?P<name>[^/]+)(/(?P<version>[^/]+))?")
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_WANTED = re.compile(r"(\d+|x)\.(\d+|x)\.(\d+|x)")


class UnknownComponent(GoldsmithError):  # noqa: N818 - what it says is what a person reads
    """No managed component has that name, or none of its versions matches."""

    exit_code = 2


@dataclass(frozen=True)
class ManagedComponent:
    """One version of a managed component; ``text`` is its document."""

    name: str
    version: str
    description: str
    platform: str
    text: str


def names() -> tuple[str, ...]:
    """Return the names of all managed components, sorted."""
    return tuple(sorted(entry.name for entry in resources.files(__package__).iterdir() if _versions_in(entry.name)))


def versions(name: str) -> tuple[str, ...]:
    """Return a component's versions, oldest first. Raises UnknownComponent."""
    found = _versions_in(name) if name in names() else []
    if not found:
        near = difflib.get_close_matches(name, names(), n=1, cutoff=0.5)
        mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names())}."
        raise UnknownComponent(f"There is no managed component {name}.", mend=mend)
    return tuple(found)


def text(name: str, version: str) -> str:
    """Return the document of one exact version. Raises UnknownComponent."""
    if version not in versions(name):
        raise _no_version(name, version)
    return resources.files(__package__).joinpath(name, f"{version}.yml").read_text(encoding="utf-8")


def resolve(reference: str) -> ManagedComponent:
    """Return the newest managed component that ``reference`` stands for.

    It is a name, a name with a version that may hold x (``nginx/1.x.x``), or an ARN of a component that Amazon
    owns, with or without a build number, as in section 1.2 of EC2 Image Builder's resource names. Raises
    UnknownComponent.
    """
    name, wanted = _parsed(reference)
    matching = [version for version in versions(name) if _matches(version, wanted)]
    if not matching:
        raise _no_version(name, wanted)
    document = text(name, matching[-1])
    description = str(yaml.safe_load(document)["description"]).strip()
    return ManagedComponent(name, matching[-1], description, PLATFORM, document)


def reference_manual() -> str:
    """Return the content of docs/components.md, made from the documents."""
    parts = [_HEADING]
    parts += [_section(resolve(name)) for name in names()]
    return "\n".join(parts)


_HEADING = """\
# Managed components

These components come with Goldsmith. They are ordinary AWS documents: a recipe names them as `nginx`, `nginx/1.x.x`
or `arn:aws:imagebuilder:<region>:aws:component/nginx/x.x.x`, and Image Builder runs their text unchanged. They are made
for Debian 11, 12 and 13. `goldsmith component list` lists them. This page is made from the documents themselves.
"""


def _section(component: ManagedComponent) -> str:
    document: dict[str, Any] = yaml.safe_load(component.text)
    phases = {
        phase["name"]: [f"{step['name']} ({step['action']})" for step in phase["steps"]] for phase in document["phases"]
    }
    lines = [
        f"## {component.name} {component.version}",
        "",
        component.description,
        "",
        "| Phase | Steps |",
        "|---|---|",
    ]
    lines += [f"| {name} | {', '.join(steps)} |" for name, steps in phases.items()]
    if parameters := document.get("parameters"):
        lines += ["", "| Parameter | Default | Meaning |", "|---|---|---|"]
        for entry in parameters:
            for name, declared in entry.items():
                default = f"`{declared['default']}`" if declared["default"] else "empty"
                lines.append(f"| {name} | {default} | {declared['description']} |")
    return "\n".join([*lines, ""])


def _parsed(reference: str) -> tuple[str, str]:
    """Return the name and the wanted version of a reference."""
    found = _ARN.fullmatch(reference)
    if found and found["owner"] != "aws":
        raise UnknownComponent(
            f"{reference} belongs to {found['owner']}; only Amazon's own names stand for managed components.",
            mend="Give the path of its document instead.",
        )
    found = found or _NAME.fullmatch(reference)
    wanted = (found["version"] or "x.x.x") if found else ""
    if not found or not _WANTED.fullmatch(wanted):
        raise UnknownComponent(
            f"{reference} is not a reference to a managed component.",
            mend="Write a name (nginx), a name and a version (nginx/1.x.x) or an ARN of Amazon's.",
        )
    return found["name"], wanted


def _versions_in(name: str) -> list[str]:
    folder = resources.files(__package__).joinpath(name)
    if not folder.is_dir():
        return []
    found = [entry.name.removesuffix(".yml") for entry in folder.iterdir() if entry.name.endswith(".yml")]
    return sorted((version for version in found if _VERSION.fullmatch(version)), key=_numbers)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _matches(version: str, wanted: str) -> bool:
    pairs = zip(version.split("."), wanted.split("."), strict=True)
    return all(want in ("x", have) for have, want in pairs)


def _no_version(name: str, wanted: str) -> UnknownComponent:
    return UnknownComponent(
        f"The managed component {name} has no version {wanted}.", mend=f"There are: {', '.join(versions(name))}."
    )
