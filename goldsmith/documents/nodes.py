"""YAML or JSON text as a tree whose every part knows its place in the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.documents.source import Mark

if TYPE_CHECKING:
    from collections.abc import Iterator

_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL_NUMBER = re.compile(r"[-+]?[0-9]{0,300}\.?[0-9]{1,300}")
_TRUE = {"true", "yes", "on", "y"}


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written; ``kind`` is what YAML takes it for; ``start`` and ``end`` index the source text."""

    mark: Mark
    text: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    mark: Mark
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands under a key, and where the key stands."""

    mark: Mark
    node: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """A map; its keys in the order they were written."""

    mark: Mark
    entries: dict[str, Entry]


Node = Scalar | Sequence | Mapping


def is_null(node: Node) -> bool:
    """Return whether a key was left without a value."""
    return isinstance(node, Scalar) and node.kind == "null"


def plain(node: Node) -> object:
    """Return a node as Python data: numbers in decimal notation and booleans as such, all else as written."""
    match node:
        case Sequence(_, items):
            return [plain(item) for item in items]
        case Mapping(_, entries):
            return {key: plain(entry.node) for key, entry in entries.items()}
        case Scalar():
            return _plain_scalar(node)


def _plain_scalar(node: Scalar) -> str | int | float | bool | None:
    match node.kind:
        case "null":
            return None
        case "bool":
            return node.text.lower() in _TRUE
        case "int" if _WHOLE_NUMBER.fullmatch(node.text):
            return int(node.text)
        case "float" if _DECIMAL_NUMBER.fullmatch(node.text):
            return float(node.text)
    return node.text


def scalars(node: Node) -> Iterator[Scalar]:
    """Yield every value below a node, in order."""
    match node:
        case Scalar():
            yield node
        case Sequence(_, items):
            for item in items:
                yield from scalars(item)
        case Mapping(_, entries):
            for entry in entries.values():
                yield from scalars(entry.node)


def place_of(source: str, scalar: Scalar, piece: str) -> Mark:
    """Return where a piece of a scalar's text stands, or the scalar's own place if it cannot be told."""
    found = source.find(piece, scalar.start, scalar.end)
    return scalar.mark if found < 0 else Mark(scalar.mark.file, *line_and_column(source, found))


def mark_at(node: Node, *path: str | int) -> Mark:
    """Return where the value under a path of keys and indexes stands; of a path that ends early, its last value."""
    for step in path:
        match node:
            case Mapping(_, entries) if step in entries:
                node = entries[str(step)].node
            case Sequence(_, items) if isinstance(step, int) and step < len(items):
                node = items[step]
            case _:
                break
    return node.mark


def line_and_column(text: str, index: int) -> tuple[int, int]:
    """Return where a character stands, both counted from 1."""
    before = text[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1
