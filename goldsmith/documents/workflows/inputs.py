"""Reading a step's ``inputs`` as its action declares them (5.3)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from goldsmith.documents.faults import shown
from goldsmith.documents.nodes import Mapping, Scalar, is_null, plain
from goldsmith.documents.reading import read_flag, read_list, read_map, read_text
from goldsmith.documents.workflows.paths import parse_value, split_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.documents.faults import Faults
    from goldsmith.documents.nodes import Node
    from goldsmith.documents.workflows.action_rule import ActionRule, Input

LONGEST_JSON = 16 << 10
"""Bytes of a payload or of a state machine's input."""


def read_inputs(mapping: Mapping, rule: ActionRule, faults: Faults) -> dict[str, Any]:
    """Return the inputs of the step that ``mapping`` is, as written; what is wrong becomes faults."""
    entry = mapping.entries.get("inputs")
    required = [each.name for each in rule.inputs if each.required]
    if entry is None or is_null(entry.node):
        if required:
            message = f"Action {rule.name} has no inputs; it requires an 'inputs' with {' and '.join(required)}."
            faults.add(entry.mark if entry else mapping.mark, message)
        return {}
    inputs = read_map(entry.node, f"{rule.name}'s inputs", faults)
    return _members(inputs, rule.inputs, rule.name, faults) if inputs else {}


def _members(mapping: Mapping, declared: Sequence[Input], what: str, faults: Faults) -> dict[str, Any]:
    known = {each.name: each for each in declared}
    given: dict[str, str] = {}
    values: dict[str, Any] = {}
    for key, entry in mapping.entries.items():
        name, suffixed = split_key(key)
        if name not in known:
            faults.add_unknown(entry.mark, f"{what} has no input '{shown(name)}'.", name, known)
        elif name in given:
            faults.add(entry.mark, f"{name} is given twice, as {given[name]} and as {key}.")
        elif known[name].required or not is_null(entry.node):
            given[name] = key
            refers = suffixed and isinstance(entry.node, Scalar) and entry.node.text.startswith("$.")
            values[key] = plain(entry.node) if refers else _value(entry.node, known[name], what, faults)
    for each in declared:
        if each.required and each.name not in given:
            faults.add(mapping.mark, f"{what} needs the input {each.name}.")
    return values


def _value(node: Node, declared: Input, what: str, faults: Faults) -> Any:  # noqa: PLR0911  # one return a kind
    named = f"{what}'s {declared.name}"
    if isinstance(node, Scalar) and not isinstance(parse_value(node.text), str):
        return node.text
    match declared.kind:
        case "text":
            return _text(node, declared, named, faults)
        case "flag":
            return read_flag(node, named, faults)
        case "json":
            return _json(node, named, faults)
        case "texts":
            return _texts(node, named, faults)
        case "textLists":
            return _text_lists(node, named, faults)
        case "map":
            return _map(node, declared, named, faults)
        case "list":
            return _list(node, declared, named, faults)
        case "any":
            return plain(node)


def _text(node: Node, declared: Input, named: str, faults: Faults) -> str | None:
    text = read_text(node, named, faults)
    if text is not None and declared.choices and text not in declared.choices:
        message = f"{named} must be {' or '.join(declared.choices)}, but is '{shown(text)}'."
        faults.add_unknown(node.mark, message, text, declared.choices)
    return text


def _json(node: Node, named: str, faults: Faults) -> str | None:
    text = read_text(node, named, faults)
    if text is None:
        return None
    if len(text.encode(errors="replace")) > LONGEST_JSON:
        faults.add(node.mark, f"{named} has more than {LONGEST_JSON} bytes.")
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        faults.add(node.mark, f"{named} must be text that holds JSON, but is '{shown(text)}'.")
    return text


def _texts(node: Node, named: str, faults: Faults) -> list[str]:
    listed = read_list(node, named, faults)
    return [read_text(item, f"Each of {named}", faults, empty=True) or "" for item in listed.items] if listed else []


def _text_lists(node: Node, named: str, faults: Faults) -> dict[str, Any]:
    mapping = read_map(node, named, faults)
    return (
        {key: _text_list(key, entry.node, named, faults) for key, entry in mapping.entries.items()} if mapping else {}
    )


def _text_list(key: str, node: Node, named: str, faults: Faults) -> Any:
    refers = isinstance(node, Scalar) and not isinstance(parse_value(node.text), str)
    return plain(node) if split_key(key)[1] or refers else _texts(node, f"{named}' {split_key(key)[0]}", faults)


def _map(node: Node, declared: Input, named: str, faults: Faults) -> Any:
    mapping = read_map(node, named, faults)
    if mapping is None:
        return {}
    return _members(mapping, declared.fields, named, faults) if declared.fields else plain(mapping)


def _list(node: Node, declared: Input, named: str, faults: Faults) -> list[Any]:
    listed = read_list(node, named, faults)
    if listed is None:
        return []
    if not declared.fields:
        return [plain(item) for item in listed.items]
    mappings = [read_map(item, f"Each of {named}", faults) for item in listed.items]
    return [_members(each, declared.fields, f"Each of {named}", faults) for each in mappings if each]
