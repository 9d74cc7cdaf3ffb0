"""Which names a template's values refer to, and the order that its resources are made in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.documents.faults import shown
from goldsmith.documents.nodes import Mapping, Node, Scalar, Sequence
from goldsmith.documents.source import DocumentError, Fault
from goldsmith.documents.templates.functions import VARIABLE, attribute_name, function_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.documents.source import Mark
    from goldsmith.documents.templates.template import Declaration, Template


def named_conditions(node: Node) -> Iterator[tuple[str, Mark]]:
    """Yield the conditions that a node names, by Condition or Fn::If."""
    for name, argument in _calls(node):
        if name == "Condition" and isinstance(argument, Scalar):
            yield argument.text, argument.mark
        if name == "Fn::If" and isinstance(argument, Sequence) and argument.items:
            first = argument.items[0]
            if isinstance(first, Scalar):
                yield first.text, first.mark


def named_resources(node: Node) -> Iterator[tuple[str, str]]:
    """Yield the names that a node refers to, each with the attribute that it takes, empty for Ref."""
    for name, argument in _calls(node):
        if name == "Ref" and isinstance(argument, Scalar):
            yield argument.text, ""
        elif name == "Fn::GetAtt" and (named := attribute_name(argument)):
            yield named
        elif name == "Fn::Sub":
            text = argument.items[0] if isinstance(argument, Sequence) and argument.items else argument
            if isinstance(text, Scalar):
                for match in VARIABLE.finditer(text.text):
                    resource, _, attribute = match[2].partition(".")
                    if not match[1]:
                        yield resource, attribute


def in_order(template: Template, present: dict[str, Declaration]) -> list[Declaration]:
    """Return the declarations that are present, each after what it refers to or waits for, else as written.

    Raises DocumentError for those that wait for each other, and for a DependsOn that names nothing.
    """
    ordered: dict[str, Declaration] = {}
    for start in present.values():
        _visit(start, template, present, ordered)
    return list(ordered.values())


def needs(declaration: Declaration) -> set[str]:
    """Return the names that a resource refers to or waits for."""
    return {name for name, _ in named_resources(declaration.properties)} | set(declaration.depends_on)


def _visit(
    start: Declaration, template: Template, present: dict[str, Declaration], ordered: dict[str, Declaration]
) -> None:
    """Put a declaration and all before it into their order, without recursion: a chain can be of any length."""
    path: dict[str, Iterator[str]] = {}
    upcoming: list[Declaration] = [start]
    while upcoming:
        declaration = upcoming[-1]
        if declaration.id not in path:
            _check_depends_on(declaration, template)
            path[declaration.id] = iter(sorted(needs(declaration)))
        following = next((name for name in path[declaration.id] if name in present and name not in ordered), None)
        if following is None:
            upcoming.pop()
            ordered.setdefault(declaration.id, declaration)
            del path[declaration.id]
        elif following in path:
            circle = [each.id for each in upcoming]
            said = " → ".join([*circle[circle.index(following) :], following])
            raise DocumentError((Fault(declaration.mark, f"These resources wait for each other: {shown(said)}."),))
        else:
            upcoming.append(present[following])


def _check_depends_on(declaration: Declaration, template: Template) -> None:
    for name in declaration.depends_on:
        if name not in template.resources:
            raise DocumentError(
                (Fault(declaration.mark, f"{declaration.id} depends on '{shown(name)}', and there is none."),)
            )


def _calls(node: Node) -> Iterator[tuple[str, Node]]:
    match node:
        case Sequence(_, items):
            for item in items:
                yield from _calls(item)
        case Mapping(_, entries):
            if (name := function_of(node)) is not None:
                yield name, entries[name].node
            for entry in entries.values():
                yield from _calls(entry.node)
        case Scalar():
            return
