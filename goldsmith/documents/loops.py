"""Reading a step's ``loop`` (4.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.documents.component import ForEachLoop, ForLoop
from goldsmith.documents.faults import shown
from goldsmith.documents.nodes import Mapping, is_null
from goldsmith.documents.reading import check_keys, check_name, read_list, read_map, read_number, read_text

if TYPE_CHECKING:
    from goldsmith.documents.component import Loop
    from goldsmith.documents.faults import Faults
    from goldsmith.documents.nodes import Node

DEFAULT_NAME = "loop"

_DEFAULT_DELIMITER = ","
_DELIMITERS = (".", ",", ";", ":", "\n", "\t", " ", "-", "_")
_ESCAPES = {r"\n": "\n", r"\t": "\t"}
_FOR_KEYS = ("start", "end", "updateBy")


def read_loop(node: Node, faults: Faults) -> Loop | None:
    """Return a step's loop, or None and faults."""
    mapping = read_map(node, "A loop", faults)
    if mapping is None:
        return None
    check_keys(mapping, ("name", "for", "forEach"), "A loop", faults)
    name = _name(mapping, faults)
    kinds = [key for key in ("for", "forEach") if key in mapping.entries]
    if len(kinds) != 1:
        faults.add(mapping.mark, "A loop has either for or forEach.")
        return None
    body = mapping.entries[kinds[0]].node
    return _for(body, name, faults) if kinds == ["for"] else _for_each(body, name, faults)


def _name(mapping: Mapping, faults: Faults) -> str:
    entry = mapping.entries.get("name")
    if entry is None:
        return DEFAULT_NAME
    name = read_text(entry.node, "A loop's name", faults)
    if name is not None:
        check_name(entry.node.mark, name, "A loop", faults)
    return name or DEFAULT_NAME


def _for(node: Node, name: str, faults: Faults) -> ForLoop | None:
    mapping = read_map(node, "for", faults)
    if mapping is None:
        return None
    check_keys(mapping, _FOR_KEYS, "for", faults)
    for key in _FOR_KEYS:
        if key not in mapping.entries:
            faults.add(mapping.mark, f"for has no {key}.")
    entries = [mapping.entries[key] for key in _FOR_KEYS if key in mapping.entries]
    numbers = [read_number(entry.node, key, faults) for key, entry in zip(_FOR_KEYS, entries, strict=False)]
    known = [number for number in numbers if number is not None]
    if len(known) < len(_FOR_KEYS):
        return None
    start, end, update_by = known
    if update_by == 0 or (end - start) * update_by < 0:
        faults.add(entries[2].node.mark, f"A loop from {start} to {end} by {update_by} would never end.")
        return None
    return ForLoop(start, end, update_by, name)


def _for_each(node: Node, name: str, faults: Faults) -> ForEachLoop | None:
    if isinstance(node, Mapping):
        return _for_each_delimited(node, name, faults)
    listed = read_list(node, "forEach", faults)
    if listed is None:
        return None
    if not listed.items:
        faults.add(node.mark, "forEach has no items.")
        return None
    items = [read_text(item, "Each item of forEach", faults, empty=True) for item in listed.items]
    return ForEachLoop(tuple(item or "" for item in items), name=name)


def _for_each_delimited(mapping: Mapping, name: str, faults: Faults) -> ForEachLoop | None:
    check_keys(mapping, ("list", "delimiter"), "forEach", faults)
    entry = mapping.entries.get("list")
    if entry is None:
        faults.add(mapping.mark, "forEach has no list.")
        return None
    items = read_text(entry.node, "forEach's list", faults)
    delimiter = _delimiter(mapping, faults)
    return None if items is None else ForEachLoop(items, delimiter, name)


def _delimiter(mapping: Mapping, faults: Faults) -> str:
    entry = mapping.entries.get("delimiter")
    if entry is None or is_null(entry.node):
        return _DEFAULT_DELIMITER
    text = read_text(entry.node, "delimiter", faults)
    if text is None:
        return _DEFAULT_DELIMITER
    delimiter = _ESCAPES.get(text, text)
    if delimiter not in _DELIMITERS:
        choices = "one of . , ; : - _ or a space, a tab or a new line"
        faults.add(entry.node.mark, f"delimiter must be {choices}, but is '{shown(text)}'.")
    return delimiter
