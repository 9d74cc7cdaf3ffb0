"""Taking values of the expected form from a document's tree; what is of another form becomes a fault."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goldsmith.documents.faults import shown
from goldsmith.documents.nodes import Mapping, Node, Scalar, Sequence, is_null

if TYPE_CHECKING:
    from collections.abc import Collection

    from goldsmith.documents.faults import Faults
    from goldsmith.documents.source import Mark

_NAME = re.compile(r"[A-Za-z0-9_-]{3,128}")
_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_KINDS = {"int": "a number", "float": "a number", "bool": "true or false", "null": "left empty", "timestamp": "a date"}


def described(node: Node) -> str:
    """Return what a node is, for a message."""
    match node:
        case Mapping():
            return "a map"
        case Sequence():
            return "a list"
        case Scalar(kind=kind):
            return _KINDS.get(kind, "text")


def read_map(node: Node, what: str, faults: Faults) -> Mapping | None:
    """Return a map, or None and a fault."""
    if isinstance(node, Mapping):
        return node
    faults.add(node.mark, f"{what} must be a map, but is {described(node)}.")
    return None


def read_list(node: Node, what: str, faults: Faults) -> Sequence | None:
    """Return a list, or None and a fault."""
    if isinstance(node, Sequence):
        return node
    hint = " Start each of its items with a dash." if isinstance(node, Mapping) else ""
    faults.add(node.mark, f"{what} must be a list, but is {described(node)}.{hint}")
    return None


def read_text(node: Node, what: str, faults: Faults, *, empty: bool = False) -> str | None:
    """Return text as it was written, numbers and booleans included, or None and a fault.

    ``empty``: a key left without a value is the empty text rather than a fault.
    """
    if isinstance(node, Scalar) and not is_null(node):
        return node.text
    if empty and is_null(node):
        return ""
    hint = ""
    if isinstance(node, Mapping) and len(node.entries) == 1:
        hint = " Quote the whole line: a colon and a space in it make it a map."
    faults.add(node.mark, f"{what} must be text, but is {described(node)}.{hint}")
    return None


def read_number(node: Node, what: str, faults: Faults) -> int | None:
    """Return a whole number, or None and a fault."""
    if isinstance(node, Scalar) and _WHOLE_NUMBER.fullmatch(node.text):
        return int(node.text)
    said = f"'{shown(node.text)}'" if isinstance(node, Scalar) and not is_null(node) else described(node)
    faults.add(node.mark, f"{what} must be a whole number, but is {said}.")
    return None


def read_flag(node: Node, what: str, faults: Faults) -> bool | None:
    """Return true or false, or None and a fault."""
    if isinstance(node, Scalar) and node.text.lower() in _FLAGS:
        return _FLAGS[node.text.lower()]
    said = f"'{shown(node.text)}'" if isinstance(node, Scalar) and not is_null(node) else described(node)
    faults.add(node.mark, f"{what} must be true or false, but is {said}.")
    return None


def read_choice(node: Node, what: str, choices: Collection[str], faults: Faults) -> str | None:
    """Return one of the choices, case and all, or None and a fault."""
    text = read_text(node, what, faults)
    if text is None or text in choices:
        return text
    *others, last = choices
    listed = f"{', '.join(others)} or {last}"
    faults.add_unknown(node.mark, f"{what} must be {listed}, but is '{shown(text)}'.", text, choices)
    return None


def read_name(mapping: Mapping, what: str, faults: Faults) -> str:
    """Return the map's ``name``, checked against the pattern of 4.1; empty, and a fault, without one."""
    entry = mapping.entries.get("name")
    if entry is None:
        faults.add(mapping.mark, f"{what} has no name.")
        return ""
    name = read_text(entry.node, f"{what}'s name", faults) or ""
    if name:
        check_name(entry.node.mark, name, what, faults)
    return name


def check_name(mark: Mark, name: str, what: str, faults: Faults) -> None:
    """Note a name that breaks the pattern of 4.1."""
    if not _NAME.fullmatch(name):
        message = f"{what}'s name '{shown(name)}' must have 3 to 128 letters, digits, hyphens or underscores."
        faults.add(mark, message)


def check_keys(mapping: Mapping, known: Collection[str], what: str, faults: Faults) -> None:
    """Note every key that is not among the known ones."""
    for key, entry in mapping.entries.items():
        if key not in known:
            faults.add_unknown(entry.mark, f"{what} has no key '{shown(key)}'.", key, known)


def flag_of(mapping: Mapping, key: str, faults: Faults) -> bool:
    """Return the flag under a key; false without one."""
    entry = mapping.entries.get(key)
    return bool(entry and not is_null(entry.node) and read_flag(entry.node, key, faults))


def text_of(mapping: Mapping, key: str, faults: Faults) -> str:
    """Return the text under a key; empty without one."""
    entry = mapping.entries.get(key)
    return (read_text(entry.node, key, faults, empty=True) or "") if entry else ""
