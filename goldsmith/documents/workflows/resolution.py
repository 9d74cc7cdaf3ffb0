"""The values of a workflow's references while it runs (5.2)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goldsmith.documents.workflows.paths import Path, Template, parse_path, parse_value, split_key
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Mapping


class UnresolvedError(GoldsmithError):
    """A reference has no value, or one that cannot stand where it is."""


@dataclass(frozen=True)
class Values:
    """What references can reach: JSON values by name, outputs of steps by step and name."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    step_outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    workflow_outputs: Mapping[str, Any] = field(default_factory=dict)
    imagebuilder: Mapping[str, Any] = field(default_factory=dict)

    def look_up(self, path: Path) -> Any:
        """Return the value at a path. Raises UnresolvedError."""
        value: Any = {
            "parameters": self.parameters,
            "stepOutputs": self.step_outputs,
            "workflowOutputs": self.workflow_outputs,
            "imagebuilder": self.imagebuilder,
        }
        for length, part in enumerate(path.parts, start=1):
            found = _member(value, part)
            if found is _NOTHING:
                raise UnresolvedError(f"{path} has no value.", mend=self._reason(path, length))
            value = found
        return value

    def _reason(self, path: Path, length: int) -> str:
        at = Path(path.parts[:length])
        if path.root == "stepOutputs" and length == 2:  # noqa: PLR2004  # root and step
            return f"Step {path.parts[1]} gave out nothing: it was skipped or it failed."
        return f"There is no {at}."


_NOTHING = object()


def _member(value: Any, part: str | int) -> Any:
    if isinstance(part, int):
        return value[part] if isinstance(value, list) and part < len(value) else _NOTHING
    return value.get(part, _NOTHING) if isinstance(value, dict) else _NOTHING


def resolve(value: Any, values: Values) -> Any:
    """Return a value with its references replaced; keys lose the suffix ``.$``. Raises UnresolvedError.

    A path's value keeps its type; within text it becomes text, lists and maps as JSON. It is not searched for
    references again.
    """
    if isinstance(value, str):
        return _resolve_text(value, values)
    if isinstance(value, list):
        return [resolve(item, values) for item in value]
    if isinstance(value, dict):
        return dict(_resolve_member(key, each, values) for key, each in value.items())
    return value


def as_text(value: Any) -> str:
    """Return a JSON value as the text that it is within text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _resolve_member(key: str, value: Any, values: Values) -> tuple[str, Any]:
    name, suffixed = split_key(key)
    path = parse_path(value) if suffixed and isinstance(value, str) else None
    return name, values.look_up(path) if path else resolve(value, values)


def _resolve_text(text: str, values: Values) -> Any:
    match parse_value(text):
        case Path() as path:
            return values.look_up(path)
        case Template(parts):
            return "".join(part if isinstance(part, str) else as_text(values.look_up(part)) for part in parts)
    return text
