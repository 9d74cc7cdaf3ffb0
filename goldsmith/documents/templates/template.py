"""A CloudFormation template's text as what it declares (CloudFormation's guide, "Template anatomy")."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from goldsmith.documents.composing import compose
from goldsmith.documents.faults import Faults, shown
from goldsmith.documents.nodes import Mapping, Node, Scalar, Sequence, is_null
from goldsmith.documents.reading import read_map, read_text

if TYPE_CHECKING:
    from goldsmith.documents.source import Mark

FUNCTIONS = (
    *("And", "Base64", "Cidr", "Equals", "FindInMap", "ForEach", "GetAtt", "GetAZs", "If", "ImportValue", "Join"),
    *("Length", "Not", "Or", "Select", "Split", "Sub", "ToJsonString", "Transform"),
)
TAGS = {f"!{name}": f"Fn::{name}" for name in FUNCTIONS} | {"!Ref": "Ref", "!Condition": "Condition"}
"""The short forms of YAML and the keys that they stand for."""

SECTIONS = (
    *("AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions"),
    *("Transform", "Resources", "Outputs", "Hooks"),
)
_LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}")


@dataclass(frozen=True)
class Declaration:
    """One resource: its type, its properties as written, and what it waits for or depends on."""

    id: str
    type: str
    properties: Mapping
    mark: Mark
    condition: str = ""
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Template:
    """What a template declares. Values are nodes: they are worked out when what they refer to is known."""

    file: str
    parameters: Mapping
    mappings: Mapping
    conditions: Mapping
    resources: dict[str, Declaration]
    outputs: tuple[str, ...] = field(default=())


def is_template(root: Node) -> bool:
    """Tell whether a document is a template: it has Resources with types."""
    entry = root.entries.get("Resources") if isinstance(root, Mapping) else None
    return entry is not None and isinstance(entry.node, Mapping)


def compose_template(text: str, file: str) -> Node:
    """Return the tree of a text with CloudFormation's short forms. Raises DocumentError."""
    return compose(text, file, tags=TAGS)


def parse_template(text: str, file: str) -> Template:
    """Return what a template declares; ``file`` is what its faults call it. Raises DocumentError with all faults."""
    faults = Faults()
    root = read_map(compose_template(text, file), "A template", faults)
    faults.raise_any()
    if root is None:
        raise AssertionError("a template without faults could not be read")
    for key, entry in root.entries.items():
        if key not in SECTIONS:
            faults.add_unknown(entry.mark, f"A template has no section '{shown(key)}'.", key, SECTIONS)
    macros = root.entries.get("Transform")
    if macros and not _is_language_extensions(macros.node):
        faults.add(macros.mark, "Macros are not run here: write out what the Transform makes.")
    resources = _section(root, "Resources", faults)
    declared = {name: _resource(name, entry.mark, entry.node, faults) for name, entry in resources.entries.items()}
    template = Template(
        file=file,
        parameters=_section(root, "Parameters", faults),
        mappings=_section(root, "Mappings", faults),
        conditions=_section(root, "Conditions", faults),
        resources={name: each for name, each in declared.items() if each},
        outputs=tuple(_section(root, "Outputs", faults).entries),
    )
    if not resources.entries:
        faults.add(root.mark, "The template has no Resources.")
    faults.raise_any()
    return template


def _is_language_extensions(node: Node) -> bool:
    names = node.items if isinstance(node, Sequence) else (node,)
    return all(isinstance(name, Scalar) and name.text == "AWS::LanguageExtensions" for name in names)


def _section(root: Mapping, name: str, faults: Faults) -> Mapping:
    entry = root.entries.get(name)
    if entry is None or is_null(entry.node):
        return Mapping(root.mark, {})
    return read_map(entry.node, name, faults) or Mapping(root.mark, {})


def _resource(name: str, mark: Mark, node: Node, faults: Faults) -> Declaration | None:
    if not _LOGICAL_ID.fullmatch(name):
        faults.add(mark, f"A resource's name '{shown(name)}' may only have letters and digits.")
    body = read_map(node, f"The resource {shown(name)}", faults)
    if body is None:
        return None
    kind = body.entries.get("Type")
    if kind is None:
        faults.add(mark, f"The resource {shown(name)} has no Type.")
        return None
    properties = body.entries.get("Properties")
    return Declaration(
        id=name,
        type=read_text(kind.node, "Type", faults) or "",
        properties=(read_map(properties.node, "Properties", faults) if properties else None) or Mapping(mark, {}),
        mark=mark,
        condition=_text(body, "Condition", faults),
        depends_on=_depends_on(body, faults),
    )


def _text(body: Mapping, key: str, faults: Faults) -> str:
    entry = body.entries.get(key)
    return (read_text(entry.node, key, faults) or "") if entry else ""


def _depends_on(body: Mapping, faults: Faults) -> tuple[str, ...]:
    entry = body.entries.get("DependsOn")
    if entry is None:
        return ()
    items = entry.node.items if isinstance(entry.node, Sequence) else (entry.node,)
    return tuple(text for item in items if (text := read_text(item, "DependsOn", faults)))
