"""Reading a step's ``if`` and an Assert's expression (4.8)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from goldsmith.documents.component import Comparison, Condition, Logic
from goldsmith.documents.faults import shown
from goldsmith.documents.nodes import Mapping, Scalar, Sequence, is_null, plain
from goldsmith.documents.operators import LOGIC, OPERATORS, Operator
from goldsmith.documents.reading import check_keys, described, read_choice, read_list, read_map

if TYPE_CHECKING:
    from goldsmith.documents.component import Decision, Expression
    from goldsmith.documents.faults import Faults
    from goldsmith.documents.nodes import Node

MAX_NESTING = 4

_DECISIONS = ("Abort", "Execute", "Skip")
_BRANCHES = ("then", "else")
_EVERY_OPERATOR = (*LOGIC, *OPERATORS)
_NUMBER = re.compile(r"[-+]?([0-9]+[.])?[0-9]+")


def read_condition(node: Node, faults: Faults) -> Condition | None:
    """Return a step's ``if``, or None and faults."""
    mapping = read_map(_single(node, faults), "An if", faults)
    if mapping is None:
        return None
    expression = _expression(mapping, "An if", _BRANCHES, 0, faults)
    then = _decision(mapping, "then", faults) or "Execute"
    otherwise = _decision(mapping, "else", faults) or "Skip"
    return Condition(expression, then, otherwise) if expression else None


def read_assertion(node: Node, faults: Faults) -> Expression | None:
    """Return an Assert's expression, or None and faults."""
    mapping = read_map(_single(node, faults), "An Assert's inputs", faults)
    return _expression(mapping, "An Assert", (), 0, faults) if mapping else None


def _single(node: Node, faults: Faults) -> Node:
    if not isinstance(node, Sequence) or not node.items:
        return node
    if len(node.items) > 1:
        faults.add(node.items[1].mark, "Only one expression can stand here; join several with and or or.")
    return node.items[0]


def _decision(mapping: Mapping, key: str, faults: Faults) -> Decision | None:
    entry = mapping.entries.get(key)
    if entry is None or is_null(entry.node):
        return None
    return cast("Decision | None", read_choice(entry.node, key, _DECISIONS, faults))


def _expression(mapping: Mapping, what: str, extra: tuple[str, ...], nesting: int, faults: Faults) -> Expression | None:
    names = [key for key in mapping.entries if key in LOGIC or key in OPERATORS]
    if len(names) > 1:
        mark = mapping.entries[names[1]].mark
        faults.add(mark, f"{what} has one operator, but here are {' and '.join(names)}; join them with and or or.")
        return None
    if not names:
        _note_missing_operator(mapping, what, extra, faults)
        return None
    name = names[0]
    node = mapping.entries[name].node
    sibling = OPERATORS[name].sibling if name in OPERATORS else None
    check_keys(mapping, (name, *extra, *((sibling,) if sibling else ())), f"A condition with {name}", faults)
    if name in LOGIC:
        return _logic(name, node, nesting + 1, faults)
    return _comparison(OPERATORS[name], mapping, node, faults)


def _note_missing_operator(mapping: Mapping, what: str, extra: tuple[str, ...], faults: Faults) -> None:
    known = (*_EVERY_OPERATOR, *extra, "value", "path")
    unknown = [(key, entry) for key, entry in mapping.entries.items() if key not in known]
    for key, entry in unknown:
        faults.add_unknown(entry.mark, f"There is no operator '{shown(key)}'.", key, _EVERY_OPERATOR)
    if not unknown:
        faults.add(mapping.mark, f"{what} has no operator, such as stringEquals, fileExists, and, or, not.")


def _logic(name: str, node: Node, nesting: int, faults: Faults) -> Logic | None:
    if nesting > MAX_NESTING:
        faults.add(node.mark, f"Conditions are nested more than {MAX_NESTING} deep here.")
        return None
    operands = (_single(node, faults),) if name == "not" else _operands(name, node, faults)
    expressions: list[Expression] = []
    for operand in operands:
        mapping = read_map(operand, f"Each condition of {name}", faults)
        expression = _expression(mapping, f"A condition of {name}", (), nesting, faults) if mapping else None
        if expression:
            expressions.append(expression)
    return Logic(name, tuple(expressions)) if expressions else None  # type: ignore[arg-type]


def _operands(name: str, node: Node, faults: Faults) -> tuple[Node, ...]:
    listed = read_list(node, name, faults)
    if listed and not listed.items:
        faults.add(node.mark, f"{name} has no conditions.")
    return listed.items if listed else ()


def _comparison(operator: Operator, mapping: Mapping, node: Node, faults: Faults) -> Comparison | None:
    baseline = _operand(node, operator.name, faults)
    if baseline is None:
        return None
    _check_baseline(operator, node, baseline, faults)
    if operator.sibling is None:
        return Comparison(operator.name, baseline)
    entry = mapping.entries.get(operator.sibling)
    if entry is None:
        faults.add(node.mark, f"{operator.name} needs a {operator.sibling} beside it.")
        return None
    value = _operand(entry.node, operator.sibling, faults)
    return None if value is None else Comparison(operator.name, baseline, value)


def _operand(node: Node, what: str, faults: Faults) -> Any:
    if isinstance(node, Scalar):
        if node.kind in {"int", "float"}:
            return plain(node)
        return node.text
    faults.add(node.mark, f"{what} must be text or a number, but is {described(node)}.")
    return None


def _check_baseline(operator: Operator, node: Node, baseline: Any, faults: Faults) -> None:
    text = str(baseline)
    if "{{" in text:
        return
    if operator.baseline == "number" and not isinstance(baseline, int | float) and not _NUMBER.fullmatch(text):
        faults.add(node.mark, f"{operator.name} compares numbers, and '{shown(text)}' is none.")
    if operator.baseline == "pattern":
        _check_pattern(node, text, faults)


def _check_pattern(node: Node, pattern: str, faults: Faults) -> None:
    import re2  # noqa: PLC0415  # a native library that few documents need

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        faults.add(node.mark, f"'{shown(pattern)}' is not a regular expression of RE2: {reason}.")
