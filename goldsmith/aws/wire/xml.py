"""Answers in the query protocols: the model's result becomes XML."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from goldsmith.aws.wire.times import iso

if TYPE_CHECKING:
    from goldsmith.aws.errors import AwsError
    from goldsmith.aws.models import Operation

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, escaped or not."""


def render_answer(operation: Operation, result: dict[str, Any] | None, request_id: str) -> bytes:
    """Return the document of a success. An EC2 operation without an output shape answers "return: true"."""
    out: list[str] = [HEAD]
    shape = operation.model.output_shape
    ec2 = operation.protocol == "ec2"
    name = operation.name
    if ec2:
        out.append(f'<{name}Response xmlns="{operation.namespace}"><requestId>{request_id}</requestId>')
        if shape is None:
            out.append("<return>true</return>")
        else:
            _members(shape, result or {}, out, ec2=True)
    else:
        out.append(f'<{name}Response xmlns="{operation.namespace}">')
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{name}Result")
            out.append(f"<{wrapper}>")
            _members(shape, result or {}, out, ec2=False)
            out.append(f"</{wrapper}>")
        out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>")
    out.append(f"</{name}Response>")
    return "".join(out).encode()


def render_error(error: AwsError, request_id: str, *, ec2: bool) -> bytes:
    """Return the document of a refusal (EC2 API reference, "Error codes"; STS and IAM have the older form)."""
    code, message = _text(error.code), _text(error.message)
    if ec2:
        return (
            f"{HEAD}<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        ).encode()
    side = "Receiver" if error.status >= 500 else "Sender"  # noqa: PLR2004 - HTTP's server errors
    return (
        f"{HEAD}<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()


def _members(shape: Any, values: dict[str, Any], out: list[str], *, ec2: bool) -> None:
    for name, member in shape.members.items():
        value = values.get(name)
        if value is not None:
            _element(str(member.serialization.get("name", name)), member, value, out, ec2=ec2)


def _element(name: str, shape: Any, value: Any, out: list[str], *, ec2: bool) -> None:
    kind = shape.type_name
    if kind == "list":
        item = str(shape.member.serialization.get("name", "item" if ec2 else "member"))
        flat = shape.serialization.get("flattened")
        if not flat:
            out.append(f"<{name}>")
        for each in value:
            _element(name if flat else item, shape.member, each, out, ec2=ec2)
        if not flat:
            out.append(f"</{name}>")
        return
    out.append(f"<{name}>")
    if kind == "structure":
        _members(shape, value, out, ec2=ec2)
    elif kind == "map":
        for key, each in value.items():
            out.append("<entry>")
            _element("key", shape.key, key, out, ec2=ec2)
            _element("value", shape.value, each, out, ec2=ec2)
            out.append("</entry>")
    else:
        out.append(_scalar(kind, value))
    out.append(f"</{name}>")


def _scalar(kind: str, value: Any) -> str:
    if kind == "string":
        return _text(str(value))
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp" and isinstance(value, (int, float)):
        return iso(value)
    if kind == "blob":
        return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
    return _text(str(value))


def _text(value: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", value))
