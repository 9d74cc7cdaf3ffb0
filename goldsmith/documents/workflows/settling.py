"""A step's inputs, resolved, brought to the types that its action declares (5.3)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from goldsmith.documents.faults import shown
from goldsmith.documents.workflows.inputs import LONGEST_JSON
from goldsmith.documents.workflows.resolution import UnresolvedError, as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.documents.workflows.action_rule import ActionRule, Input

_FLAGS = {"true": True, "false": False}


def settle_inputs(rule: ActionRule, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return an action's inputs with text, flags, lists and maps as declared. Raises UnresolvedError for others."""
    declared = {each.name: each for each in rule.inputs}
    return {name: _settled(value, declared[name], rule.name) for name, value in inputs.items()}


def _settled(value: Any, declared: Input, action: str) -> Any:  # noqa: PLR0911  # one return a kind
    match declared.kind:
        case "text" if not isinstance(value, list | dict) and value is not None:
            text = as_text(value)
            if not declared.choices or text in declared.choices:
                return text
        case "json" if len(as_text(value).encode()) <= LONGEST_JSON and _is_json(as_text(value)):
            return as_text(value)
        case "flag" if isinstance(value, bool) or value in _FLAGS:
            return value if isinstance(value, bool) else _FLAGS[value]
        case "texts" if isinstance(value, list):
            return [as_text(each) for each in value]
        case "textLists" if isinstance(value, dict):
            return {key: [as_text(each) for each in _listed(item)] for key, item in value.items()}
        case "map" if isinstance(value, dict):
            return value
        case "list" if isinstance(value, list):
            return value
        case "any":
            return value
    said = shown(json.dumps(value, ensure_ascii=False))
    raise UnresolvedError(f"{action}'s {declared.name} cannot be {said}.", mend=f"It is: {declared.description}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
