"""Reading the ``parameters`` and ``constants`` of a component document (4.1, 4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.documents.component import Constant, Parameter
from goldsmith.documents.faults import shown
from goldsmith.documents.nodes import Mapping, Scalar, is_null
from goldsmith.documents.reading import (
    check_keys,
    check_name,
    read_list,
    read_map,
    read_text,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.documents.faults import Faults
    from goldsmith.documents.source import Mark

_PARAMETER_KEYS = ("type", "default", "description", "allowedValues")
_CONSTANT_KEYS = ("type", "value", "description")


def read_parameters(document: Mapping, faults: Faults) -> tuple[Parameter, ...]:
    """Return the declared parameters; what is wrong becomes faults."""
    parameters = []
    for name, mark, body in _declarations(document, "parameters", "A parameter", _PARAMETER_KEYS, faults):
        default = body.entries.get("default")
        value = read_text(default.node, f"The default of {name}", faults, empty=True) if default else None
        allowed = _allowed_values(body, faults)
        if default and value is not None and allowed and value not in allowed:
            message = f"The default of {name} is none of its allowedValues."
            faults.add_unknown(default.node.mark, message, value, allowed)
        parameters.append(Parameter(name, value, text_of(body, "description", faults), mark, allowed))
    return tuple(parameters)


def read_constants(document: Mapping, faults: Faults) -> tuple[Constant, ...]:
    """Return the declared constants; what is wrong becomes faults."""
    constants = []
    for name, mark, body in _declarations(document, "constants", "A constant", _CONSTANT_KEYS, faults):
        entry = body.entries.get("value")
        if entry is None:
            faults.add(mark, f"The constant {name} has no value.")
            continue
        value = read_text(entry.node, f"The value of {name}", faults, empty=True)
        constants.append(Constant(name, value or "", mark))
    return tuple(constants)


def check_shared_names(parameters: tuple[Parameter, ...], constants: tuple[Constant, ...], faults: Faults) -> None:
    """Note names declared twice: parameters and constants share one namespace."""
    first: dict[str, Mark] = {}
    every: list[Parameter | Constant] = [*constants, *parameters]
    for declared in every:
        if declared.name in first:
            line = first[declared.name].line
            faults.add(declared.mark, f"{declared.name} is declared twice; first in line {line}.")
        first.setdefault(declared.name, declared.mark)


def _declarations(
    document: Mapping, key: str, what: str, keys: tuple[str, ...], faults: Faults
) -> Iterator[tuple[str, Mark, Mapping]]:
    entry = document.entries.get(key)
    if entry is None or is_null(entry.node):
        return
    listed = read_list(entry.node, key, faults)
    for item in listed.items if listed else ():
        mapping = read_map(item, f"Each of {key}", faults)
        if mapping is None:
            continue
        if len(mapping.entries) != 1:
            _note_wrong_shape(mapping, key, faults)
            continue
        ((name, inner),) = mapping.entries.items()
        check_name(inner.mark, name, what, faults)
        body = read_map(inner.node, f"What stands under {name}", faults)
        if body is not None:
            check_keys(body, keys, what, faults)
            _check_type(body, faults)
            yield name, inner.mark, body


def _note_wrong_shape(mapping: Mapping, key: str, faults: Faults) -> None:
    name = mapping.entries.get("name")
    example = name.node.text if name and isinstance(name.node, Scalar) else next(iter(mapping.entries), "Name")
    message = f"Each of {key} is a name with a map below it: - {shown(example)}: {{type: string}}."
    faults.add(mapping.mark, message)


def _allowed_values(body: Mapping, faults: Faults) -> tuple[str, ...]:
    entry = body.entries.get("allowedValues")
    listed = read_list(entry.node, "allowedValues", faults) if entry and not is_null(entry.node) else None
    values = [read_text(item, "Each of allowedValues", faults) for item in listed.items] if listed else []
    return tuple(value for value in values if value is not None)


def _check_type(body: Mapping, faults: Faults) -> None:
    entry = body.entries.get("type")
    kind = read_text(entry.node, "type", faults) if entry and not is_null(entry.node) else None
    if entry and kind is not None and kind.lower() != "string":
        faults.add(entry.node.mark, f"type can only be string, but is '{shown(kind)}'.")
