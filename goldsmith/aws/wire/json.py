"""Requests and answers in JSON: the REST form (EBS direct, Image Builder) and the RPC form (SSM)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from goldsmith.aws.errors import AwsError
from goldsmith.aws.models import find_operation, service_model
from goldsmith.aws.wire.times import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel, StructureShape

    from goldsmith.aws.models import Operation

DEEPEST = 64
"""Levels of nesting; Python's own limit is near a thousand and must not be met."""


_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|([\[{\]}])', re.DOTALL)
"""A text, which is passed over as a whole, or a bracket."""


@dataclass(frozen=True)
class RestAnswer:
    """What goes back: a status, headers and a body."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


def find_rest_operation(service: str, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """Return the operation that a method and raw path mean, with the labels in its path."""
    for pattern, verb, name in _routes(service):
        match = pattern.fullmatch(path)
        if match and verb == method and (operation := find_operation(service, name)):
            return operation, {label: unquote(value) for label, value in match.groupdict().items()}
    return None


def parse_rest(
    model: OperationModel,
    labels: Mapping[str, str],
    query: list[tuple[str, str]],
    headers: Mapping[str, str],
    body: bytes,
) -> dict[str, Any]:
    """Return the parameters from where the model says that they are; a payload's bytes stay as they are."""
    shape = model.input_shape
    if shape is None:
        return {}
    payload = shape.serialization.get("payload")
    values: dict[str, Any] = {}
    in_body = {}
    for name, member in shape.members.items():
        wire = str(member.serialization.get("name", name))
        where = member.serialization.get("location")
        if where == "uri":
            values[name] = _from_text(member, labels.get(wire, ""), name)
        elif where == "querystring":
            found = [value for key, value in query if key == wire]
            if found:
                values[name] = found if member.type_name == "list" else _from_text(member, found[-1], name)
        elif where == "header":
            if (text := headers.get(wire.lower())) is not None:
                values[name] = _from_text(member, text, name)
        elif name == payload:
            values[name] = body
        else:
            in_body[name] = member
    if in_body:
        values |= _members(shape, _load(body), "")
    return values


def parse_rpc(model: OperationModel, body: bytes) -> dict[str, Any]:
    """Return the parameters of a request in the RPC form."""
    shape = model.input_shape
    return _members(shape, _load(body), "") if shape is not None else {}


def render_rest(operation: Operation, result: dict[str, Any] | None) -> RestAnswer:
    """Return a success: members in headers and in the body as the model says."""
    model = operation.model
    shape = model.output_shape
    status = int(model.http.get("responseCode", 200))
    values = dict(result or {})
    if "_status" in values:
        status = int(values.pop("_status"))
    headers: dict[str, str] = {}
    body: bytes | None = None
    for name, member in (shape.members if shape is not None else {}).items():
        if name not in values:
            continue
        if member.serialization.get("location") == "header":
            headers[str(member.serialization.get("name", name))] = str(values.pop(name))
        elif shape is not None and shape.serialization.get("payload") == name:
            body = values.pop(name)
    if body is not None:
        return RestAnswer(status, headers | {"Content-Type": "application/octet-stream"}, body)
    if status == HTTPStatus.NO_CONTENT:
        return RestAnswer(status, headers, b"")
    return RestAnswer(status, headers, json.dumps(_render(shape, values)).encode())


def render_rpc(operation: Operation, result: dict[str, Any] | None) -> bytes:
    """Return a success in the RPC form."""
    return json.dumps(_render(operation.model.output_shape, result or {})).encode()


@cache
def _routes(service: str) -> list[tuple[re.Pattern[str], str, str]]:
    """Return the patterns of a service's paths, those with fewer labels first."""
    found = []
    model = service_model(service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = str(http["requestUri"]).partition("?")[0]
        pattern = "".join(
            part if number % 2 == 0 else _label(part)
            for number, part in enumerate(re.split(r"\{([A-Za-z]+\+?)\}", path))
        )
        found.append((path.count("{"), re.compile(pattern), str(http["method"]), name))
    return [(pattern, method, name) for _, pattern, method, name in sorted(found, key=lambda row: (row[0], row[3]))]


def _label(name: str) -> str:
    return f"(?P<{name[:-1]}>.+)" if name.endswith("+") else f"(?P<{name}>[^/]+)"


def _load(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    if _nesting(body) > DEEPEST:
        raise AwsError("SerializationException", "The body is nested too deeply.")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as wrong:
        raise AwsError("SerializationException", f"The body is no JSON: {wrong}") from wrong
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "The body is no JSON object.")
    return value


def _nesting(body: bytes) -> int:
    """Return a bound of how deep brackets go that stand outside of texts."""
    deepest = depth = 0
    for found in _BRACKET.finditer(body):
        if not found[1]:
            continue
        depth += 1 if found[1] in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _members(shape: StructureShape, values: dict[str, Any], path: str) -> dict[str, Any]:
    """Return what the model knows of ``values``; anything else in it is left out."""
    out: dict[str, Any] = {}
    for name, member in shape.members.items():
        wire = str(member.serialization.get("name", name))
        if values.get(wire) is not None:
            out[name] = _value(member, values[wire], f"{path}.{wire}" if path else wire)
    return out


def _value(shape: Any, value: Any, path: str) -> Any:  # noqa: PLR0911 - one for each kind of shape
    kind = shape.type_name
    if kind == "structure":
        return _members(shape, _require(dict, value, path), path)
    if kind == "list":
        return [_value(shape.member, each, path) for each in _require(list, value, path)]
    if kind == "map":
        return {key: _value(shape.value, each, path) for key, each in _require(dict, value, path).items()}
    if kind == "boolean":
        return _require(bool, value, path)
    if kind in {"integer", "long"}:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return _require(int, value, path)
    if kind in {"float", "double"}:
        return float(_require((int, float), value, path))
    if kind == "blob":
        return _from_text(shape, _require(str, value, path), path)
    if kind == "timestamp":
        return value if isinstance(value, (int, float)) else _from_text(shape, _require(str, value, path), path)
    return _require(str, value, path)


def _require(kind: type | tuple[type, ...], value: Any, path: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise AwsError("SerializationException", f"{path} has a value of the wrong type.")
    return value


def _from_text(shape: Any, text: str, name: str) -> Any:
    kind = shape.type_name
    try:
        if kind in {"integer", "long"}:
            return int(re.fullmatch(r"[+-]?[0-9]{1,19}", text)[0])  # type: ignore[index]
        if kind in {"float", "double"}:
            return float(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
        if kind == "blob":
            return base64.b64decode(text, validate=True)
        if kind == "timestamp":
            return seconds(text)
    except (ValueError, KeyError, TypeError, binascii.Error) as wrong:
        raise AwsError("ValidationException", f"{name} has an invalid value.", Reason="INVALID_PARAMETER_VALUE") from (
            wrong
        )
    return text


def _render(shape: Any, value: Any) -> Any:  # noqa: PLR0911 - one for each kind of shape
    """Return a value with the model's wire names, times in seconds since the epoch and bytes in base 64."""
    if value is None or shape is None:
        return value if shape is not None else {}
    kind = shape.type_name
    if kind == "structure":
        return {
            str(member.serialization.get("name", name)): _render(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "list":
        return [_render(shape.member, each) for each in value]
    if kind == "map":
        return {key: _render(shape.value, each) for key, each in value.items()}
    if kind == "timestamp" and isinstance(value, str):
        if shape.serialization.get("timestampFormat") == "iso8601":
            return value
        return seconds(value)
    if kind == "blob" and isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value
