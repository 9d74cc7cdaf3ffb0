"""What a request gives as text or as the place of a text, and shapes that the model alone does not check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from goldsmith.aws.buckets import BucketError, open_bucket
from goldsmith.aws.imagebuilder.refusals import contradictory, invalid

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.aws.models import Operation
    from goldsmith.documents.shape import Shape

LONGEST = 64 << 10
"""Bytes of a document that is read from a bucket (1.9)."""

AnyShape = TypeVar("AnyShape", bound="Shape")


def read_document(call: Call, parameters: dict[str, Any], *, data: str = "data", uri: str = "uri") -> str:
    """Return the text that a request gives either itself or as an object of a bucket, which is read once, now."""
    given = [name for name in (data, uri) if parameters.get(name)]
    if len(given) != 1:
        raise contradictory(call.operation, f"You must specify either {data} or {uri}, and not both.")
    if given[0] == data:
        return str(parameters[data])
    address = str(parameters[uri])
    bucket, _, key = address.removeprefix("s3://").partition("/")
    if not address.startswith("s3://") or not bucket or not key:
        raise invalid(call.operation, uri, "Invalid S3 URI: it has the form s3://bucket/key.")
    try:
        with open_bucket(call.cloud, call.account.id, bucket).read(key) as content:
            read = content.read(LONGEST + 1)
    except BucketError as missing:
        raise invalid(call.operation, uri, str(missing)) from missing
    if len(read) > LONGEST:
        raise invalid(call.operation, uri, f"The object has more than {LONGEST} bytes.")
    try:
        return read.decode()
    except UnicodeDecodeError as wrong:
        raise invalid(call.operation, uri, "The object is no UTF-8 text.") from wrong


def read_members(
    operation: Operation, shape: type[AnyShape], parameters: dict[str, Any], *, under: str = ""
) -> AnyShape:
    """Return a request's members as a shape of ours; refuse the first that does not fit, at its path.

    ``under`` is the path of the members themselves where they are not the request's own.
    """
    known = {field.alias or name for name, field in shape.model_fields.items()}
    try:
        return shape.model_validate({name: value for name, value in parameters.items() if name in known})
    except ValidationError as wrong:
        fault = wrong.errors(include_url=False)[0]
        place = (*fault["loc"], *fault.get("ctx", {}).get("at", ()))
        path = under
        for part in place:
            path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
        raise invalid(operation, path or "request", f"{path} {fault['msg'].rstrip('.')}.".strip()) from wrong
