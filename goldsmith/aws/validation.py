"""Parameters against botocore's model: what is required, of which type, in which range, of which values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.wire.query import wire_name

if TYPE_CHECKING:
    from botocore.model import Shape

    from goldsmith.aws.models import Operation

OPEN_ENUMS = {"InstanceType", "ResourceType", "SnapshotAttributeName", "InstanceAttributeName", "ImageAttributeName"}
"""Shapes whose values the model lists, but an operator may extend, or whose refusal has words of its own."""

OUTER_EC2 = {"ec2"}


def validate(operation: Operation, parameters: dict[str, Any]) -> None:
    """Raise AwsError for the first member that the model does not allow."""
    shape = operation.model.input_shape
    if shape is not None:
        _Check(operation).structure(shape, parameters, "")


class _Check:
    """Walks one request; knows the codes in which its service refuses."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.ec2 = operation.protocol == "ec2"

    def structure(self, shape: Any, values: dict[str, Any], path: str) -> None:
        for name in shape.required_members:
            if values.get(name) is None:
                raise self._missing(self._wire(name, shape.members[name]), path)
        for name, value in values.items():
            member = shape.members.get(name)
            if member is not None and value is not None:
                self.value(member, value, f"{path}.{self._wire(name, member)}" if path else self._wire(name, member))

    def value(self, shape: Any, value: Any, path: str) -> None:
        kind = shape.type_name
        if kind == "structure":
            self.structure(shape, value, path)
        elif kind == "list":
            self._bounds(shape, len(value), path, "length")
            for number, each in enumerate(value, 1):
                self.value(shape.member, each, f"{path}.{number}")
        elif kind == "map":
            self._bounds(shape, len(value), path, "length")
            for each in value.values():
                self.value(shape.value, each, path)
        elif kind == "string":
            self._text(shape, value, path)
        elif kind in {"integer", "long", "float", "double"}:
            self._bounds(shape, value, path, "value")

    def _text(self, shape: Any, value: str, path: str) -> None:
        if shape.enum and shape.name not in OPEN_ENUMS and value not in shape.enum:
            known = f" Valid values: {', '.join(shape.enum)}." if len(shape.enum) <= 12 else ""  # noqa: PLR2004 - what a line holds
            raise self._wrong(f"Value ({value[:200]}) for parameter {path} is invalid.{known}")
        self._bounds(shape, len(value), path, "length")
        pattern = shape.metadata.get("pattern")
        if pattern and not _matches(pattern, value):
            raise self._wrong(
                f"Value ({value[:200]}) for parameter {path} is invalid. Expecting the pattern {pattern}."
            )

    def _bounds(self, shape: Shape, number: float, path: str, what: str) -> None:
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if low is not None and number < low:
            raise self._wrong(f"The {what} {number} of parameter {path} is invalid. Expecting at least {low}.")
        if high is not None and number > high:
            raise self._wrong(f"The {what} {number} of parameter {path} is invalid. Expecting at most {high}.")

    def _wire(self, name: str, shape: Shape) -> str:
        return wire_name(name, shape, ec2=True) if self.ec2 else name

    def _missing(self, name: str, path: str) -> AwsError:
        where = f"{path}.{name}" if path else name
        if self.ec2:
            return AwsError("MissingParameter", f"The request must contain the parameter {where}")
        if self.operation.protocol == "query":
            return AwsError("ValidationError", f"The request must contain the parameter {where}.")
        return self._wrong(f"The request must contain the parameter {where}.")

    def _wrong(self, message: str) -> AwsError:
        if self.ec2:
            return AwsError("InvalidParameterValue", message)
        if self.operation.protocol == "query":
            return AwsError("ValidationError", message)
        return AwsError("ValidationException", message, Reason="INVALID_PARAMETER_VALUE")


def _matches(pattern: str, value: str) -> bool:
    """Match a model's pattern; one that Python cannot read, or that is no whole-text pattern, lets pass."""
    try:
        return re.search(pattern, value[:4096]) is not None
    except re.error:
        return True
