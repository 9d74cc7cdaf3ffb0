"""Telling what a file is before it is read in full."""

from __future__ import annotations

import re
from typing import Literal

from goldsmith.documents.composing import compose
from goldsmith.documents.faults import near_name
from goldsmith.documents.nodes import Mapping
from goldsmith.documents.source import DocumentError

DocumentKind = Literal["component", "pipeline", "other"]

_TOP_LEVEL_KEY = re.compile(r"^([A-Za-z]{3,40})[ \t]*:", re.MULTILINE)
_COMPONENT_KEYS = ("phases",)
_PIPELINE_KEYS = (
    *("imageRecipe", "infrastructureConfiguration", "distributionConfiguration", "imageTestsConfiguration"),
    *("schedule", "cleanup"),
)
_NEARNESS = 0.8


def kind_of(text: str) -> DocumentKind:
    """Return what a text is by its top-level keys, misspelt ones included; it need not be valid."""
    try:
        root = compose(text, "")
        keys = list(root.entries) if isinstance(root, Mapping) else []
    except DocumentError:
        keys = _TOP_LEVEL_KEY.findall(text)
    if _has(keys, _COMPONENT_KEYS) or ("schemaVersion" in keys and "steps" not in keys):
        return "component"
    return "pipeline" if _has(keys, _PIPELINE_KEYS) else "other"


def _has(keys: list[str], known: tuple[str, ...]) -> bool:
    return any(near_name(key, known, nearness=_NEARNESS) for key in keys[:100])
