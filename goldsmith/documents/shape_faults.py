"""Reading an AWS-shaped block from YAML or JSON; what does not fit becomes faults, each at its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from goldsmith.documents.composing import compose
from goldsmith.documents.faults import Faults, shown
from goldsmith.documents.nodes import Mapping, Node, Scalar, Sequence, is_null
from goldsmith.documents.reading import described, read_map
from goldsmith.documents.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from goldsmith.documents.source import Mark

AnyShape = TypeVar("AnyShape", bound=Shape)

_QUOTED = re.compile(r"'([^']*)'")
_EXPECTED = {
    "model_type": "a map",
    "dict_type": "a map",
    "tuple_type": "a list",
    "list_type": "a list",
    "string_type": "text",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_parsing_size": "a smaller number",
}
_SAYINGS = {
    "greater_than_equal": "must be {ge} or more, but is {value}",
    "less_than_equal": "must be {le} or less, but is {value}",
    "string_too_short": "must have {min_length} characters or more",
    "string_too_long": "must have {max_length} characters or fewer",
    "too_short": "must hold {min_length} or more, but holds {actual_length}",
    "too_long": "must hold {max_length} or fewer, but holds {actual_length}",
}


def read_shape(text: str, file: str, model: type[AnyShape], what: str) -> AnyShape:
    """Return the block of a whole file; ``what`` names it in faults.

    Raises DocumentError with every fault at once.
    """
    faults = Faults()
    root = read_map(compose(text, file), what, faults)
    shape = None
    if root is not None:
        try:
            shape = model.model_validate(_texts(root))
        except ValidationError as error:
            for each in error.errors(include_url=False):
                if not _is_echo(each, root):
                    _note(each, root, model, what, faults)
    faults.raise_any()
    if shape is None:
        raise AssertionError("a block without faults could not be read")
    return shape


def _texts(node: Node) -> Any:
    match node:
        case Mapping(_, entries):
            return {key: _texts(entry.node) for key, entry in entries.items() if not is_null(entry.node)}
        case Sequence(_, items):
            return [_texts(item) for item in items]
        case Scalar():
            return None if is_null(node) else node.text


def _note(error: ErrorDetails, root: Mapping, model: type[BaseModel], what: str, faults: Faults) -> None:
    context = error.get("ctx", {})
    place = (*error["loc"], *context.get("at", ()))
    path = _path(place)
    if error["type"] == "missing":
        parent = _path(place[:-1]) or what
        faults.add(_mark(root, place[:-1]), f"{parent} needs {place[-1]}.")
    elif error["type"] == "extra_forbidden":
        parent = _path(place[:-1]) or what
        known = _keys(model, place[:-1])
        key = str(place[-1])
        faults.add_unknown(_key_mark(root, place), f"{parent} has no key '{shown(key)}'.", key, known)
    elif error["type"] == "literal_error":
        choices = _QUOTED.findall(str(context.get("expected", "")))
        said = " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))
        value = _said(root, place)
        faults.add_unknown(_mark(root, place), f"{path} must be {said}, but is {value}.", value.strip("'"), choices)
    else:
        faults.add(_mark(root, place), f"{path} {_saying(error, root)}.", meant=str(context.get("meant", "")))


def _is_echo(error: ErrorDetails, root: Mapping) -> bool:
    """Whether a list counts as too short only because items in it are wrong, which is said already."""
    node = _node(root, error["loc"])
    return error["type"] == "too_short" and isinstance(node, Sequence) and bool(node.items)


def _saying(error: ErrorDetails, root: Mapping) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}, but is {_said(root, error['loc'])}"
    if kind in _SAYINGS:
        return _SAYINGS[kind].format(**context, value=_said(root, error["loc"]))
    return " ".join(error["msg"].split()).rstrip(".")


def _path(place: Iterable[str | int]) -> str:
    path = ""
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part != "[key]":
            path += f".{part}" if path else shown(part)
    return path


def _node(root: Mapping, place: Iterable[str | int]) -> Node:
    node: Node = root
    for part in place:
        if isinstance(node, Mapping) and part in node.entries:
            node = node.entries[str(part)].node
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
    return node


def _mark(root: Mapping, place: tuple[str | int, ...]) -> Mark:
    return _key_mark(root, place[:-1]) if place and place[-1] == "[key]" else _node(root, place).mark


def _key_mark(root: Mapping, place: tuple[str | int, ...]) -> Mark:
    parent = _node(root, place[:-1])
    entry = parent.entries.get(str(place[-1])) if isinstance(parent, Mapping) else None
    return entry.mark if entry else parent.mark


def _said(root: Mapping, place: tuple[str | int, ...]) -> str:
    node = _node(root, place)
    return f"'{shown(node.text)}'" if isinstance(node, Scalar) and not is_null(node) else described(node)


def _keys(model: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    for part in place:
        field = next((each for each in model.model_fields.values() if each.alias == part), None)
        model = (_model_in(field.annotation) if field else None) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
