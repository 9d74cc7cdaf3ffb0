"""The parameters of workflow documents: declared in the document, supplied with its configuration (5.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from goldsmith.documents.faults import near_name, shown
from goldsmith.documents.nodes import is_null
from goldsmith.documents.reading import (
    check_keys,
    read_choice,
    read_flag,
    read_list,
    read_map,
    read_number,
    read_text,
    text_of,
)
from goldsmith.documents.workflows.document import WorkflowParameter
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Mapping as MappingOf
    from collections.abc import Sequence as SequenceOf

    from goldsmith.documents.faults import Faults
    from goldsmith.documents.nodes import Mapping, Node
    from goldsmith.documents.workflows.document import ParameterType, ParameterValue, WorkflowDocument

MAX_PARAMETERS = 25
MAX_CHARACTERS = 1024
TYPES: tuple[ParameterType, ...] = ("string", "integer", "boolean", "stringList")

_KEYS = ("name", "type", "default", "description")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLAGS = {"true": True, "false": False}


class ParameterError(GoldsmithError):
    """The values supplied for a workflow's parameters do not fit what it declares."""


def read_parameters(document: Mapping, faults: Faults) -> tuple[WorkflowParameter, ...]:
    """Return the declared parameters; what is wrong becomes faults."""
    entry = document.entries.get("parameters")
    if entry is None or is_null(entry.node):
        return ()
    listed = read_list(entry.node, "parameters", faults)
    items = listed.items if listed else ()
    if len(items) > MAX_PARAMETERS:
        faults.add(entry.mark, f"A workflow has at most {MAX_PARAMETERS} parameters, but here are {len(items)}.")
    mappings = [read_map(item, "A parameter", faults) for item in items]
    return tuple(_parameter(mapping, faults) for mapping in mappings if mapping)


def bind_parameters(document: WorkflowDocument, given: SequenceOf[MappingOf[str, object]]) -> dict[str, ParameterValue]:
    """Return the value of each parameter: ``given`` is AWS's list of {name, value: [text]}, over the defaults.

    Raises ParameterError for a name that is not declared or given twice, a value that is not of its type or too long,
    and a parameter without a value.
    """
    declared = {each.name: each for each in document.parameters}
    values: dict[str, ParameterValue] = {}
    for each in given:
        name = str(each.get("name", ""))
        if name not in declared:
            raise ParameterError(
                f"The workflow has no parameter '{shown(name)}'.", mend=_near_parameter(name, tuple(declared))
            )
        if name in values:
            raise ParameterError(f"The parameter '{name}' is given twice.", mend="Leave one of them out.")
        values[name] = _bound(declared[name], [str(value) for value in cast("list[object]", each.get("value") or [])])
    defaults = {name: each.default for name, each in declared.items() if each.default is not None}
    bound = {**defaults, **values}
    if missing := [name for name in declared if name not in bound]:
        raise ParameterError(
            f"The parameter '{missing[0]}' has no default and is not given.", mend="Give each such parameter a value."
        )
    return bound


def _near_parameter(name: str, names: tuple[str, ...]) -> str:
    if near := near_name(name, names):
        return f"Did you mean {near}?"
    return f"There are: {', '.join(names)}." if names else "It has none at all."


def _bound(declared: WorkflowParameter, values: list[str]) -> ParameterValue:
    where = f"The value of the parameter '{declared.name}'"
    if any(len(value) > MAX_CHARACTERS for value in values):
        raise ParameterError(f"{where} has more than {MAX_CHARACTERS} characters.", mend="Shorten it.")
    if declared.type == "stringList":
        return values
    if len(values) != 1:
        mend = f"It is of the type {declared.type}: give a list of one."
        raise ParameterError(f"{where} has {len(values)} values.", mend=mend)
    (value,) = values
    if declared.type == "integer":
        if not _INTEGER.fullmatch(value):
            raise ParameterError(f"{where} is '{shown(value)}'.", mend="It must be a whole number.")
        return int(value)
    if declared.type == "boolean":
        if value.lower() not in _FLAGS:
            raise ParameterError(f"{where} is '{shown(value)}'.", mend="It must be true or false.")
        return _FLAGS[value.lower()]
    return value


def _parameter(mapping: Mapping, faults: Faults) -> WorkflowParameter:
    check_keys(mapping, _KEYS, "A parameter", faults)
    name = _name(mapping, faults)
    kind = _type(mapping, name, faults)
    default = mapping.entries.get("default")
    given = default is not None and not is_null(default.node)
    value = _default(default.node, kind, f"The default of {shown(name)}", faults) if default and given else None
    return WorkflowParameter(name, kind, value, text_of(mapping, "description", faults), mapping.mark)


def _name(mapping: Mapping, faults: Faults) -> str:
    entry = mapping.entries.get("name")
    if entry is None:
        faults.add(mapping.mark, "A parameter has no name.")
        return ""
    name = read_text(entry.node, "A parameter's name", faults) or ""
    if name and not _NAME.fullmatch(name):
        message = f"A parameter's name '{shown(name)}' must have 1 to 128 letters, digits, hyphens or underscores."
        faults.add(entry.node.mark, message)
    return name


def _type(mapping: Mapping, name: str, faults: Faults) -> ParameterType:
    entry = mapping.entries.get("type")
    if entry is None or is_null(entry.node):
        return "string"
    return cast("ParameterType", read_choice(entry.node, f"The type of {shown(name)}", TYPES, faults) or "string")


def _default(node: Node, kind: ParameterType, what: str, faults: Faults) -> ParameterValue | None:
    if kind == "integer":
        return read_number(node, what, faults)
    if kind == "boolean":
        return read_flag(node, what, faults)
    if kind == "string":
        return _short(read_text(node, what, faults), node, what, faults)
    listed = read_list(node, what, faults)
    items = listed.items if listed else ()
    return [_short(read_text(item, f"Each of {what}", faults), item, what, faults) or "" for item in items]


def _short(text: str | None, node: Node, what: str, faults: Faults) -> str | None:
    if text is not None and len(text) > MAX_CHARACTERS:
        faults.add(node.mark, f"{what} has more than {MAX_CHARACTERS} characters.")
    return text
