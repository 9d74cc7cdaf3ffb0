"""Requests in the query protocols (EC2's and the older one): a flat form becomes the model's parameters."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import ListShape, OperationModel, Shape

MOST_FIELDS = 20_000
"""Fields of one form; AWS's largest requests have a few thousand."""

Tree = dict[str, "Tree | str"]

_MEANINGFUL_WHEN_EMPTY = {"NoDevice", "Value", "Description", "UserData", "Values"}
"""Members of which an empty text says something; elsewhere old clients send it for "not given"."""


def parse_form(text: str) -> list[tuple[str, str]]:
    """Return the fields of a form or query string. Raises AwsError for one that is none."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except (ValueError, UnicodeDecodeError) as wrong:
        raise AwsError("MalformedQueryString", "The query string contains a syntax error.") from wrong


def parse_parameters(model: OperationModel, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the operation's parameters as the model names and types them. Raises AwsError for a wrong value.

    Wire names are the model's queryName, or its locationName with a capital (EC2 protocol), or the member's own
    name (Smithy, "AWS EC2 query protocol", "AWS query protocol").
    """
    shape = model.input_shape
    if shape is None:
        return {}
    ec2 = model.service_model.metadata["protocol"] == "ec2"
    value: dict[str, Any] = _structure(shape, _tree(fields), ec2, "")
    return value


def wire_name(name: str, shape: Shape, *, ec2: bool) -> str:
    """Return the name of a member on the wire."""
    serialization = shape.serialization
    if not ec2:
        return str(serialization.get("name", name))
    if "queryName" in serialization:
        return str(serialization["queryName"])
    location = str(serialization.get("name", name))
    return location[:1].upper() + location[1:]


def _tree(fields: Mapping[str, str]) -> Tree:
    """Group dotted names."""
    root: Tree = {}
    for name, value in fields.items():
        node = root
        *above, last = name.split(".")
        if len(above) > 16:  # noqa: PLR2004 - deeper than any shape of the models
            raise AwsError("MalformedQueryString", f"The parameter {name[:100]} is nested too deeply.")
        for part in above:
            below = node.setdefault(part, {})
            if isinstance(below, str):
                below = node[part] = {}
            node = below
        if isinstance(node.get(last), dict):
            continue
        node[last] = value
    return root


def _structure(shape: Any, tree: Tree, ec2: bool, path: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, member in shape.members.items():
        wire = wire_name(name, member, ec2=ec2)
        node = tree.get(wire)
        if node is None and member.type_name == "list" and member.serialization.get("flattened"):
            node = tree.get(str(member.member.serialization.get("name", wire)))
        if node is None:
            continue
        value = _value(member, node, ec2, f"{path}.{wire}" if path else wire, name)
        if value is not None:
            values[name] = value
    return values


def _value(shape: Any, node: Tree | str, ec2: bool, path: str, name: str) -> Any:
    if shape.type_name == "structure":
        return _structure(shape, node, ec2, path) if isinstance(node, dict) else None
    if shape.type_name == "list":
        return _list(shape, node, ec2, path) if isinstance(node, dict) else [] if not ec2 and node == "" else None
    if shape.type_name == "map":
        return _map(shape, node, ec2, path) if isinstance(node, dict) else None
    if not isinstance(node, str):
        raise AwsError("InvalidParameterValue", f"The parameter {path} takes one value, not parts of it.")
    if node == "" and name not in _MEANINGFUL_WHEN_EMPTY:
        return None
    return _scalar(shape, node, path)


def _list(shape: ListShape, node: Tree, ec2: bool, path: str) -> list[Any]:
    if not ec2 and not shape.serialization.get("flattened"):
        inner = node.get(str(shape.member.serialization.get("name", "member")))
        if not isinstance(inner, dict):
            return []
        node = inner
    numbered = []
    for key, below in node.items():
        if not re.fullmatch(r"[0-9]{1,9}", key):
            raise AwsError("InvalidParameterValue", f"{path}.{key[:50]} is no numbered item of a list.")
        numbered.append((int(key), below))
    items = (
        _value(shape.member, below, ec2, f"{path}.{number}", "Values" if shape.member.type_name == "string" else "")
        for number, below in sorted(numbered, key=lambda item: item[0])
    )
    return [item for item in items if item is not None]


def _map(shape: Any, node: Tree, ec2: bool, path: str) -> dict[str, Any]:
    entries = node if shape.serialization.get("flattened") else node.get("entry", {})
    values: dict[str, Any] = {}
    if isinstance(entries, dict):
        for entry in entries.values():
            if isinstance(entry, dict) and isinstance(key := entry.get("key"), str):
                values[key] = _value(shape.value, entry.get("value", ""), ec2, f"{path}.{key}", "Value")
    return values


def _scalar(shape: Shape, text: str, path: str) -> Any:
    kind = shape.type_name
    if kind == "boolean":
        if text.lower() not in {"true", "false"}:
            raise _invalid(text, path, "Expecting true or false.")
        return text.lower() == "true"
    if kind in {"integer", "long"}:
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", text.strip()):
            raise _invalid(text, path, "Expecting a number.")
        return int(text)
    if kind in {"float", "double"}:
        if not re.fullmatch(r"[+-]?[0-9]{1,19}(\.[0-9]{1,19})?([eE][+-]?[0-9]{1,3})?", text.strip()):
            raise _invalid(text, path, "Expecting a number.")
        return float(text)
    if kind == "blob":
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as wrong:
            raise _invalid(text, path, "Invalid BASE64 encoding.") from wrong
    return text


def _invalid(value: str, path: str, expected: str) -> AwsError:
    return AwsError("InvalidParameterValue", f"Value ({value[:100]}) for parameter {path} is invalid. {expected}")
