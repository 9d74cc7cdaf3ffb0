"""Reading a workflow step's ``if`` (5.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from goldsmith.documents.faults import shown
from goldsmith.documents.nodes import Mapping, Scalar, Sequence, is_null, plain
from goldsmith.documents.reading import check_keys, described, read_list, read_map
from goldsmith.documents.workflows.paths import parse_value
from goldsmith.documents.workflows.step import Comparison, Logic

if TYPE_CHECKING:
    from goldsmith.documents.faults import Faults
    from goldsmith.documents.nodes import Node
    from goldsmith.documents.workflows.step import Expression

MAX_LEVELS = 4
MAX_OPERANDS = 10

OPERATORS = {
    "booleanEquals": "Value is the boolean.",
    "numberEquals": "Value equals the number.",
    "numberGreaterThan": "Value is greater than the number.",
    "numberGreaterThanEquals": "Value is at least the number.",
    "numberLessThan": "Value is less than the number.",
    "numberLessThanEquals": "Value is at most the number.",
    "stringEquals": "Value, as text, is the text, letter for letter.",
}
LOGIC = ("and", "or", "not")
NUMBER = re.compile(r"-?[0-9]{1,300}(?:\.[0-9]{1,300})?")

_EVERY_OPERATOR = (*LOGIC, *OPERATORS)
_BOOLEANS = ("true", "false")


def read_condition(node: Node, faults: Faults) -> Expression | None:
    """Return a step's ``if``, a map or a list of one, or None and faults."""
    mapping = read_map(_single(node, faults), "An if", faults)
    return _expression(mapping, "An if", 1, faults) if mapping else None


def _single(node: Node, faults: Faults) -> Node:
    if not isinstance(node, Sequence) or not node.items:
        return node
    if len(node.items) > 1:
        faults.add(node.items[1].mark, "Only one condition can stand here; join several with and or or.")
    return node.items[0]


def _expression(mapping: Mapping, what: str, level: int, faults: Faults) -> Expression | None:
    if level > MAX_LEVELS:
        faults.add(mapping.mark, f"Conditions have at most {MAX_LEVELS} levels, and this is one more.")
        return None
    names = [key for key in mapping.entries if key in _EVERY_OPERATOR]
    if len(names) > 1:
        mark = mapping.entries[names[1]].mark
        faults.add(mark, f"{what} has one operator, but here are {' and '.join(names)}; join them with and or or.")
        return None
    if not names:
        _note_missing_operator(mapping, what, faults)
        return None
    name = names[0]
    check_keys(mapping, (name,) if name in LOGIC else (name, "value"), f"A condition with {name}", faults)
    node = mapping.entries[name].node
    return _logic(name, node, level, faults) if name in LOGIC else _comparison(name, mapping, node, faults)


def _note_missing_operator(mapping: Mapping, what: str, faults: Faults) -> None:
    unknown = [(key, entry) for key, entry in mapping.entries.items() if key != "value"]
    for key, entry in unknown:
        faults.add_unknown(entry.mark, f"There is no operator '{shown(key)}'.", key, _EVERY_OPERATOR)
    if not unknown:
        faults.add(mapping.mark, f"{what} has no operator, such as stringEquals, booleanEquals, and, or, not.")


def _logic(name: str, node: Node, level: int, faults: Faults) -> Logic | None:
    operands = (_single(node, faults),) if name == "not" else _operands(name, node, faults)
    expressions: list[Expression] = []
    for operand in operands:
        mapping = read_map(operand, f"Each condition of {name}", faults)
        expression = _expression(mapping, f"A condition of {name}", level + 1, faults) if mapping else None
        if expression:
            expressions.append(expression)
    return Logic(name, tuple(expressions)) if expressions else None  # type: ignore[arg-type]


def _operands(name: str, node: Node, faults: Faults) -> tuple[Node, ...]:
    listed = read_list(node, name, faults)
    if listed is None:
        return ()
    if not 1 <= len(listed.items) <= MAX_OPERANDS:
        faults.add(node.mark, f"{name} has 1 to {MAX_OPERANDS} conditions, but here are {len(listed.items)}.")
    return listed.items


def _comparison(operator: str, mapping: Mapping, node: Node, faults: Faults) -> Comparison | None:
    baseline = _operand(node, operator, faults)
    if baseline is None:
        return None
    _check_baseline(operator, node, baseline, faults)
    entry = mapping.entries.get("value")
    if entry is None:
        faults.add(node.mark, f"{operator} needs a value beside it.")
        return None
    value = _operand(entry.node, "value", faults)
    return None if value is None else Comparison(operator, baseline, value)


def _operand(node: Node, what: str, faults: Faults) -> Any:
    if isinstance(node, Scalar) and not is_null(node):
        return plain(node) if node.kind in {"int", "float", "bool"} else node.text
    faults.add(node.mark, f"{what} must be text, a number, true or false, but is {described(node)}.")
    return None


def _check_baseline(operator: str, node: Node, baseline: Any, faults: Faults) -> None:
    text = cast("Scalar", node).text
    if not isinstance(parse_value(text), str):
        return
    if operator.startswith("number") and (isinstance(baseline, bool) or not NUMBER.fullmatch(text)):
        faults.add(node.mark, f"{operator} compares numbers, and '{shown(text)}' is none.")
    if operator == "booleanEquals" and not isinstance(baseline, bool) and text.lower() not in _BOOLEANS:
        faults.add(node.mark, f"booleanEquals compares with true or false, but here is '{shown(text)}'.")
