"""What differs between what is wanted of a resource and what its Get operation shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.documents.faults import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DEFAULTS: dict[str, Any] = {
    "dataType": "text",
    "enhancedImageMetadataEnabled": True,
    "imageTestsEnabled": True,
    "pipelineExecutionStartCondition": "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE",
    "setDefaultVersion": True,
    "terminateInstanceOnCompletion": True,
    "terminateInstanceOnFailure": True,
    "timeoutMinutes": 720,
    "timezone": "UTC",
    "workingDirectory": "/tmp",  # noqa: S108  # AWS's default, inside the image
}
"""Members that mean the same said or not said (3.6)."""

ARN = re.compile(r"arn:aws:imagebuilder:[^:]*:[0-9]{12}:")
"""What stands before the telling part of the ARN of something of one's own."""

_NOTHING: tuple[Any, ...] = (None, "", [], {}, ())
_LONGEST = 60


def differences(wanted: Mapping[str, Any], current: Mapping[str, Any], members: Collection[str]) -> tuple[str, ...]:
    """Return a line for each place below ``members`` at which two documents differ, defaults and nothings aside."""
    left = {name: wanted[name] for name in members if name in wanted}
    right = {name: current[name] for name in members if name in current}
    before, after = _flat(_plain(right)), _flat(_plain(left))
    differing = [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
    return tuple(_difference(path, before.get(path), after.get(path)) for path in differing)


def _difference(path: str, before: Any, after: Any) -> str:
    """Return a place and its two values; of texts of several lines the first that differ."""
    old, new = str(before or "").splitlines(), str(after or "").splitlines()
    if len(old) > 1 and len(new) > 1:
        number = next((index for index, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), -1)
        if number < 0:
            return f"{path}: {len(old)} lines → {len(new)} lines"
        return f"{path}, line {number + 1}: {_told(old[number])} → {_told(new[number])}"
    return f"{path}: {_told(before)} → {_told(after)}"


def _plain(value: Any) -> Any:
    """Return a value without what says nothing: defaults, empty lists and maps."""
    if isinstance(value, dict):
        plain = {name: _plain(inner) for name, inner in value.items()}
        return {name: each for name, each in plain.items() if each not in _NOTHING and not _is_default(name, each)}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _is_default(name: str, value: Any) -> bool:
    return name in DEFAULTS and value == DEFAULTS[name]


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        parts = ((f"{path}.{name}" if path else name, inner) for name, inner in value.items())
    elif isinstance(value, list):
        parts = ((f"{path}[{index}]", inner) for index, inner in enumerate(value))
    else:
        return {path: value}
    return {inner_path: leaf for part, inner in parts for inner_path, leaf in _flat(inner, part).items()}


def _told(value: Any) -> str:
    if value is None:
        return "none"
    text = ARN.sub("", shown(str(value)))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
