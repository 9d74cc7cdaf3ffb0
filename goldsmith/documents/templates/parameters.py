"""A template's parameters: which value each has, and whether it may (CloudFormation's guide, "Parameters")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goldsmith.documents.faults import Faults, near_name, shown
from goldsmith.documents.nodes import Mapping, Scalar, Sequence
from goldsmith.documents.reading import read_map
from goldsmith.documents.source import DocumentError, Fault
from goldsmith.documents.templates.dependencies import named_resources
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    import collections.abc
    from collections.abc import Callable

    from goldsmith.documents.source import Mark
    from goldsmith.documents.templates.template import Template
    from goldsmith.documents.templates.values import Value

_STORED = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_NUMBER = re.compile(r"[-+]?[0-9]{1,300}(\.[0-9]{1,300})?")
_TYPES = re.compile(
    r"String|Number|CommaDelimitedList|List<(?:Number|String)>|AWS::SSM::Parameter::Name|AWS::[A-Za-z0-9:]+|List<AWS::[A-Za-z0-9:]+>"
)


class ParameterError(GoldsmithError):
    """A value was given for a parameter that the template does not have."""

    exit_code = 2


def settle(
    template: Template, given: collections.abc.Mapping[str, str], stored: Callable[[str, str], str]
) -> dict[str, Value]:
    """Return the value of every parameter; ``stored`` gives a value of the Parameter Store by its name and type.

    Those that nothing refers to are not looked up, as CDK's templates have one for CDK itself.

    Raises ParameterError for a name that the template lacks, DocumentError for values that may not be.
    """
    declared = template.parameters.entries
    for name in given:
        if name not in declared:
            near = near_name(name, declared)
            raise ParameterError(
                f"{template.file} has no parameter {name}.",
                mend=f"Did you mean {near}?" if near else f"It has: {', '.join(declared) or 'none'}.",
            )
    faults = Faults()
    used = _used(template)
    values: dict[str, Value] = {}
    for name, entry in declared.items():
        body = read_map(entry.node, f"The parameter {shown(name)}", faults)
        if body is not None:
            look_up = stored if name in used else _as_written
            values[name] = _value(name, body, entry.mark, given.get(name), look_up, faults)
    faults.raise_any()
    return values


def _used(template: Template) -> set[str]:
    nodes = [template.conditions, *(each.properties for each in template.resources.values())]
    return {name for node in nodes for name, _ in named_resources(node)}


def _as_written(text: str, _: str) -> str:
    return text


def _value(
    name: str, body: Mapping, mark: Mark, given: str | None, stored: Callable[[str, str], str], faults: Faults
) -> Value:
    kind = _text(body, "Type") or "String"
    of_store = _STORED.fullmatch(kind)
    if not _TYPES.fullmatch(of_store[1] if of_store else kind):
        faults.add(mark, f"The parameter {shown(name)} is of a type that there is not: '{shown(kind)}'.")
    text = given if given is not None else _text(body, "Default")
    if text is None:
        faults.add(mark, f"The parameter {shown(name)} has no value: give one with --parameter {shown(name)}=VALUE.")
        return ""
    problem = _problem(body, kind, text)
    if problem:
        constraint = _text(body, "ConstraintDescription")
        said = f" ({shown(constraint)})" if constraint else ""
        faults.add(mark, f"The parameter {shown(name)} {problem}, but is '{shown(text)}'.{said}")
        return text
    if of_store:
        try:
            text = stored(text, of_store[1])
        except GoldsmithError as error:
            faults.add(mark, f"The parameter {shown(name)} stands for {text} of the Parameter Store: {error.message}")
            return ""
        kind = of_store[1]
    return _items(text) if kind == "CommaDelimitedList" or kind.startswith("List<") else text


def _items(text: str) -> list[Value]:
    return [item.strip() for item in text.split(",")] if text else []


def _problem(body: Mapping, kind: str, text: str) -> str:
    """Return what a value must be and is not; empty when it may be."""
    allowed = [each.text for each in _scalars(body, "AllowedValues")]
    items = text.split(",") if kind == "CommaDelimitedList" or kind.startswith("List<") else [text]
    if allowed and not all(item.strip() in allowed for item in items):
        return f"must be one of {', '.join(allowed[:20])}"
    pattern = _text(body, "AllowedPattern")
    if pattern and not _fits(pattern, text):
        return f"must match {shown(pattern)}"
    if kind == "Number":
        return _number_problem(body, text)
    return _length_problem(body, text)


def _fits(pattern: str, text: str) -> bool:
    """Tell whether a text matches; a pattern that needs more than RE2, which cannot be made to hang, is not checked."""
    import re2  # noqa: PLC0415  # a native library that few templates need

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options).fullmatch(text) is not None
    except re2.error:
        return True


def _number_problem(body: Mapping, text: str) -> str:
    if not _NUMBER.fullmatch(text):
        return "must be a number"
    least, most = _number(body, "MinValue"), _number(body, "MaxValue")
    if least is not None and float(text) < least:
        return f"must be {least:g} or more"
    return f"must be {most:g} or less" if most is not None and float(text) > most else ""


def _length_problem(body: Mapping, text: str) -> str:
    least, most = _number(body, "MinLength"), _number(body, "MaxLength")
    if least is not None and len(text) < least:
        return f"must have {least:g} characters or more"
    return f"must have {most:g} characters or fewer" if most is not None and len(text) > most else ""


def _number(body: Mapping, key: str) -> float | None:
    text = _text(body, key)
    return float(text) if text and _NUMBER.fullmatch(text) else None


def _text(body: Mapping, key: str) -> str | None:
    entry = body.entries.get(key)
    if entry is None:
        return None
    if not isinstance(entry.node, Scalar):
        raise DocumentError((Fault(entry.node.mark, f"{key} must be text."),))
    return entry.node.text


def _scalars(body: Mapping, key: str) -> list[Scalar]:
    entry = body.entries.get(key)
    items = entry.node.items if entry and isinstance(entry.node, Sequence) else ()
    return [item for item in items if isinstance(item, Scalar)]
