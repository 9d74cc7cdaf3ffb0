"""Reading a step's ``inputs`` as its action module declares them (4.5, 4.6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.documents.conditions import read_assertion
from goldsmith.documents.faults import shown
from goldsmith.documents.nodes import Mapping, Scalar, Sequence, is_null, plain
from goldsmith.documents.reading import (
    check_keys,
    read_flag,
    read_list,
    read_map,
    read_number,
    read_text,
)

if TYPE_CHECKING:
    from goldsmith.documents.faults import Faults
    from goldsmith.documents.modules.declaration import Input, Module
    from goldsmith.documents.nodes import Node


def read_inputs(node: Node, module: Module, faults: Faults) -> Any:
    """Return a step's inputs as plain data, an Assert's as an Expression; what is wrong becomes faults."""
    if module.shape == "expression":
        return read_assertion(node, faults)
    if module.shape == "list" or (module.shape == "either" and isinstance(node, Sequence)):
        listed = read_list(node, f"{module.name}'s inputs", faults)
        return [_operation(item, module, faults) for item in listed.items] if listed else []
    return _operation(node, module, faults)


def _operation(node: Node, module: Module, faults: Faults) -> dict[str, Any]:
    mapping = read_map(node, f"{module.name}'s inputs", faults)
    if mapping is None:
        return {}
    check_keys(mapping, [each.name for each in module.inputs], module.name, faults)
    values = {
        each.name: _value(mapping.entries[each.name].node, each, module, faults)
        for each in module.inputs
        if each.name in mapping.entries and not _left_out(mapping, each)
    }
    _check_presence(mapping, module, faults)
    _check_wildcard(mapping, module, faults)
    return values


def _left_out(mapping: Mapping, declared: Input) -> bool:
    return not declared.required and is_null(mapping.entries[declared.name].node)


def _check_presence(mapping: Mapping, module: Module, faults: Faults) -> None:
    for each in module.inputs:
        if each.required and each.name not in mapping.entries:
            faults.add(mapping.mark, f"{module.name} needs the input {each.name}.")
    for first, second in module.together:
        if (first in mapping.entries) != (second in mapping.entries):
            faults.add(mapping.mark, f"{module.name} takes {first} and {second} together or neither.")
    for first, second in module.exactly_one:
        if (first in mapping.entries) == (second in mapping.entries):
            faults.add(mapping.mark, f"{module.name} takes either {first} or {second}.")


def _check_wildcard(mapping: Mapping, module: Module, faults: Faults) -> None:
    entry = mapping.entries.get(module.wildcard)
    if entry is None or not isinstance(entry.node, Scalar) or "*" not in entry.node.text:
        return
    if "*" in _folders(entry.node.text):
        faults.add(entry.node.mark, f"{module.wildcard} may hold * only in its last segment.")
    destination = mapping.entries.get("destination")
    if destination is None or not isinstance(destination.node, Scalar):
        return
    if (
        "{{" not in destination.node.text
        and "\\" not in destination.node.text
        and not destination.node.text.endswith("/")
    ):
        faults.add(destination.node.mark, "With * in the source the destination must be a folder: end it with /.")


def _folders(path: str) -> str:
    return re.sub(r"[^/\\]*[/\\]*$", "", path)


def _value(node: Node, declared: Input, module: Module, faults: Faults) -> Any:  # noqa: PLR0911  # one return a kind
    what = f"{module.name}'s {declared.name}"
    if isinstance(node, Scalar) and "{{" in node.text and declared.kind in {"integer", "boolean"}:
        return node.text
    match declared.kind:
        case "string":
            return _string(node, declared, what, faults)
        case "integer":
            return read_number(node, what, faults)
        case "boolean":
            return read_flag(node, what, faults)
        case "strings":
            return _strings(node, what, faults)
        case "parameters":
            return _parameters(node, what, faults)
        case "properties":
            return _properties(node, what, faults)
        case "any":
            return plain(node)


def _string(node: Node, declared: Input, what: str, faults: Faults) -> str | None:
    text = read_text(node, what, faults)
    if text is None or "{{" in text:
        return text
    if declared.choices and text.lower() not in {choice.lower() for choice in declared.choices}:
        choices = ", ".join(declared.choices)
        faults.add_unknown(
            node.mark, f"{what} must be one of {choices}, but is '{shown(text)}'.", text, declared.choices
        )
    elif declared.pattern and not re.fullmatch(declared.pattern, text, re.DOTALL):
        faults.add(node.mark, f"{what} must be {declared.form}, but is '{shown(text)}'.")
    return text


def _strings(node: Node, what: str, faults: Faults) -> list[str]:
    listed = read_list(node, what, faults)
    if listed is None:
        return []
    if not listed.items:
        faults.add(node.mark, f"{what} is an empty list.")
    return [read_text(item, f"Each of {what}", faults, empty=True) or "" for item in listed.items]


def _parameters(node: Node, what: str, faults: Faults) -> list[dict[str, str]]:
    listed = read_list(node, what, faults)
    read: list[dict[str, str]] = []
    for item in listed.items if listed else ():
        mapping = read_map(item, f"Each of {what}", faults)
        if mapping is None:
            continue
        check_keys(mapping, ("name", "value"), f"Each of {what}", faults)
        for key in ("name", "value"):
            if key not in mapping.entries:
                faults.add(mapping.mark, f"Each of {what} needs a {key}.")
        read.append(
            {
                key: read_text(entry.node, f"A parameter's {key}", faults, empty=key == "value") or ""
                for key, entry in mapping.entries.items()
            }
        )
    return read


def _properties(node: Node, what: str, faults: Faults) -> dict[str, str]:
    mapping = read_map(node, what, faults)
    if mapping is None:
        return {}
    return {
        key: read_text(entry.node, f"{what}'s {key}", faults, empty=True) or ""
        for key, entry in mapping.entries.items()
    }
