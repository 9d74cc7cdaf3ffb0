"""Parameters against botocore's model: what is required, of which type, in which range, of which values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.refusals import invalid
from goldsmith.aws.wire.query import wire_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape

    from goldsmith.aws.models import Operation

OPEN_ENUMS = {
    "FleetOnDemandAllocationStrategy",
    "ImageAttributeName",
    "InstanceAttributeName",
    "InstanceType",
    "ResourceType",
    "SnapshotAttributeName",
    "SpotAllocationStrategy",
}
"""Shapes whose values the model lists, but an operator may extend, or whose refusal has words of its own."""

NUMBERS = {"integer", "long", "float", "double"}
MEASURED = {"string", "list", "map", *NUMBERS}
SHORT_ENUM = 12
"""Values that EC2's refusal still names."""

LONGEST_MATCHED = 4096
"""Characters of a value that is held against its pattern."""

LONGEST_SHOWN = 1024
"""Characters of a value that a refusal repeats."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with one member: ``rule`` is missing, enum, pattern, least or most; ``path`` leads to it.

    ``member`` is set for a plain value in a list or map, or for a map's key: its shape, of which all rules are told at
    once.
    """

    path: str
    shape: Shape = field(repr=False)
    value: Any
    rule: str
    member: Shape | None = None
    of_key: bool = False


def validate(operation: Operation, parameters: dict[str, Any]) -> None:
    """Raise AwsError for members that the model does not allow: EC2 tells the first, other services tell all."""
    shape = operation.model.input_shape
    if shape is None:
        return
    ec2 = operation.protocol == "ec2"
    faults = _Walk(ec2=ec2).structure(shape, parameters, "")
    if ec2:
        if fault := next(faults, None):
            raise _ec2_refusal(fault)
    elif found := list(faults):
        raise _refusal(operation, found)


@dataclass(frozen=True)
class _Walk:
    """Goes through one request and yields its faults; names members as the service does."""

    ec2: bool

    def structure(self, shape: Any, values: dict[str, Any], path: str) -> Iterator[Fault]:
        """Look at members. To EC2 a required text that is empty is not there."""
        for name in shape.required_members:
            if values.get(name) is None or (self.ec2 and values[name] == ""):
                yield Fault(self._join(path, name, shape.members[name]), shape.members[name], None, "missing")
        for name, value in values.items():
            member = shape.members.get(name)
            if member is not None and value is not None:
                yield from self._value(member, value, self._join(path, name, member))

    def _value(self, shape: Any, value: Any, path: str) -> Iterator[Fault]:
        yield from (Fault(path, shape, value, rule) for rule in _broken(shape, value))
        kind = shape.type_name
        if kind == "structure":
            yield from self.structure(shape, value, path)
        elif kind == "list":
            for number, each in enumerate(value, 1):
                yield from self._element(shape, shape.member, value, each, path, str(number))
        elif kind == "map":
            for key, each in value.items():
                if rule := next(_broken(shape.key, key), None):
                    yield Fault(path, shape, value, rule, shape.key, of_key=True)
                yield from self._element(shape, shape.value, value, each, path, key)

    def _element(self, shape: Any, member: Any, whole: Any, each: Any, path: str, place: str) -> Iterator[Fault]:
        if self.ec2:
            yield from self._value(member, each, f"{path}.{place}")
        elif member.type_name in {"structure", "list", "map"}:
            yield from self._value(member, each, f"{path}.{place}.member")
        elif rule := next(_broken(member, each), None):
            yield Fault(path, shape, whole, rule, member)

    def _join(self, path: str, name: str, shape: Shape) -> str:
        step = wire_name(name, shape, ec2=True) if self.ec2 else name[0].lower() + name[1:]
        return f"{path}.{step}" if path else step


def _broken(shape: Any, value: Any) -> Iterator[str]:
    """Yield the rules of a shape that a value breaks, without those of what is inside."""
    kind = shape.type_name
    if kind not in MEASURED:
        return
    if kind == "string" and shape.enum and shape.name not in OPEN_ENUMS and value not in shape.enum:
        yield "enum"
    size = value if kind in NUMBERS else len(value)
    if "max" in shape.metadata and size > shape.metadata["max"]:
        yield "most"
    if "min" in shape.metadata and size < shape.metadata["min"]:
        yield "least"
    pattern = shape.metadata.get("pattern")
    if pattern and kind == "string" and not _matches(pattern, value):
        yield "pattern"


def _ec2_refusal(fault: Fault) -> AwsError:
    """Return EC2's words."""
    if fault.rule == "missing" and fault.shape.type_name == "list" and fault.path == "InstanceId":
        return AwsError("InvalidParameterCombination", "No instances specified")
    if fault.rule == "missing":
        return AwsError("MissingParameter", f"The request must contain the parameter {fault.path}")
    shape = fault.shape
    if fault.rule in {"least", "most"}:
        limit = shape.metadata["min" if fault.rule == "least" else "max"]
        what, size = ("value", fault.value) if shape.type_name in NUMBERS else ("length", len(fault.value))
        bound = f"at {fault.rule} {limit}"
        said = f"The {what} {size} of parameter {fault.path} is invalid. Expecting {bound}."
    else:
        said = f"Value ({str(fault.value)[:200]}) for parameter {fault.path} is invalid."
        values = list(shape.metadata.get("enum", ()))
        if fault.rule == "pattern":
            said += f" Expecting the pattern {shape.metadata['pattern']}."
        elif len(values) <= SHORT_ENUM:
            said += f" Valid values: {', '.join(values)}."
    return AwsError("InvalidParameterValue", said)


def _refusal(operation: Operation, faults: list[Fault]) -> AwsError:
    """Return the words that all of AWS's other services share, or Image Builder's own."""
    if operation.service == "imagebuilder":
        first = faults[0]
        path = re.sub(r"\.([0-9]+)(\.member)?\b", lambda place: f"[{int(place[1]) - 1}]", first.path)
        name = path.rpartition(".")[2]
        if first.rule == "pattern":
            return invalid(
                operation, path, f"{name} must match pattern {(first.member or first.shape).metadata['pattern']}."
            )
        return invalid(operation, path, f"{name}: {_constraint(first)}.")
    told = "; ".join(
        f"Value {_shown(each)} at '{each.path}' failed to satisfy constraint: {_constraint(each)}" for each in faults
    )
    message = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected: {told}"
    if operation.protocol == "query":
        return AwsError("ValidationError", message)
    return AwsError("ValidationException", message, Reason="INVALID_PARAMETER_VALUE")


def _shown(fault: Fault) -> str:
    if fault.value is None:
        return "null"
    if fault.shape.type_name == "list":
        return f"'[{', '.join(map(str, fault.value))[:LONGEST_SHOWN]}]'"
    return f"'{str(fault.value)[:LONGEST_SHOWN]}'"


def _constraint(fault: Fault) -> str:
    if fault.member is not None:
        rules = (rule for rule in ("most", "least", "enum", "pattern") if _has(fault.member, rule))
        whose = "Member"
        if fault.shape.type_name == "map":
            whose = "Map key" if fault.of_key else "Map value"
        return f"{whose} must satisfy constraint: [{', '.join(_rule(fault.member, rule) for rule in rules)}]"
    return _rule(fault.shape, fault.rule)


def _has(shape: Shape, rule: str) -> bool:
    names = {"most": "max", "least": "min"}
    return names.get(rule, rule) in shape.metadata


def _rule(shape: Shape, rule: str) -> str:
    if rule == "missing":
        return "Member must not be null"
    if rule == "enum":
        return f"Member must satisfy enum value set: [{', '.join(shape.metadata['enum'])}]"
    if rule == "pattern":
        return f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"
    what = "value" if shape.type_name in NUMBERS else "length"
    if rule == "least":
        return f"Member must have {what} greater than or equal to {shape.metadata['min']}"
    return f"Member must have {what} less than or equal to {shape.metadata['max']}"


def _matches(pattern: str, value: str) -> bool:
    """Match a model's pattern with a whole text; one that Python cannot read lets pass, and so do long texts."""
    try:
        return len(value) > LONGEST_MATCHED or re.fullmatch(pattern, value) is not None
    except re.error:
        return True
