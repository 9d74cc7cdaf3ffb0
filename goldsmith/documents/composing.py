"""YAML or JSON text composed into a tree, with bounds that hostile text cannot pass."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import yaml
from yaml.resolver import Resolver

from goldsmith.documents.nodes import Entry, Mapping, Node, Scalar, Sequence, line_and_column
from goldsmith.documents.source import DocumentError, Fault, Mark

if TYPE_CHECKING:
    import collections.abc

MAX_CHARACTERS = 1 << 20
MAX_NODES = 100_000
MAX_DEPTH = 64
NO_TAGS: collections.abc.Mapping[str, str] = MappingProxyType({})

_TAGS = "tag:yaml.org,2002:"
_KNOWN_TAGS = {"str", "int", "float", "bool", "null", "timestamp", "merge", "value", "map", "seq"}
_RESOLVER = Resolver()
_SURROGATES = re.compile(r"(\\\\)|\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)


def compose(text: str, file: str, *, tags: collections.abc.Mapping[str, str] = NO_TAGS) -> Node:
    """Return the tree of a YAML or JSON text.

    ``tags`` are the tags that mean something: a value with one stands under the key it says in a map of its own, as
    CloudFormation's `!Ref Name` is {"Ref": "Name"}.

    Raises DocumentError for broken syntax, repeated keys, more than one document, and text that is too
    large or nested too deeply (aliases counted as what they stand for). The tree is built from libyaml's
    events, without recursion, so no input can exhaust the stack.
    """
    top = Mark(file, 1, 1)
    if len(text) > MAX_CHARACTERS:
        raise DocumentError((Fault(top, f"The file has {len(text)} characters; at most {MAX_CHARACTERS} are read."),))
    builder = _Builder(file, tags)
    try:
        for event in yaml.parse(_with_whole_characters(text), Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise DocumentError((_syntax_fault(error, file),)) from None
    except yaml.reader.ReaderError as error:
        place = line_and_column(text, error.position if isinstance(error.position, int) else 0)
        message = "This is not YAML: there is a control character that text may not hold."
        raise DocumentError((Fault(Mark(file, *place), message),)) from None
    except UnicodeEncodeError as error:
        place = line_and_column(text, error.start)
        raise DocumentError((Fault(Mark(file, *place), "This is not valid Unicode text."),)) from None
    if builder.faults:
        raise DocumentError(tuple(builder.faults))
    if builder.root is None:
        raise DocumentError((Fault(top, "The file is empty."),))
    return builder.root


def _with_whole_characters(text: str) -> str:
    """Return JSON with its pairs of surrogate escapes as the single escapes that YAML has for them."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    return _SURROGATES.sub(_whole_character, text)


def _whole_character(match: re.Match[str]) -> str:
    if match[1]:
        return match[1]
    code = 0x10000 + (int(match[2], 16) - 0xD800) * 0x400 + int(match[3], 16) - 0xDC00
    return f"\\U{code:08x}"


def _syntax_fault(error: yaml.MarkedYAMLError, file: str) -> Fault:
    place = error.problem_mark or error.context_mark
    mark = Mark(file, place.line + 1, place.column + 1) if place else Mark(file, 1, 1)
    problem = error.problem or "it ends too early"
    hint = " Indent with spaces, not tabs." if "cannot start any token" in problem else ""
    context = f" {error.context}" if error.context else ""
    return Fault(mark, f"This is not YAML:{context}{',' if context else ''} {problem}.{hint}")


class _Open:
    """A list or map whose end has not come yet."""

    __slots__ = ("anchor", "deepest", "depth", "entries", "is_map", "items", "key", "mark", "merges", "size", "wrap")

    def __init__(self, mark: Mark, anchor: str | None, *, is_map: bool, depth: int, wrap: str) -> None:
        self.mark = mark
        self.wrap = wrap
        self.anchor = anchor
        self.is_map = is_map
        self.depth = depth
        self.deepest = depth
        self.size = 1
        self.items: list[Node] = []
        self.entries: dict[str, Entry] = {}
        self.merges: list[Node] = []
        self.key: tuple[str, Mark] | None = None

    def close(self) -> Node:
        if not self.is_map:
            return Sequence(self.mark, tuple(self.items))
        for node in self.merges:
            for mapping in node.items if isinstance(node, Sequence) else (node,):
                if isinstance(mapping, Mapping):
                    for key, entry in mapping.entries.items():
                        self.entries.setdefault(key, entry)
        return Mapping(self.mark, self.entries)


class _Builder:
    """Takes events one by one and puts the tree together."""

    def __init__(self, file: str, tags: collections.abc.Mapping[str, str]) -> None:
        self.file = file
        self.tags = tags
        self.root: Node | None = None
        self.faults: list[Fault] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._nodes = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._begin(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._end()
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent() if self.root is not None:
                mark = self._mark(event)
                raise DocumentError((*self.faults, Fault(mark, "A second document starts here; a file holds one.")))

    def _mark(self, event: Any) -> Mark:
        return Mark(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _scalar(self, event: Any) -> None:
        mark = self._mark(event)
        tag = event.tag
        wrap = self.tags.get(tag, "")
        if tag is None or tag == "!":
            tag = cast("str", _RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit))  # type: ignore[no-untyped-call]
        kind = "str" if wrap else self._kind(tag, mark)
        node = Scalar(mark, event.value, kind, event.start_mark.index, event.end_mark.index)
        self._finish(event.anchor, node, 1, 0, wrap)

    def _finish(self, anchor: str | None, node: Node, size: int, height: int, wrap: str) -> None:
        if wrap:
            node, size, height = Mapping(node.mark, {wrap: Entry(node.mark, node)}), size + 1, height + 1
        self._remember(anchor, node, size, height)
        self._add(node, size, height)

    def _kind(self, tag: str, mark: Mark) -> str:
        kind = tag.removeprefix(_TAGS)
        if kind not in _KNOWN_TAGS:
            self.faults.append(Fault(mark, f"The tag {tag} means nothing here; write the value without it."))
        return kind

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        mark = self._mark(event)
        wrap = self.tags.get(event.tag or "", "")
        if not wrap and event.tag not in {None, "!"}:
            self._kind(event.tag, mark)
        self._check_depth(len(self._open) + 1, mark)
        is_map = isinstance(event, yaml.MappingStartEvent)
        self._open.append(_Open(mark, event.anchor, is_map=is_map, depth=len(self._open) + 1, wrap=wrap))

    def _end(self) -> None:
        done = self._open.pop()
        node = done.close()
        self._finish(done.anchor, node, done.size, done.deepest - done.depth + 1, done.wrap)

    def _alias(self, event: yaml.AliasEvent) -> None:
        mark = self._mark(event)
        if event.anchor not in self._anchors:
            fault = Fault(
                mark, f"The alias *{event.anchor} stands for nothing: no anchor &{event.anchor} came before it."
            )
            raise DocumentError((*self.faults, fault))
        node, size, height = self._anchors[event.anchor]
        self._check_depth(len(self._open) + height, mark)
        self._add(node, size, height)

    def _remember(self, anchor: str | None, node: Node, size: int, height: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, size, height)

    def _check_depth(self, depth: int, mark: Mark) -> None:
        if depth > MAX_DEPTH:
            raise DocumentError(
                (*self.faults, Fault(mark, f"Lists and maps are nested more than {MAX_DEPTH} deep here."))
            )

    def _add(self, node: Node, size: int, height: int) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.size += size
        parent.deepest = max(parent.deepest, parent.depth + height)
        if parent.size > MAX_NODES:
            fault = Fault(node.mark, f"With its aliases written out this holds more than {MAX_NODES} values.")
            raise DocumentError((*self.faults, fault))
        if not parent.is_map:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = self._key(node)
        else:
            self._put(parent, parent.key, node)
            parent.key = None

    def _key(self, node: Node) -> tuple[str, Mark]:
        if isinstance(node, Scalar):
            return ("<<" if node.kind == "merge" else node.text), node.mark
        message = "A key must be text, not a list or map."
        if isinstance(node, Mapping):
            message += ' A value that starts with {{ must stand in quotes: "{{ Name }}".'
        self.faults.append(Fault(node.mark, message))
        return "", node.mark

    def _put(self, parent: _Open, key: tuple[str, Mark], node: Node) -> None:
        name, mark = key
        if name == "<<":
            self._merge(parent, mark, node)
        elif name in parent.entries:
            first = parent.entries[name].mark
            self.faults.append(Fault(mark, f"The key {name} is given twice; it first stands in line {first.line}."))
        else:
            parent.entries[name] = Entry(mark, node)

    def _merge(self, parent: _Open, mark: Mark, node: Node) -> None:
        parts = node.items if isinstance(node, Sequence) else (node,)
        if all(isinstance(part, Mapping) for part in parts):
            parent.merges.append(node)
        else:
            self.faults.append(Fault(mark, "Only maps can be merged with <<."))
