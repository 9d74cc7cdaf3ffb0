"""Working out a template's values: its intrinsic functions (CloudFormation's guide, "Intrinsic functions")."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from goldsmith.documents.faults import near_name, shown
from goldsmith.documents.nodes import Entry, Mapping, Node, Scalar, Sequence
from goldsmith.documents.source import DocumentError, Fault
from goldsmith.documents.templates.values import NO_VALUE, NoValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.documents.templates.scope import Scope
    from goldsmith.documents.templates.values import Value

LONGEST = 1 << 20
"""Characters of a text put together, as functions in functions could make any amount of it."""

VARIABLE = re.compile(r"\$\{(!?)\s*([^}!\s][^}]{0,512}?)\s*\}")


def work_out(node: Node, scope: Scope) -> Value:
    """Return a node's value. Raises DocumentError, at its place, for what cannot be worked out."""
    match node:
        case Scalar():
            return NO_VALUE if node.kind == "null" else node.text
        case Sequence(_, items):
            values = [work_out(item, scope) for item in items]
            return [value for value in values if not isinstance(value, NoValue)]
        case Mapping(_, entries):
            if (called := function_of(node)) is not None:
                return _call(called, entries[called].node, scope)
            worked = {key: work_out(entry.node, scope) for key, entry in entries.items()}
            return {key: value for key, value in worked.items() if not isinstance(value, NoValue)}


def holds(node: Node, scope: Scope) -> bool:
    """Return whether a condition's node is true. Raises DocumentError."""
    name = function_of(node) if isinstance(node, Mapping) else None
    argument = node.entries[name].node if isinstance(node, Mapping) and name else node
    match name:
        case "Condition":
            return scope.condition(_plain_text(argument, "Condition"), argument.mark)
        case "Fn::Equals":
            left, right = _arguments(argument, name, 2, 2)
            return work_out(left, scope) == work_out(right, scope)
        case "Fn::And":
            return all(holds(each, scope) for each in _arguments(argument, name, 2, 10))
        case "Fn::Or":
            return any(holds(each, scope) for each in _arguments(argument, name, 2, 10))
        case "Fn::Not":
            return not holds(_arguments(argument, name, 1, 1)[0], scope)
    if isinstance(node, Scalar) and node.text in {"true", "false"}:
        return node.text == "true"
    raise _wrong(node, "A condition is one of Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition")


def function_of(node: Mapping) -> str | None:
    """Return the function that a map calls, if it calls one."""
    if len(node.entries) != 1:
        return None
    (key,) = node.entries
    is_condition = key == "Condition" and isinstance(node.entries[key].node, Scalar)
    return key if key == "Ref" or is_condition or key.startswith("Fn::") else None


def attribute_name(node: Node) -> tuple[str, str] | None:
    """Return the resource and attribute that a GetAtt's argument names, None where it is of no such form."""
    if isinstance(node, Scalar):
        name, dot, attribute = node.text.partition(".")
        return (name, attribute) if dot else None
    if isinstance(node, Sequence) and len(node.items) == 2:  # noqa: PLR2004  # a resource and an attribute
        first, second = node.items
        if isinstance(first, Scalar) and isinstance(second, Scalar):
            return first.text, second.text
    return None


def _call(name: str, argument: Node, scope: Scope) -> Value:
    match name:
        case "Ref":
            return scope.reference(_plain_text(argument, "Ref"), argument.mark)
        case "Condition" | "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not":
            whole = Mapping(argument.mark, {name: _entry(argument)})
            return "true" if holds(whole, scope) else "false"
    if name not in _FUNCTIONS:
        message = f"{shown(name)} cannot be worked out here"
        if name == "Fn::ImportValue":
            message = "Fn::ImportValue takes another stack's output, and there are no stacks here: make it a parameter"
        near = near_name(name, ["Ref", *_FUNCTIONS])
        raise DocumentError((Fault(argument.mark, f"{message}.", "" if near == name else near),))
    return _FUNCTIONS[name](argument, scope)


def _get_att(argument: Node, scope: Scope) -> Value:
    if isinstance(argument, Sequence) and len(argument.items) == 2:  # noqa: PLR2004  # a resource and an attribute
        first, second = argument.items
        resource = _plain_text(first, "Fn::GetAtt")
        return scope.attribute(resource, _text(second, scope, "Fn::GetAtt"), argument.mark)
    named = attribute_name(argument)
    if named is None:
        raise _wrong(argument, "Fn::GetAtt takes a resource and an attribute, as in Recipe.Arn")
    return scope.attribute(*named, argument.mark)


def _sub(argument: Node, scope: Scope) -> Value:
    variables: dict[str, str] = {}
    node = argument
    if isinstance(argument, Sequence):
        node, given = _arguments(argument, "Fn::Sub", 2, 2)
        if not isinstance(given, Mapping):
            raise _wrong(given, "Fn::Sub takes a text and a map of names")
        variables = {key: _text(entry.node, scope, f"{key} of Fn::Sub") for key, entry in given.entries.items()}
    pattern = _plain_text(node, "Fn::Sub")
    pieces, position = [], 0
    for match in VARIABLE.finditer(pattern):
        pieces += [pattern[position : match.start()], _substituted(match, node, variables, scope)]
        position = match.end()
    return _joined([*pieces, pattern[position:]], "", node)


def _substituted(match: re.Match[str], node: Node, variables: dict[str, str], scope: Scope) -> str:
    literal, name = match[1], match[2]
    if literal:
        return f"${{{name}}}"
    if name in variables:
        return variables[name]
    resource, dot, attribute = name.partition(".")
    value = scope.attribute(resource, attribute, node.mark) if dot else scope.reference(name, node.mark)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(str(item) for item in value)
    if not isinstance(value, str):
        raise _wrong(node, f"${{{shown(name)}}} is no text")
    return value


def _join(argument: Node, scope: Scope) -> Value:
    delimiter, items = _arguments(argument, "Fn::Join", 2, 2)
    values = _list(items, scope, "Fn::Join")
    if not all(isinstance(value, str) for value in values):
        raise _wrong(items, "Fn::Join takes a list of texts")
    return _joined([str(value) for value in values], _plain_text(delimiter, "Fn::Join"), argument)


def _joined(pieces: list[str], delimiter: str, node: Node) -> str:
    if sum(map(len, pieces)) + len(delimiter) * len(pieces) > LONGEST:
        raise _wrong(node, f"The text that this makes has more than {LONGEST} characters")
    return delimiter.join(pieces)


def _split(argument: Node, scope: Scope) -> Value:
    delimiter, source = _arguments(argument, "Fn::Split", 2, 2)
    by = _plain_text(delimiter, "Fn::Split")
    if not by:
        raise _wrong(delimiter, "Fn::Split takes a delimiter that is not empty")
    return list(_text(source, scope, "Fn::Split").split(by))


def _select(argument: Node, scope: Scope) -> Value:
    index, items = _arguments(argument, "Fn::Select", 2, 2)
    number, values = _text(index, scope, "Fn::Select"), _list(items, scope, "Fn::Select")
    if not number.isdecimal() or len(number) > 9 or int(number) >= len(values):  # noqa: PLR2004  # no index is longer
        raise _wrong(argument, f"Fn::Select has no number {shown(number)} in a list of {len(values)} (the first is 0)")
    return values[int(number)]


def _find_in_map(argument: Node, scope: Scope) -> Value:
    name, top, second, *default = _arguments(argument, "Fn::FindInMap", 3, 4)
    node: Node = scope.template.mappings
    for step in (name, top, second):
        key = _text(step, scope, "Fn::FindInMap")
        if not isinstance(node, Mapping) or key not in node.entries:
            if default and isinstance(default[0], Mapping) and "DefaultValue" in default[0].entries:
                return work_out(default[0].entries["DefaultValue"].node, scope)
            known = node.entries if isinstance(node, Mapping) else ()
            raise DocumentError(
                (Fault(step.mark, f"The mappings have no '{shown(key)}' there.", near_name(key, known)),)
            )
        node = node.entries[key].node
    return work_out(node, scope)


def _if(argument: Node, scope: Scope) -> Value:
    name, then, otherwise = _arguments(argument, "Fn::If", 3, 3)
    return work_out(then if scope.condition(_plain_text(name, "Fn::If"), name.mark) else otherwise, scope)


def _base64(argument: Node, scope: Scope) -> Value:
    return base64.b64encode(_text(argument, scope, "Fn::Base64").encode()).decode()


def _zones(argument: Node, scope: Scope) -> Value:
    region = work_out(argument, scope)
    if region not in {"", scope.place.region}:
        raise _wrong(argument, "Fn::GetAZs knows the zones of this region only")
    return list(scope.place.zones)


def _length(argument: Node, scope: Scope) -> Value:
    return str(len(_list(argument, scope, "Fn::Length")))


def _json(argument: Node, scope: Scope) -> Value:
    return json.dumps(work_out(argument, scope), separators=(",", ":"))


_FUNCTIONS: dict[str, Callable[[Node, Scope], Value]] = {
    "Fn::Base64": _base64,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _zones,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _json,
}


def _entry(node: Node) -> Entry:
    return Entry(node.mark, node)


def _arguments(node: Node, name: str, least: int, most: int) -> tuple[Node, ...]:
    if isinstance(node, Sequence) and least <= len(node.items) <= most:
        return node.items
    count = f"{least}" if least == most else f"{least} to {most}"
    raise _wrong(node, f"{name} takes a list of {count}")


def _list(node: Node, scope: Scope, name: str) -> list[Value]:
    value = work_out(node, scope)
    if isinstance(value, list):
        return value
    raise _wrong(node, f"{name} takes a list")


def _text(node: Node, scope: Scope, name: str) -> str:
    value = work_out(node, scope)
    if isinstance(value, str):
        return value
    raise _wrong(node, f"{name} takes text")


def _plain_text(node: Node, name: str) -> str:
    if isinstance(node, Scalar):
        return node.text
    raise _wrong(node, f"{name} takes text")


def _wrong(node: Node, message: str) -> DocumentError:
    return DocumentError((Fault(node.mark, f"{message}."),))
