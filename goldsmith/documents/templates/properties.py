"""A resource's properties as an operation's parameters: other names, and texts that become numbers and flags.

What a parameter may be is botocore's shape of it, which the caller has. Names differ by their first letter's case, but
for those in RENAMED (CloudFormation's reference of AWS::ImageBuilder against the model 2019-12-02).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from goldsmith.documents.faults import Faults, shown
from goldsmith.documents.nodes import mark_at
from goldsmith.documents.templates.values import NoValue

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape

    from goldsmith.documents.nodes import Node
    from goldsmith.documents.templates.values import Value

RENAMED = {"version": "semanticversion", "launchpermissionconfiguration": "launchpermission"}
"""Properties that the API has under another name, in lower case."""

_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")
_FLAGS = {"true": True, "false": False}

Path = tuple[str | int, ...]


def as_parameters(properties: Value, shape: Shape, node: Node, ignored: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an operation's parameters. ``node`` is where the properties were written, for faults.

    ``ignored`` are properties, in lower case, that mean nothing here. Raises DocumentError with all faults.
    """
    faults = Faults()
    reader = _Reader(node, faults)
    kept = properties
    if isinstance(properties, dict):
        kept = {key: value for key, value in properties.items() if key.lower() not in ignored}
    parameters = reader.read(kept, shape, ())
    faults.raise_any()
    return cast("dict[str, Any]", parameters)


class _Reader:
    """Reads values into shapes, noting what does not fit."""

    def __init__(self, node: Node, faults: Faults) -> None:
        self.node = node
        self.faults = faults

    def read(self, value: Value, shape: Shape, path: Path) -> Any:
        kind = shape.type_name
        if kind == "structure":
            return self._structure(value, cast("StructureShape", shape), path)
        if kind == "list":
            return self._list(value, cast("ListShape", shape), path)
        if kind == "map":
            return self._map(value, cast("MapShape", shape), path)
        return self._scalar(value, kind, path)

    def _scalar(self, value: Value, kind: str, path: Path) -> Any:
        if not isinstance(value, str):
            return self._wrong(value, "text", path)
        if kind == "boolean":
            return _FLAGS[value.lower()] if value.lower() in _FLAGS else self._wrong(value, "true or false", path)
        if kind in {"integer", "long"}:
            return int(value) if _WHOLE_NUMBER.fullmatch(value) else self._wrong(value, "a whole number", path)
        return value

    def _structure(self, value: Value, shape: StructureShape, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._wrong(value, "a map", path)
        members = {name.lower(): name for name in shape.members}
        read = {}
        for key, inner in value.items():
            lower = key.lower()
            name = members.get(lower) or members.get(RENAMED.get(lower, ""))
            if name is None:
                known = [_property(each) for each in shape.members]
                where = _said(path) or "This resource"
                self.faults.add_unknown(
                    mark_at(self.node, *path, key), f"{where} has no property '{shown(key)}'.", key, known
                )
            else:
                read[name] = self.read(inner, shape.members[name], (*path, key))
        for name in shape.required_members:
            if name not in read and name != "clientToken":
                where = _said(path) or "This resource"
                self.faults.add(mark_at(self.node, *path), f"{where} needs {_property(name)}.")
        return read

    def _list(self, value: Value, shape: ListShape, path: Path) -> Any:
        items = value if isinstance(value, list) else [value]
        return [self.read(item, shape.member, (*path, index)) for index, item in enumerate(items)]

    def _map(self, value: Value, shape: MapShape, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._wrong(value, "a map", path)
        return {key: self.read(inner, shape.value, (*path, key)) for key, inner in value.items()}

    def _wrong(self, value: Value, wanted: str, path: Path) -> None:
        if isinstance(value, str):
            said = f"'{shown(value)}'"
        else:
            said = "left empty" if isinstance(value, NoValue) else "a list" if isinstance(value, list) else "a map"
        self.faults.add(mark_at(self.node, *path), f"{_said(path)} must be {wanted}, but is {said}.")


def _property(member: str) -> str:
    """Return CloudFormation's name of a member."""
    return "Version" if member == "semanticVersion" else member[0].upper() + member[1:]


def _said(path: Path) -> str:
    said = ""
    for part in path:
        said += f"[{part}]" if isinstance(part, int) else f".{part}" if said else shown(part)
    return said
