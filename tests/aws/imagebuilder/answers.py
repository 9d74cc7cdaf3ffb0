"""Answers held against the model, by the very bytes: boto3 reads anything."""

from __future__ import annotations

import json
import re

TYPES = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float),
    "structure": dict,
    "map": dict,
    "list": list,
}
ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


def checked(client):
    """Return a boto3 client of Image Builder each of whose answers must be what the model says."""
    client.meta.events.register("after-call.imagebuilder", _check, unique_id="goldsmith-checked")
    return client


def faults_of(shape, value, path=""):
    """Yield what is wrong with a JSON value that should be of a shape."""
    kind = shape.type_name
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{path} is {value!r} and no {kind}"
    elif kind == "structure":
        yield from (f"{path}.{name} is unknown" for name in value if name not in shape.members)
        yield from (f"{path}.{name} is missing" for name in shape.required_members if name not in value)
        for name, each in value.items():
            if name in shape.members:
                yield from faults_of(shape.members[name], each, f"{path}.{name}")
    elif kind == "list":
        for number, each in enumerate(value):
            yield from faults_of(shape.member, each, f"{path}[{number}]")
    elif kind == "map":
        for key, each in value.items():
            yield from faults_of(shape.value, each, f"{path}.{key}")
    elif kind == "string":
        yield from _text_faults(shape, value, path)


def _text_faults(shape, value, path):
    if shape.enum and value not in shape.enum:
        yield f"{path} is {value}, which is none of {shape.enum}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.search(pattern, value):
        yield f"{path} is {value}, which does not match {pattern}"
    if shape.name == "DateTime" and not ISO.fullmatch(value):
        yield f"{path} is {value} and no time"


def _check(http_response, model, **_):
    if http_response.status_code >= 300:
        return
    assert http_response.headers["x-amzn-RequestId"]
    assert http_response.status_code == 200
    body = json.loads(http_response.content)
    faults = list(faults_of(model.output_shape, body))
    assert not faults, f"{model.name}: {faults}"
    if "requestId" in model.output_shape.members:
        assert body["requestId"]
